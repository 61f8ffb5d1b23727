"""Training with TRL: from a checked run to a trained model."""

import json
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import AutoTokenizer, PrinterCallback
from transformers.utils import logging
from trl import RLOOConfig

from evals.train.reward import trl_reward
from evals.train.training.config import TrainConfig
from evals.train.training.fresh import Refresher
from evals.train.training.policy import Evaluation
from evals.train.training.run import TrainingRun, world_size
from evals.train.training.trees import Forest, credited
from evals.train.training.with_trl.callbacks import Evaluating, Journal, Refreshing, Stopping
from evals.train.training.with_trl.trainer import PolicyTrainer
from rsa.compaction import COMPACTIONS
from rsa.errors import Incomplete, UsageError
from rsa.prompts import Prompts
from rsa.strategies import RSA

__all__ = ["arguments", "make_trainer", "train"]

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


def train(run: TrainingRun, tell: Callable[[str], None]) -> None:
    """Train to the last step, from the last whole checkpoint if there is one, and save the model.

    Raises `Incomplete` if a signal ends it before, and `UsageError` for arguments that TRL does not take.
    """
    logging.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # TRL and transformers warn of each other's names
        trainer = make_trainer(run, tell)
        stopping = Stopping(trainer, tell)
        trainer.add_callback(stopping)
        checkpoint = last_checkpoint(run.checkpoints)
        if checkpoint:
            tell(f"Going on from {checkpoint}")
        with stopping.heeding():
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if trainer.state.global_step < trainer.state.max_steps:
            raise Incomplete(f"interrupted after step {trainer.state.global_step} of {run.config.steps}")
        save_model(trainer, run.model)


def make_trainer(run: TrainingRun, tell: Callable[[str], None]) -> PolicyTrainer:
    """The trainer of a run, with everything that happens between its steps."""
    config = run.config
    prompts, compact = Prompts(run.prompts), COMPACTIONS[run.data.compaction]
    tokenizer = AutoTokenizer.from_pretrained(config.model, padding_side="left")
    visited = run.visited
    trainer = PolicyTrainer(
        model=config.model,
        reward_funcs=_tree_reward(config.end_to_end.build()) if config.end_to_end else trl_reward,
        args=arguments(config, run.checkpoints),
        train_dataset=Dataset.from_dict({"place": range(len(visited))}),
        processing_class=tokenizer,
        peft_config=_adapters(config),
    )
    trainer.visited, trainer.at_a_time = visited, config.generation.at_a_time
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Journal(run.log, config.steps, tell))
    if config.end_to_end:
        trainer.forest = Forest(config.end_to_end.build(), prompts, compact, config.seed)
    if config.on_policy:
        refresher = Refresher(visited, config.prompts_per_step, config.on_policy.every, prompts, compact, run.candidates)
        trainer.add_callback(Refreshing(refresher, trainer, config.seed))
    if config.evaluation:
        rows, strategy = run.data.questions(config.evaluation.problems), config.evaluation.strategy.build()
        shown, at_a_time = (run.prompts, run.data.compaction), config.generation.at_a_time
        judged = Evaluation(rows, strategy, *shown, config.seed, at_a_time, _rewards)
        trainer.add_callback(Evaluating(judged, config.evaluation.every, trainer))
    return trainer


def arguments(config: TrainConfig, folder: Path) -> RLOOConfig:
    """TRL's arguments. Raises `UsageError` for those of the section `trl` that it does not know or accept."""
    sequences = config.prompts_per_step * config.group
    cpu = config.device == "cpu"
    frozen_in_bfloat16 = config.lora and config.precision == "bfloat16" and not cpu
    given: dict[str, Any] = {
        "output_dir": str(folder),
        "seed": config.seed,
        "max_steps": config.steps,
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay,
        "lr_scheduler_type": config.schedule,
        "warmup_steps": config.warmup_steps,
        "beta": config.kl,
        "num_generations": config.group,
        "num_generations_eval": 1,
        "per_device_train_batch_size": config.sequences_per_device,
        "gradient_accumulation_steps": sequences // (config.sequences_per_device * world_size()),
        "shuffle_dataset": False,
        "max_completion_length": config.max_reply_tokens,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "use_cpu": cpu,
        "bf16": config.precision == "bfloat16",
        "gradient_checkpointing": config.gradient_checkpointing,
        "model_init_kwargs": {"dtype": "bfloat16" if frozen_in_bfloat16 else "float32"},
        **_generation(config),
        "save_steps": config.save_every,
        "save_total_limit": config.keep,
        "logging_steps": 1,
        "report_to": config.log_to or "none",
        "disable_tqdm": True,
    }
    try:
        return RLOOConfig(**{**given, **config.trl})
    except (TypeError, ValueError) as error:
        raise UsageError(f"TRL does not take these arguments: {error} (see the section trl of the configuration)") from error


def _generation(config: TrainConfig) -> dict[str, Any]:
    """Those that say what writes the rollouts."""
    on_server = config.generation.engine == "vllm_server"
    return {
        "use_vllm": config.generation.engine != "transformers",
        "vllm_mode": "server" if on_server else "colocate",
        "vllm_server_base_url": config.generation.url,
        "vllm_gpu_memory_utilization": config.generation.gpu_memory,
        "vllm_enable_sleep_mode": config.generation.sleep and not on_server,
        "vllm_tensor_parallel_size": config.generation.tensor_parallel,
        "vllm_max_model_length": config.max_prompt_tokens + config.max_reply_tokens,
    }


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that is whole: its state is written last."""
    found = {int(match[1]): path for path in folder.glob("*") if (match := _CHECKPOINT.fullmatch(path.name))}
    return next((found[step] for step in sorted(found, reverse=True) if _is_whole(found[step])), None)


def _is_whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / "trainer_state.json").read_text())
    except (OSError, ValueError):
        return False
    return True


def save_model(trainer: PolicyTrainer, folder: Path) -> None:
    """Save a whole model that any server takes; adapters are merged into it, and kept beside it too.

    The folder is there once all of it is written.
    """
    model, scratch = trainer.accelerator.unwrap_model(trainer.model), folder.with_suffix(".tmp")
    if isinstance(model, PeftModel):
        trainer.save_model(str(folder.with_name("adapter")))
        if trainer.accelerator.is_main_process:
            model.merge_and_unload().save_pretrained(scratch)
    else:
        trainer.save_model(str(scratch))
    trainer.accelerator.wait_for_everyone()
    if trainer.accelerator.is_main_process:
        trainer.processing_class.save_pretrained(scratch)
        scratch.replace(folder)


def _rewards(truths: Sequence[str], texts: Sequence[str]) -> list[float | None]:
    return trl_reward(texts, [{"ground_truth": truth} for truth in truths])


def _tree_reward(strategy: RSA) -> Callable[..., list[float | None]]:
    """The reward of chains that stand tree after tree: only those of last populations are judged."""
    chains, last = strategy.n * strategy.steps, strategy.n

    def tree_reward(completions: Sequence[Any], reward_model: Sequence[Any], **_columns: Any) -> list[float | None]:
        judged = [place for place in range(len(completions)) if place % chains >= chains - last]
        verdicts = trl_reward([completions[place] for place in judged], [reward_model[place] for place in judged])
        return credited(verdicts, strategy)

    return tree_reward


def _adapters(config: TrainConfig) -> LoraConfig | None:
    if config.lora is None:
        return None
    wanted = config.lora
    return LoraConfig(
        r=wanted.rank,
        lora_alpha=wanted.alpha,
        lora_dropout=wanted.dropout,
        target_modules=wanted.targets,
        task_type="CAUSAL_LM",
    )
