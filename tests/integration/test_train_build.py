"""`rsa-train build` on a real engine and a real small model: llama.cpp with SmolLM2-135M."""

import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
import yaml

from evals.train.reward import Referee

pytestmark = [pytest.mark.llamacpp, pytest.mark.timeout(400)]

CONFIG = {
    "sources": [
        {"task": {"name": "arithmetic", "limit": 3}},
        {"task": {"name": "reasoning_gym:chain_sum", "size": 2}, "name": "sums"},
    ],
    "n": 2,
    "k": 2,
    "aggregations": 2,
    "max_prompt_tokens": 1024,
    "validation_share": 0.2,
    "serve": {"engine": "llamacpp", "threads": 1, "context": 4096},
    "sampling": {"temperature": 0.5, "max_tokens": 32, "stop": ["\n\n"]},
    "endpoint": {"max_concurrency": 4},
    "prompts": "brief",
    "out": "out",
}


def test_a_training_set_from_a_real_model(tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    command = [sys.executable, "-m", "evals.train", "build", "config.yaml", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)["summary"]
    rows = [
        row for split in ("train", "validation") for row in pq.read_table(tmp_path / "out" / f"{split}.parquet").to_pylist()
    ]
    assert len(rows) == sum(sum(modes.values()) for modes in summary["prompts"].values())
    assert {row["mode"] for row in rows} == {"plain", "aggregate"}
    assert {row["data_source"] for row in rows} == {"arithmetic", "sums"}
    assert all(0 < row["prompt_tokens"] <= 1024 for row in rows), "counted by the server"
    shown = [(row["reward_model"]["ground_truth"], each) for row in rows for each in row["candidates"]]
    with Referee() as referee:
        rewards = referee.rewards([truth for truth, _ in shown], [each["text"] for _, each in shown])
    assert rewards == [float(each["solved"]) for _, each in shown], "the reward is the verdict of the run"
