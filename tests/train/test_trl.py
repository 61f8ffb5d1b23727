"""Real training with TRL: a tiny model of random weights, on a CPU. What it learns is to write a digit, nothing more."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from tests.fake_server import FakeServer
from tests.train.digits import CONFIGS, RIGHT, WRONG, build_digits, logged, rewards, train

pytestmark = [
    pytest.mark.trl,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("default"),  # TRL, transformers and PyTorch warn of each other
]

ROOT = Path(__file__).parents[2]
MINIATURE = CONFIGS / "miniature.yaml"
BARE = ("--set", "evaluation=null")


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> tuple[str, ...]:
    """The options that name a model of random weights and a training set that `rsa-train build` made."""
    from tests.integration.tiny_model import save_tiny_model  # noqa: PLC0415 - needs PyTorch

    folder = tmp_path_factory.mktemp("start")
    save_tiny_model(folder / "random")
    with FakeServer() as server:
        data = build_digits(folder, server)
    return "--model", str(folder / "random"), "--data", str(data)


@pytest.fixture(scope="module")
def trained(start, tmp_path_factory) -> Path:
    """The folder of a whole run of the miniature."""
    out = tmp_path_factory.mktemp("trained")
    done = train(MINIATURE, *start, "--out", str(out), "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["model"] == str(out / "model")
    return out


def rise(out: Path) -> float:
    """By how much the reward of the last quarter of all steps is above that of the first."""
    found = rewards(out)
    quarter = len(found) // 4
    return fmean(found[-quarter:]) - fmean(found[:quarter])


def test_the_reward_rises(trained):
    assert [entry["step"] for entry in logged(trained) if {"reward", "loss"} <= entry.keys()] == list(range(1, 25))
    assert rise(trained) > 0.3
    assert rewards(trained)[-1] > 0.85


def test_the_policy_is_evaluated_through_our_engine(trained):
    entries = [entry for entry in logged(trained) if "rsa/accuracy_step_1" in entry]
    assert [entry["step"] for entry in entries] == [0, 12, 24]
    assert not any("reward" in entry for entry in entries), "the metrics of a step stay with it"
    names = {f"rsa/{name}_step_{step}" for name in ("accuracy", "coverage") for step in (1, 3)}
    assert all(names <= entry.keys() for entry in entries)
    assert all(entry[f"rsa/coverage_step_{s}"] >= entry[f"rsa/accuracy_step_{s}"] for entry in entries for s in (1, 3))
    assert all(entries[-1][f"rsa/accuracy_step_{s}"] > entries[0][f"rsa/accuracy_step_{s}"] + 0.3 for s in (1, 3))


def test_a_run_that_is_done_is_not_trained_again(start, trained):
    before = (trained / "log.jsonl").stat().st_mtime_ns
    done = train(MINIATURE, *start, "--out", str(trained))
    assert (done.exit_code, (trained / "log.jsonl").stat().st_mtime_ns) == (0, before)


def test_the_trained_model_is_whole_and_has_its_chat_template(trained):
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    assert AutoTokenizer.from_pretrained(trained / "model").chat_template
    assert AutoModelForCausalLM.from_pretrained(trained / "model").num_parameters() > 300_000


def test_a_run_that_was_killed_goes_on_as_if_it_had_not(start, trained, tmp_path):
    """Its steps are the first of the run above, which was evaluated besides: nobody disturbs the draws of the training.

    Nor does it matter that it goes on with other portions in which gradients are computed.
    """
    options = [str(MINIATURE), *start, "--out", str(tmp_path), "--set", "steps=8", "--set", "save_every=3", *BARE]
    command = [sys.executable, "-m", "evals.train", "run", *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        while not running.stdout.readline().startswith("step 5/8"):
            assert running.poll() is None
        running.send_signal(signal.SIGKILL)
    torn = tmp_path / "checkpoints" / "checkpoint-6"
    torn.mkdir(exist_ok=True)
    (torn / "trainer_state.json").write_text('{"global_step": 6,')
    done = train(*options, "--set", "sequences_per_device=8")
    assert done.exit_code == 0, done.stderr
    assert f"Going on from {tmp_path}/checkpoints/checkpoint-3" in done.stdout
    assert "step 4/8" in done.stdout
    assert "step 3/8" not in done.stdout
    assert rewards(tmp_path) == pytest.approx(rewards(trained)[:8])


def test_a_signal_ends_a_run_with_a_checkpoint_and_it_can_go_on(start, tmp_path):
    options = [str(MINIATURE), *start, "--out", str(tmp_path), "--set", "steps=30", *BARE]
    command = [sys.executable, "-m", "evals.train", "run", *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        while not running.stdout.readline().startswith("step 2/30"):
            assert running.poll() is None
        running.send_signal(signal.SIGTERM)
        _, errors = running.communicate()
    assert running.returncode == 3
    steps = len(rewards(tmp_path))
    assert f"interrupted after step {steps} of 30; to go on: the same command again" in errors
    assert (tmp_path / "checkpoints" / f"checkpoint-{steps}" / "trainer_state.json").is_file()


def test_adapters_are_merged_into_a_whole_model(start, tmp_path):
    done = train(MINIATURE, *start, "--out", str(tmp_path), "--set", "steps=2", "--set", "lora={rank: 4, alpha: 8}", *BARE)
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "adapter" / "adapter_config.json").is_file()
    assert (tmp_path / "model" / "model.safetensors").is_file()
    assert not (tmp_path / "model" / "adapter_config.json").exists()


def test_two_processes_train_one_model(start, tmp_path):
    options = ["--out", str(tmp_path / "run"), "--set", "steps=2", "--set", "sequences_per_device=16"]
    several = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "evals.train"]
    command = [*several, "run", str(MINIATURE), *start, *options, "--set", "on_policy={every: 1}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert [entry["step"] for entry in logged(tmp_path / "run") if "rsa/accuracy_step_3" in entry] == [0, 2]
    assert len(rewards(tmp_path / "run")) == 2
    assert done.stdout.count("step 2/2  reward") == 1, "one of them tells"


def test_trees_learn_from_what_their_last_population_achieves(start, tmp_path):
    done = train(CONFIGS / "end_to_end_miniature.yaml", *start, "--out", str(tmp_path), "--set", "steps=12")
    assert done.exit_code == 0, done.stderr
    assert rise(tmp_path) > 0.2


def test_candidates_come_from_the_policy_as_it_is_then(start, tmp_path):
    shorter = ("--set", "steps=15", "--set", "on_policy.every=5")
    done = train(CONFIGS / "on_policy_miniature.yaml", *start, "--out", str(tmp_path), *shorter)
    assert done.exit_code == 0, done.stderr
    phases = [json.loads((tmp_path / "candidates" / f"step-{step}.json").read_text()) for step in (0, 5, 10)]
    with_digits = [fmean(any(c.isdigit() for c in text) for texts in phase.values() for text in texts) for phase in phases]
    assert with_digits[-1] > with_digits[0] + 0.3, "later candidates are those of a policy that has learnt"
    assert rise(tmp_path) > 0.3


def trainer_of(config: Path, start: tuple[str, ...], out: Path) -> Any:
    """The trainer of a run, in the state of training."""
    import yaml  # noqa: PLC0415

    from evals.train.training.config import TrainConfig  # noqa: PLC0415
    from evals.train.training.run import prepare_training  # noqa: PLC0415
    from evals.train.training.with_trl.backend import make_trainer  # noqa: PLC0415

    content = yaml.safe_load(config.read_text())
    wanted = TrainConfig.model_validate({**content, "model": start[1], "data": start[3], "out": str(out)})
    trainer = make_trainer(prepare_training(wanted), lambda _: None)
    trainer.model.train()
    return trainer


def test_an_answer_that_nobody_could_judge_teaches_nothing(start, tmp_path):
    trainer = trainer_of(MINIATURE, start, tmp_path)
    trainer.reward_funcs = [lambda completions, **_: [1.0, None, 0.0, 1.0, None, None, None, None]]
    made = trainer._generate_and_score_completions([{"place": 0}] * 4 + [{"place": 1}] * 4)
    assert made["advantages"].tolist() == [0.5, 0.0, -1.0, 0.5, 0.0, 0.0, 0.0, 0.0]
    for ids, mask in zip(made["completion_ids"].tolist(), made["completion_mask"].tolist(), strict=True):
        ends = [place for place, token in enumerate(ids) if token in trainer.eos_token_ids]
        assert sum(mask) == (ends[0] + 1 if ends else len(ids)), "the loss sees a reply to its end, and its end"


def test_what_trees_are_trained_on_is_what_they_were_asked_and_said(start, tmp_path):
    trainer = trainer_of(CONFIGS / "end_to_end_miniature.yaml", start, tmp_path)
    made = trainer._generate_and_score_completions([{"place": 0}] * 16)
    prompts = trainer.processing_class.batch_decode(made["prompt_ids"], skip_special_tokens=True)
    replies = trainer.processing_class.batch_decode(made["completion_ids"], skip_special_tokens=True)
    question = trainer.visited[0].question.text
    for tree in range(0, 16, 4):
        assert question in prompts[0]
        assert prompts[tree : tree + 2] == [prompts[0]] * 2, "the plain question"
        shown = [reply.strip() for reply in replies[tree : tree + 2] if reply.strip()]
        assert all(reply in prompt for prompt in prompts[tree + 2 : tree + 4] for reply in shown)
        assert len(set(made["advantages"][tree : tree + 4].tolist())) == 1, "one reward for the whole tree"


def test_a_right_answer_earns_1_through_the_trainer(start, tmp_path):
    trainer = trainer_of(MINIATURE, start, tmp_path)
    rows = [trainer.shown(place) for place in range(4)]
    prompts = [row["prompt"] for row in rows]
    replies = [[{"role": "assistant", "content": text}] for text in (RIGHT, WRONG, RIGHT, WRONG)]
    assert trainer._calculate_rewards(rows, prompts, replies, [[1]] * 4).flatten().tolist() == [1.0, 0.0, 1.0, 0.0]


def test_a_server_for_rollouts_that_is_not_there_is_told(start, tmp_path):
    server = "generation={engine: vllm_server, url: 'http://127.0.0.1:9'}"
    done = train(MINIATURE, *start, "--out", str(tmp_path / "run"), "--set", server)
    assert done.exit_code == 2
    assert "generation.url: nobody answers at http://127.0.0.1:9" in done.stderr
    assert not (tmp_path / "run").exists()


def test_an_argument_that_trl_does_not_know_is_told(start, tmp_path):
    done = train(MINIATURE, *start, "--out", str(tmp_path), "--set", "trl.num_generation=3")
    assert done.exit_code == 2
    assert "TRL does not take these arguments" in done.stderr
    assert "num_generation" in done.stderr
