"""Real vLLM, with a tiny random model made on the spot."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml

import rsa
from evals.store import read_log
from rsa.session import open_session
from tests.integration.serving import VLLM_CONTEXT as CONTEXT

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model(vllm_model) -> str:
    return vllm_model


@pytest.fixture(scope="module")
def url(vllm_url) -> str:
    return vllm_url


QUICK = rsa.Sampling(max_tokens=40)


@pytest.mark.parametrize(
    "strategy",
    [rsa.RSA(4, 2, 3), rsa.Majority(3), rsa.SelfRefine(3), rsa.SelfAggregation(3), rsa.Rejection(2), rsa.Sample()],
    ids=str,
)
def test_every_strategy_on_vllm(url, strategy):
    options = {"seed": 1, "kind": "math", "sampling": QUICK, "need": "population"}
    result = rsa.run("What is 3 times 4?", rsa.Endpoint(url), strategy, **options)
    assert len(result.chains) == len(strategy.plan(1, "What is 3 times 4?"))
    assert [chain.error for chain in result.chains if chain.dead] == []
    assert all(chain.usage.prompt and chain.usage.completion and chain.usage.cached is not None for chain in result.chains)


def test_the_same_seed_makes_the_same_first_samples(url):
    def texts() -> list[str]:
        return [chain.text for chain in rsa.run("Count.", rsa.Endpoint(url), rsa.Majority(4), seed=3, sampling=QUICK).chains]

    first = texts()
    assert first == texts()
    assert len(set(first)) == 4


def test_what_the_server_says_of_itself(url, model):
    async def ask():
        async with open_session(rsa.Endpoint(url)) as session:
            message = [{"role": "user", "content": "What is 3 times 4?"}]
            return session, await session.counter(message), await session.client.complete(message, QUICK, 0)

    session, counted, completion = asyncio.run(ask())
    assert session.client.endpoint.model == model
    assert session.context == CONTEXT
    assert counted == completion.usage.prompt


def test_long_prompts_die_before_and_at_the_server_alike(url):
    question = "x" * 5000
    with pytest.raises(rsa.RunFailed, match="and may be answered with 40 more, but the context window holds 4096"):
        rsa.run(question, rsa.Endpoint(url), rsa.Sample(), sampling=QUICK)
    with pytest.raises(rsa.RunFailed, match=r"HTTP 400: .*(?s:.*)context length"):
        rsa.run(question, rsa.Endpoint(url, context=10**6), rsa.Sample(), sampling=QUICK)


def test_a_parameter_that_vllm_refuses_stops_at_once(url):
    with pytest.raises(rsa.EndpointRefused, match="HTTP 400"):
        rsa.run("Q?", rsa.Endpoint(url, extra_body={"temperature": "hot"}), rsa.Majority(8), sampling=QUICK)


SMALL = ("--n", "4", "--k", "2", "--steps", "3", "--limit", "5", "--max-tokens", "60")


@pytest.fixture
def aime(tmp_path) -> str:
    """AIME-like rows in the published layout."""
    rows = [
        {
            "problem_idx": number,
            "ability": "math",
            "prompt": [
                {
                    "role": "user",
                    "content": f"What does $7^{{{number}}}$ leave modulo 1000? Answer within \\boxed{{}}.",
                }
            ],
            "reward_model": {"ground_truth": str(pow(7, number, 1000)), "style": "rule"},
        }
        for number in range(1, 8)
    ]
    path = tmp_path / "aime.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def check_run(directory: Path, content: str) -> None:
    summary = json.loads(content)["summary"]
    assert (summary["task"], summary["problems"], summary["complete"]) == ("aime25", 5, True)
    steps = summary["strategies"]["rsa(n=4,k=2,steps=3)"]["steps"]
    assert [step["chains"] for step in steps] == [20, 20, 20]
    assert all(0 <= step["no_answer"] <= 1 for step in steps)  # random weights box nothing
    assert summary["strategies"]["rsa(n=4,k=2,steps=3)"]["without_usage"] == 0
    assert len(list(read_log(directory / "chains.jsonl"))) == 60


def test_rsa_eval_against_a_running_server(url, model, aime, rsa_eval, tmp_path):
    done = rsa_eval("run", "aime25", "--data", aime, "--model", model, "--base-url", url, *SMALL, "--out", "run", "--json")
    assert done.returncode == 0, done.stderr
    check_run(tmp_path / "run", done.stdout)
    assert rsa_eval("resume", "run").returncode == 0
    planned = json.loads(rsa_eval("plan", "aime25", "--set", f"task.data={aime}", "--base-url", url, "--json").stdout)
    assert (planned["context"], planned["counted_by"]) == (CONTEXT, "by the server")


def test_strategies_are_compared_on_vllm(url, model, aime, rsa_eval, tmp_path):
    named = ("majority(n=6)", "rejection(n=2)", "self_refine(steps=2,n=2)", "self_aggregation(k=2)", "rsa(n=4,k=2,steps=2)")
    common = ("aime25", "--data", aime, "--model", model, "--base-url", url, "--limit", "3", "--max-tokens", "40")
    done = rsa_eval("compare", *common, *(part for name in named for part in ("--strategy", name)), "--out", "c", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["comparison"]
    assert [run["complete"] for run in found["runs"]] == [True] * len(named)
    assert found["saved"]["chains"] == 3 * (2 + 2 + 2 + 4)
    assert (tmp_path / "c" / "report.html").stat().st_size > 10_000


def test_rsa_eval_on_the_published_aime25(url, model, published, rsa_eval, tmp_path):
    data = str(published("aime25.parquet"))
    done = rsa_eval("run", "aime25", "--data", data, "--model", model, "--base-url", url, *SMALL, "--out", "run", "--json")
    assert done.returncode == 0, done.stderr
    check_run(tmp_path / "run", done.stdout)


def served(model: str) -> tuple[str, ...]:
    return (
        "--serve",
        "vllm",
        "--model",
        model,
        "--set",
        f"serve.context={CONTEXT}",
        "--set",
        "serve.args=[--dtype, float32]",
    )


def test_rsa_eval_serves_vllm_itself(model, aime, rsa_eval, tmp_path):
    done = rsa_eval("run", "aime25", "--data", aime, *served(model), *SMALL, "--out", "run", "--json", timeout=500)
    assert done.returncode == 0, done.stderr
    check_run(tmp_path / "run", done.stdout)
    recorded = yaml.safe_load((tmp_path / "run" / "run.yaml").read_text())
    assert recorded["provenance"]["served_models"][0]["owned_by"] == "vllm"
    assert "Application shutdown complete" in (tmp_path / "run" / "server.log").read_text()


def test_a_model_that_cannot_be_loaded_shows_the_servers_last_words(rsa_eval, aime, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{}")
    done = rsa_eval("run", "aime25", "--data", aime, *served(str(tmp_path / "broken")), *SMALL, "--out", "run", timeout=500)
    assert done.returncode == 1
    assert "vllm ended with exit code 1 before it was ready. The last lines of run/server.log" in done.stderr
    assert "  | " in done.stderr


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL])
def test_no_vllm_survives_its_run(model, aime, tmp_path, signal_number):
    """vLLM's engine is a process of its own below the server's."""
    command = [
        sys.executable,
        "-m",
        "evals",
        "run",
        "--data",
        aime,
        *served(model),
        "--n",
        "16",
        "--steps",
        "10",
        "--max-tokens",
        "300",
        "--out",
        str(tmp_path / "run"),
    ]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
        assert running.stderr
        while "step " not in running.stderr.readline():
            assert running.poll() is None
        family = psutil.Process(running.pid).children(recursive=True)
        assert len(family) >= 3
        running.send_signal(signal_number)
        if signal_number == signal.SIGINT:
            running.send_signal(signal_number)
        running.communicate(timeout=60)
    _, alive = psutil.wait_procs(family, timeout=40)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
