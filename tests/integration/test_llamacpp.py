"""A real engine and a real small model: llama.cpp with SmolLM2-135M."""

import asyncio
import json
import signal
import subprocess
import sys
from operator import itemgetter
from pathlib import Path

import psutil
import pytest
import yaml

import rsa
from evals.store import read_log
from rsa.serving import LlamaCpp, embedded_weights
from rsa.session import open_session
from tests.integration.serving import running_server

pytestmark = [pytest.mark.llamacpp, pytest.mark.timeout(400)]

SHORT = rsa.Sampling(temperature=0.5, max_tokens=24, stop=("\n\n",))


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A running server, started and stopped by our own code."""
    with running_server(LlamaCpp(context=2048, threads=1), tmp_path_factory.mktemp("llamacpp")) as running:
        yield running


@pytest.mark.parametrize(
    "strategy",
    [rsa.RSA(3, 2, 3), rsa.Majority(3), rsa.SelfRefine(2), rsa.SelfAggregation(2), rsa.Rejection(2), rsa.Sample()],
    ids=str,
)
def test_every_strategy_on_a_real_model(url, strategy):
    options = {"seed": 1, "kind": "number", "sampling": SHORT, "prompts": "brief", "need": "population"}
    result = rsa.run("What is 3 times 4?", rsa.Endpoint(url), strategy, **options)
    assert len(result.chains) == len(strategy.plan(1, "What is 3 times 4?"))
    assert [chain for chain in result.chains if chain.dead] == []
    assert all(chain.usage.prompt and chain.usage.completion and chain.usage.cached is not None for chain in result.chains)
    assert all(chain.text.strip() for chain in result.chains)


async def test_a_run_from_inside_a_notebook_like_loop(url):
    assert rsa.run("What is 3 times 4?", rsa.Endpoint(url), rsa.Sample(), sampling=SHORT).text


def test_what_the_server_says_of_itself(url):
    async def ask():
        async with open_session(rsa.Endpoint(url)) as session:
            message = [{"role": "user", "content": "What is 3 times 4?"}]
            counted = await session.counter(message)
            sent = await session.client.complete(message, SHORT, 0)
            return session, counted, sent

    session, counted, sent = asyncio.run(ask())
    assert session.client.endpoint.model == "SmolLM2-135M-Instruct.Q4_1"
    assert session.context == 2048
    assert counted == sent.usage.prompt


def test_a_prompt_that_is_too_long_dies_before_and_at_the_server_alike(url):
    question = "word " * 3000
    with pytest.raises(rsa.RunFailed, match=r"the prompt has .* tokens and may be answered with 24 more, but the context"):
        rsa.run(question, rsa.Endpoint(url), rsa.Sample(), sampling=SHORT)
    with pytest.raises(rsa.RunFailed, match=r"HTTP 400: .*exceeds the available context size"):
        rsa.run(question, rsa.Endpoint(url, context=10**6), rsa.Sample(), sampling=SHORT)


def test_a_truncated_chain_is_told_apart(url):
    chain = rsa.run("Tell a long story.", rsa.Endpoint(url), rsa.Sample(), sampling=rsa.Sampling(max_tokens=5)).chosen
    assert (chain.status, chain.usage.completion) == (rsa.Status.TRUNCATED, 5)


ARITHMETIC = (
    "run",
    "arithmetic",
    "--limit",
    "2",
    "--n",
    "2",
    "--k",
    "2",
    "--steps",
    "2",
    "--max-tokens",
    "16",
    "--temperature",
    "0.5",
    "--set",
    "prompts=brief",
)
SERVED = ("--serve", "llamacpp", "--set", "serve.threads=1")


def test_rsa_eval_against_a_running_server(url, rsa_eval, tmp_path):
    done = rsa_eval(*ARITHMETIC, "--base-url", url, "--out", "run", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)["summary"]
    assert summary["complete"] is True
    steps = summary["strategies"]["rsa(n=2,k=2,steps=2)"]["steps"]
    assert [step["chains"] for step in steps] == [4, 4]
    assert all(step["tokens"]["completion"] > 0 for step in steps)
    planned = json.loads(rsa_eval("plan", "arithmetic", "--base-url", url, "--set", "task.limit=2", "--json").stdout)
    assert planned["counted_by"] == "by the server"
    assert planned["context"] == 2048
    assert "serves SmolLM2-135M-Instruct.Q4_1" in rsa_eval("doctor", "--base-url", url).stdout


def test_rsa_eval_serves_the_model_itself_and_resumes(rsa_eval, tmp_path):
    done = rsa_eval(*ARITHMETIC, *SERVED, "--out", "run")
    assert done.returncode == 0, done.stderr
    recorded = yaml.safe_load((tmp_path / "run" / "run.yaml").read_text())
    assert recorded["model"] == "SmolLM2-135M-Instruct.Q4_1"
    chains = tmp_path / "run" / "chains.jsonl"
    chains.write_bytes(b"".join(chains.read_bytes().splitlines(keepends=True)[:3]))
    assert rsa_eval("resume", "run").returncode == 0
    assert len(list(read_log(chains))) == 8


def test_strategies_are_compared_on_one_server_that_is_started_once(rsa_eval, tmp_path):
    named = ("--strategy", "majority(n=3)", "--strategy", "self_refine(steps=2,n=2)", "--strategy", "rsa(n=2,k=2,steps=2)")
    common = ("--limit", "2", *ARITHMETIC[10:])
    done = rsa_eval("compare", "arithmetic", *common, *named, *SERVED, "--out", "c")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Starting llamacpp") == 1
    found = json.loads((tmp_path / "c" / "comparison.json").read_text())
    assert [run["complete"] for run in found["runs"]] == [True] * 3
    assert found["saved"]["chains"] == 2 * 2 * 2
    assert {axis["name"] for axis in found["axes"]} >= {"completion_tokens", "uncached_prompt_tokens", "seconds"}
    logs = [tmp_path / "c" / run["directory"] / "chains.jsonl" for run in found["runs"]]
    first = [min((chain for _, _, chain in read_log(log)), key=itemgetter("problem", "step", "slot")) for log in logs]
    assert len({(chain["text"], chain["seed"]) for chain in first}) == 1


def test_a_run_against_a_server_goes_on_with_one_of_its_own(url, rsa_eval, tmp_path):
    assert rsa_eval(*ARITHMETIC, "--base-url", url, "--out", "run").returncode == 0
    chains = tmp_path / "run" / "chains.jsonl"
    chains.write_bytes(b"".join(chains.read_bytes().splitlines(keepends=True)[:3]))
    weights = tmp_path / "renamed.gguf"
    weights.symlink_to(embedded_weights())
    lost = rsa_eval("resume", "run", "--serve", "llamacpp")
    assert lost.returncode == 2
    assert "serve.model" in lost.stderr
    done = rsa_eval("resume", "run", *SERVED, "--set", f"serve.model={weights}")
    assert done.returncode == 0, done.stderr
    assert len(list(read_log(chains))) == 8
    run_yaml = tmp_path / "run" / "run.yaml"
    run_yaml.write_text(run_yaml.read_text().replace("serve: null", "serve: {engine: vllm, args: [--x]}"))
    chains.write_bytes(b"".join(chains.read_bytes().splitlines(keepends=True)[:7]))
    other = rsa_eval("resume", "run", *SERVED, "--set", f"serve.model={weights}")
    assert other.returncode == 0, other.stderr


def test_a_file_that_is_no_model_shows_the_servers_last_words(rsa_eval, tmp_path):
    (tmp_path / "bad.gguf").write_text("not a model")
    done = rsa_eval(*ARITHMETIC, "--serve", "llamacpp", "--model", "bad.gguf", "--out", "run")
    assert done.returncode == 1
    assert "llamacpp ended with exit code 1 before it was ready. The last lines of" in done.stderr
    assert "failed to load model" in done.stderr
    assert "rsa-eval: " in done.stderr


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_server_survives_its_run(tmp_path, signal_number):
    root = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "evals",
        *ARITHMETIC,
        "--limit",
        "50",
        "--max-concurrency",
        "2",  # after Ctrl-C it waits for the chains in flight
        *SERVED,
        "--out",
        str(tmp_path / "run"),
    ]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
        assert running.stderr
        while "step " not in running.stderr.readline():
            assert running.poll() is None
        family = psutil.Process(running.pid).children(recursive=True)
        assert len(family) >= 2
        running.send_signal(signal_number)
        running.communicate(timeout=60)
    assert running.returncode == (3 if signal_number != signal.SIGKILL else -9)
    _, alive = psutil.wait_procs(family, timeout=60)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_the_small_model_sits_where_the_demo_looks_for_it():
    assert LlamaCpp().served_name == "SmolLM2-135M-Instruct.Q4_1"
