"""Training with verl: the configuration in its own terms, and the command that starts it on a Ray cluster.

verl trains in processes of its own. What is launched is `verl.trainer.main_ppo` with a file that holds the whole resolved
configuration. Hydra and verl are imported only here.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evals.console import output
from evals.directory import write_whole
from evals.provenance import made_by
from evals.train import reward
from evals.train.training.config import TrainConfig
from evals.train.training.reach import refusal
from evals.train.training.run import TrainingRun, prepare_training
from evals.train.training.stacks import check_stack
from rsa.errors import RunFailed, UsageError

__all__ = ["command", "overrides", "resolved", "run_verl"]

_CONFIG = "verl.yaml"
_HEALTH_SECONDS = 60


def run_verl(config: TrainConfig, *, print_only: bool) -> None:
    """Write verl's configuration and launch it, or only print the command. Raises `RunFailed` if verl fails."""
    for section in ("on_policy", "end_to_end"):
        if getattr(config, section):
            raise UsageError(f"{section}: only --backend trl can do this; leave it out for verl")
    if config.schedule == "linear":
        raise UsageError("schedule: verl has constant and cosine, not linear")
    check_stack("verl")
    run = prepare_training(config, "verl")
    if len(run.data.train) < config.prompts_per_step:
        raise UsageError(
            f"prompts_per_step: verl needs a whole step's prompts, {config.prompts_per_step}, and the data set has only "
            f"{len(run.data.train)}: build a larger one, or lower it"
        )
    if not print_only:
        check_ray(config.verl.ray_address)
    run.begin(made_by(["rsa-train", *sys.argv[1:]]))
    write_whole(run.folder / _CONFIG, _yaml(resolved(run)))
    line = command(run)
    output().print(shlex.join(line), soft_wrap=True)
    if print_only:
        return
    if code := subprocess.run(line, check=False).returncode:
        raise RunFailed(f"verl ended with exit code {code}; the same command again goes on from its last checkpoint")


def command(run: TrainingRun) -> list[str]:
    """What is launched."""
    folder = run.folder.resolve()
    main = [sys.executable, "-m", "verl.trainer.main_ppo", "--config-path", str(folder), "--config-name", "verl"]
    return [*main, f"hydra.run.dir={folder / 'hydra'}"]  # else in a folder "outputs" wherever this is run


def resolved(run: TrainingRun) -> Any:
    """verl's own configuration with ours put over it. Raises `UsageError` for a key that verl does not have."""
    import verl.trainer  # noqa: PLC0415 - heavy
    from hydra import compose, initialize_config_dir  # noqa: PLC0415
    from hydra.errors import HydraException  # noqa: PLC0415

    texts = [f"{key}={json.dumps(value)}" for key, value in overrides(run).items()]
    folder = Path(verl.trainer.__file__).parent / "config"
    try:
        with initialize_config_dir(str(folder), version_base=None):
            return compose("ppo_trainer", texts)
    except HydraException as error:
        raise UsageError(f"verl.overrides: verl does not take them: {error}") from error


def overrides(run: TrainingRun) -> dict[str, Any]:
    """The keys of verl's configuration that a run sets, with a plus where the key is not in verl's own files."""
    config = run.config
    train, validation = (str(path.resolve()) for path in run.data.files())
    longest = config.max_prompt_tokens + config.max_reply_tokens
    return {
        "algorithm.adv_estimator": "rloo",
        "algorithm.use_kl_in_reward": config.kl > 0,
        "algorithm.kl_ctrl.kl_coef": config.kl,
        "data.train_files": train,
        "data.val_files": validation,
        "data.train_batch_size": config.prompts_per_step,
        "data.max_prompt_length": config.max_prompt_tokens,
        "data.max_response_length": config.max_reply_tokens,
        "data.seed": config.seed,
        "reward.custom_reward_function.path": f"pkg://{reward.__name__}",
        "reward.custom_reward_function.name": "compute_score",
        **_actor(config),
        **_rollout(config, longest),
        "trainer.total_training_steps": config.steps,
        "trainer.total_epochs": -(-config.steps * config.prompts_per_step // len(run.data.train)) + 1,
        "trainer.nnodes": config.verl.nodes,
        "trainer.n_gpus_per_node": config.verl.gpus_per_node,
        "trainer.save_freq": config.save_every,
        "trainer.test_freq": config.evaluation.every if config.evaluation else -1,
        "trainer.val_before_train": config.evaluation is not None,
        "trainer.max_actor_ckpt_to_keep": config.keep,
        "trainer.default_local_dir": str(run.checkpoints.resolve()),
        "trainer.project_name": "rsa-train",
        "trainer.experiment_name": run.folder.name,
        "trainer.logger": ["console", *config.log_to],
        "trainer.resume_mode": "auto",
        "+ray_kwargs.ray_init.address": config.verl.ray_address or "auto",
        **config.verl.overrides,
    }


def _actor(config: TrainConfig) -> dict[str, Any]:
    """The model and how it is trained: one update a step, on all of its sequences."""
    lora = config.lora
    adapters: Mapping[str, Any] = {
        "actor_rollout_ref.model.lora_rank": lora.rank if lora else 0,
        "actor_rollout_ref.model.lora_alpha": lora.alpha if lora else 16,
        "actor_rollout_ref.model.target_modules": lora.targets if lora else "all-linear",
        # adapters are all that vLLM is sent, so it has to read the model itself
        "actor_rollout_ref.rollout.load_format": "safetensors" if lora else "dummy",
    }
    return {
        "actor_rollout_ref.model.path": config.model,
        "actor_rollout_ref.model.enable_gradient_checkpointing": config.gradient_checkpointing,
        **adapters,
        "actor_rollout_ref.actor.optim.lr": config.learning_rate,
        "actor_rollout_ref.actor.optim.weight_decay": config.weight_decay,
        "actor_rollout_ref.actor.optim.lr_scheduler_type": config.schedule,
        "actor_rollout_ref.actor.optim.lr_warmup_steps": config.warmup_steps,
        "actor_rollout_ref.actor.ppo_mini_batch_size": config.prompts_per_step,
        "actor_rollout_ref.actor.ppo_epochs": 1,
        "actor_rollout_ref.actor.use_dynamic_bsz": True,
        "actor_rollout_ref.actor.ppo_max_token_len_per_gpu": config.verl.tokens_per_gpu,
        "actor_rollout_ref.actor.use_kl_loss": False,
        "actor_rollout_ref.actor.entropy_coeff": 0.0,
    }


def _rollout(config: TrainConfig, longest: int) -> dict[str, Any]:
    """How replies are sampled, also in verl's own validation."""
    return {
        "actor_rollout_ref.rollout.name": "vllm",
        "actor_rollout_ref.rollout.n": config.rollouts,
        "actor_rollout_ref.rollout.temperature": config.temperature,
        "actor_rollout_ref.rollout.top_p": config.top_p,
        "actor_rollout_ref.rollout.tensor_model_parallel_size": config.generation.tensor_parallel,
        "actor_rollout_ref.rollout.gpu_memory_utilization": config.generation.gpu_memory,
        "actor_rollout_ref.rollout.max_model_len": longest,
        "actor_rollout_ref.rollout.max_num_batched_tokens": longest,
        "actor_rollout_ref.rollout.val_kwargs.do_sample": True,
        "actor_rollout_ref.rollout.val_kwargs.temperature": config.temperature,
        "actor_rollout_ref.rollout.val_kwargs.top_p": config.top_p,
    }


def check_ray(address: str | None, run: Callable[..., Any] = subprocess.run) -> None:
    """See that a Ray cluster is there. Raises `UsageError` if not: nothing is spent on a wrong address."""
    if address is None:
        raise UsageError(
            "verl.ray_address: name the running Ray cluster (--ray-address HOST:PORT, or auto on one of its machines); "
            "to start one: ray start --head"
        )
    remedy = (
        f"verl.ray_address: there is no Ray cluster at {address!r}: see `ray status` there, or start one: ray start --head"
    )
    if address != "auto":
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise UsageError(f"verl.ray_address: {address!r} is not HOST:PORT, such as 10.0.0.1:6379, nor auto")
        if why := refusal(host, int(port)):
            raise UsageError(f"{remedy} ({why})")
    asked = [sys.executable, "-m", "ray.scripts.scripts", "health-check"]
    if address != "auto":
        asked += ["--address", address]
    try:
        answered = run(asked, capture_output=True, timeout=_HEALTH_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        answered = False
    if not answered:
        raise UsageError(remedy)


def _yaml(config: Any) -> str:
    from omegaconf import OmegaConf  # noqa: PLC0415

    return str(OmegaConf.to_yaml(config))
