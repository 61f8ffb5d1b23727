"""vLLM without a server: its `AsyncLLM` in a process of its own, through the library."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("in_process")
    subprocess.run([sys.executable, "-m", "tests.integration.tiny_model", str(folder / "tiny")], cwd=ROOT, check=True)
    environment = os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
    program = [sys.executable, "-m", "tests.integration.vllm_in_process", str(folder / "tiny"), str(folder / "found")]
    subprocess.run(program, cwd=ROOT, env=environment, check=True, timeout=500)
    return json.loads((folder / "found").read_text())


def test_a_run_on_the_engine_counts_and_repeats(found):
    chains = found["chains"]
    assert len(chains) == 12
    assert {chain["status"] for chain in chains} <= {"ok", "truncated"}
    assert all(chain["usage"]["prompt"] and chain["usage"]["completion"] for chain in chains)
    assert all(chain["usage"]["cached"] is not None for chain in chains)
    assert found["model"].endswith("tiny")
    assert found["same"]


def test_questions_and_repeats_are_draws_of_their_own(found):
    assert len(set(found["draws"])) == 6


def test_prompts_that_are_too_long_are_shortened_or_die(found):
    assert {overflow["rule"] for overflow in found["overflow"]} == {"tail"}
    assert "the context window holds 2048" in found["too_long"]


def test_a_cancelled_run_leaves_nothing_in_the_engine(found):
    assert found["left_after_cancel"] == 0


def test_the_adapter_keeps_the_contract(found):
    assert found["remarks"] == []
