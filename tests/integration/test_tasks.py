"""Every kind of task through a real engine, to its summary. A model this small is not expected to be right."""

import json

import pytest

from evals.scoring import SCORERS
from rsa.serving import LlamaCpp
from tests.integration.serving import running_server

pytestmark = [pytest.mark.llamacpp, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with running_server(LlamaCpp(context=8192, threads=1), tmp_path_factory.mktemp("llamacpp")) as running:
        yield running


SMALL = (
    *("--limit", "1", "--n", "2", "--k", "2", "--steps", "2", "--max-tokens", "12"),
    *("--set", "prompts=brief", "--out", "run", "--json"),
)


def summary_of(rsa_eval, url, *arguments):
    done = rsa_eval("run", *arguments, "--base-url", url, *SMALL)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)["summary"]
    steps = summary["strategies"]["rsa(n=2,k=2,steps=2)"]["steps"]
    assert summary["complete"]
    assert [step["problems"] for step in steps] == [1, 1]
    assert all(step["error"] == 0 for step in steps)
    assert all(scorer.partition("/")[0] in SCORERS for scorer in summary["scorers"])
    return summary


@pytest.mark.parametrize("task", ["aime_style", "code_sample"])
def test_tasks_that_need_no_network(rsa_eval, url, task):
    summary = summary_of(rsa_eval, url, task)
    assert (summary["task"], summary["model"]) == (task, "SmolLM2-135M-Instruct.Q4_1")


def test_generated_reasoning_gym(rsa_eval, url):
    pytest.importorskip("reasoning_gym")
    summary = summary_of(rsa_eval, url, "reasoning_gym:countdown,number_sequence", "--size", "2")
    assert summary["data"] == {
        "source": "reasoning-gym 0.1.25",
        "revision": None,
        "datasets": ["countdown", "number_sequence"],
        "data_seed": 0,
    }
    groups = summary["strategies"]["rsa(n=2,k=2,steps=2)"]["steps"][-1]["groups"]
    assert groups["dataset"]["countdown"]["problems"] == 1


@pytest.mark.parametrize(
    ("task", "file"),
    [
        ("aime25", "aime25"),
        ("hmmt25", "hmmt25"),
        ("supergpqa", "supergpqa_1"),
        ("rg_games", "rg_games"),
        ("rg_cognition", "rg_cognition"),
    ],
)
def test_published_files(rsa_eval, url, published, task, file):
    if task.startswith("rg"):
        pytest.importorskip("reasoning_gym")
    summary = summary_of(rsa_eval, url, task, "--data", str(published(f"{file}.parquet")))
    assert (summary["floor"] is not None) == (task == "supergpqa")


def test_an_own_file_with_an_own_scorer(rsa_eval, url, tmp_path):
    (tmp_path / "mine.py").write_text("def scorer(attempt):\n    return len(attempt.answer) > 0\n")
    rows = [json.dumps({"question": f"What is 3 times {number}?", "answer": 3 * number}) for number in (4, 5)]
    (tmp_path / "data.jsonl").write_text("\n".join(rows))
    done = rsa_eval("run", "--data", "data.jsonl", "--kind", "text", "--scorer", "mine.py:scorer", "--base-url", url, *SMALL)
    summary = json.loads(done.stdout)["summary"]
    assert summary["strategies"]["rsa(n=2,k=2,steps=2)"]["steps"][-1]["accuracy"]["mean"] == 1.0
    assert summary["scorers"][0].startswith("mine.py:scorer@")
