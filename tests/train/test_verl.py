"""What can be seen of verl without a GPU: it takes our configuration, loads our data, and its reward manager scores them."""

import asyncio
import shlex
import socket
import subprocess

import pytest
import yaml

from evals.train.training.config import TrainConfig
from evals.train.training.data import read_training_set
from evals.train.training.run import TrainingRun
from tests.train.digits import CONFIGS, RIGHT, WRONG, train

pytestmark = [pytest.mark.verl, pytest.mark.timeout(600), pytest.mark.filterwarnings("default")]

SHIPPED = ("paper_4gpu", "qwen3_4b_lora_1gpu")
SMALL = {"prompts_per_step": 16, "max_prompt_tokens": 1024, "max_reply_tokens": 64}


@pytest.fixture
def command(data, model, tmp_path):
    """`rsa-train run paper_4gpu.yaml --backend verl` on the small set; the folder is tmp_path/run."""
    config = tmp_path / "small.yaml"
    config.write_text(yaml.safe_dump({**yaml.safe_load((CONFIGS / "paper_4gpu.yaml").read_text()), **SMALL}))
    start = ("--backend", "verl", "--model", str(model), "--data", str(data), "--out", str(tmp_path / "run"))
    return lambda *arguments: train(config, *start, *arguments)


@pytest.mark.parametrize("name", SHIPPED)
def test_verl_validates_the_shipped_configurations(name, data):
    from verl.trainer.ppo.utils import need_critic, need_reference_policy  # noqa: PLC0415
    from verl.utils.config import validate_config  # noqa: PLC0415

    from evals.train.training.with_verl import resolved  # noqa: PLC0415

    wanted = TrainConfig.model_validate(yaml.safe_load((CONFIGS / f"{name}.yaml").read_text()))
    made = resolved(TrainingRun(wanted, read_training_set(data)))
    made.actor_rollout_ref.model.lora.merge = True  # else vLLM itself is asked which ranks it takes
    validate_config(made, need_reference_policy(made), need_critic(made))
    assert (need_reference_policy(made), need_critic(made)) == (False, False)
    assert made.algorithm.adv_estimator == "rloo"
    assert made.data.train_batch_size == made.actor_rollout_ref.actor.ppo_mini_batch_size == wanted.prompts_per_step
    assert made.actor_rollout_ref.rollout.n == 4
    assert made.actor_rollout_ref.actor.optim.lr == wanted.learning_rate
    assert made.actor_rollout_ref.actor.optim.total_training_steps in (-1, 300)
    assert made.actor_rollout_ref.model.lora_rank == (wanted.lora.rank if wanted.lora else 0)


def test_the_printed_command_is_what_verl_would_run(command, tmp_path):
    done = command("--print")
    assert done.exit_code == 0, done.stderr
    line = shlex.split(done.stdout)
    shown = subprocess.run([*line, "--cfg", "job"], capture_output=True, text=True, timeout=300, check=True)
    assert yaml.safe_load(shown.stdout) == yaml.safe_load((tmp_path / "run" / "verl.yaml").read_text())


@pytest.fixture(scope="module")
def made(data, model):
    from evals.train.training.with_verl import resolved  # noqa: PLC0415

    content = {**yaml.safe_load((CONFIGS / "miniature.yaml").read_text()), "model": str(model), "data": str(data)}
    return resolved(TrainingRun(TrainConfig.model_validate(content), read_training_set(data)))


def test_verl_loads_the_training_set(made, data, model):
    from transformers import AutoTokenizer  # noqa: PLC0415
    from verl.utils.dataset.rl_dataset import RLHFDataset  # noqa: PLC0415

    rows = read_training_set(data).train
    loaded = RLHFDataset(made.data.train_files, AutoTokenizer.from_pretrained(model), made.data)
    assert len(loaded) == len(rows)
    for place, row in enumerate(rows):
        item = loaded[place]
        assert [dict(turn) for turn in item["raw_prompt"]] == [dict(turn) for turn in row.prompt]
        assert item["reward_model"]["ground_truth"] == row.truth


def test_a_right_answer_earns_1_through_verls_reward_manager(made, model, data):
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415
    from transformers import AutoTokenizer  # noqa: PLC0415
    from verl import DataProto  # noqa: PLC0415
    from verl.trainer.ppo.reward import load_reward_manager  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(model)
    row = read_training_set(data).train[0]

    async def scored(text: str) -> float:
        manager = load_reward_manager(made, tokenizer)
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        columns = {
            "data_source": np.array([row.data_source], dtype=object),
            "reward_model": np.array([{"ground_truth": row.truth}], dtype=object),
            "extra_info": np.array([{}], dtype=object),
        }
        tensors = {"responses": ids, "attention_mask": torch.ones_like(ids)}
        return (await manager.run_single(DataProto.from_dict(tensors, non_tensors=columns)))["reward_score"]

    assert [asyncio.run(scored(text)) for text in (RIGHT, WRONG)] == [1.0, 0.0]


def test_a_wrong_ray_address_is_told_before_anything_is_spent(command, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        done = command("--ray-address", f"127.0.0.1:{closed.getsockname()[1]}")
    assert done.exit_code == 2
    assert "verl.ray_address: there is no Ray cluster at '127.0.0.1:" in done.stderr
    assert not (tmp_path / "run").exists()


def test_something_else_at_the_ray_address_is_told(command, server, monkeypatch):
    from evals.train.training import with_verl  # noqa: PLC0415

    monkeypatch.setattr(with_verl, "_HEALTH_SECONDS", 15)
    done = command("--ray-address", f"127.0.0.1:{server.port}")
    assert done.exit_code == 2
    assert "there is no Ray cluster at" in done.stderr


ODD = [
    ((), "verl.ray_address: name the running Ray cluster"),
    (("--ray-address", "here"), "'here' is not HOST:PORT"),
    (("--print", "--set", "on_policy={every: 5}"), "on_policy: only --backend trl can do this"),
    (("--print", "--set", "schedule=linear"), "schedule: verl has constant and cosine"),
    (("--print", "--set", "prompts_per_step=500"), "and the data set has only"),
    (("--print", "--set", "verl.overrides={trainer.nodes: 3}"), "verl.overrides: verl does not take them"),
]


@pytest.mark.parametrize(("arguments", "told"), ODD, ids=[told[:30] for _, told in ODD])
def test_what_verl_cannot_do_is_told(command, arguments, told):
    done = command(*arguments)
    assert done.exit_code == 2
    assert told in done.stderr
