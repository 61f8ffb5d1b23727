"""Candidates that really are too many tokens for a real server's context window."""

import json
from pathlib import Path

import pytest
import yaml

import rsa
from evals.store import read_log
from rsa.serving import LlamaCpp
from tests.integration.serving import running_server

pytestmark = [pytest.mark.llamacpp, pytest.mark.timeout(400)]

CONTEXT, REPLY = 256, 48
ROOM = CONTEXT - REPLY
QUESTION = "Work out 23 times 17 by hand, in detail."
RSA = rsa.RSA(4, 4, 2)
SHORTENING = ["shrink_k", "tail", "summarize"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("llamacpp")


@pytest.fixture(scope="module")
def url(folder):
    with running_server(LlamaCpp(context=CONTEXT, threads=1), folder) as running:
        yield running


def answered(url: str, rule: str, strategy: rsa.Strategy = RSA, context: int | None = None) -> rsa.Result:
    """`ignore_eos` makes every reply as long as it may be."""
    llm = rsa.Endpoint(url, extra_body={"ignore_eos": True}, context=context)
    sampling = rsa.Sampling(temperature=0.7, max_tokens=REPLY)
    return rsa.run(QUESTION, llm, strategy, seed=1, kind="number", sampling=sampling, prompts="brief", on_overflow=rule)


def refusals(folder: Path) -> int:
    return (folder / "server.log").read_text(errors="replace").count("exceeds the available context size")


def test_the_candidates_are_too_long_by_default(url, folder):
    before = refusals(folder)
    with pytest.raises(
        rsa.RunFailed, match=r"may be answered with 48 more, but the context window holds 256: .*on_overflow"
    ):
        answered(url, "fail")
    assert refusals(folder) == before


@pytest.mark.parametrize("rule", SHORTENING)
def test_every_rule_ends_a_run_without_a_dead_chain_or_a_refusal(url, folder, rule):
    before = refusals(folder)
    result = answered(url, rule)
    assert [chain.error for chain in result.chains if chain.dead] == []
    aggregated = [chain for chain in result.chains if chain.step == 2]
    assert {chain.overflow["rule"] for chain in aggregated} == {rule}
    if rule != "summarize":  # there the tokens of the summaries are counted too
        assert all(ROOM * 0.6 < chain.usage.prompt <= ROOM for chain in aggregated)
    assert refusals(folder) == before


@pytest.mark.parametrize("rule", SHORTENING)
def test_a_window_that_is_not_what_it_was_said_to_be_is_found_out(url, folder, rule):
    before = refusals(folder)
    result = answered(url, rule, rsa.SelfAggregation(6), context=10**6)
    child = result.chosen
    assert (child.status, child.overflow["rule"]) == (rsa.Status.TRUNCATED, rule)
    assert refusals(folder) > before
    assert child.attempts > 1


def test_rsa_eval_with_a_small_window(url, folder, rsa_eval, tmp_path):
    before = refusals(folder)
    (tmp_path / "data.jsonl").write_text(json.dumps({"question": QUESTION, "answer": "391"}) + "\n")
    done = rsa_eval(
        "run",
        *("--data", "data.jsonl", "--kind", "number", "--n", "4", "--k", "4", "--steps", "2", "--max-tokens", "48"),
        *("--base-url", url, "--set", "prompts=brief", "--out", "run"),
        *("--set", "endpoint.extra_body={ignore_eos: true}", "--set", "on_overflow=tail", "--json"),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"]["strategies"]["rsa(n=4,k=4,steps=2)"]["dead"] == 0
    records = [record for _, _, record in read_log(tmp_path / "run" / "chains.jsonl")]
    assert all(record["overflow"]["rule"] == "tail" for record in records if record["step"] == 2)
    assert all(record["usage"]["prompt"] <= ROOM for record in records)
    assert refusals(folder) == before
    assert yaml.safe_load((tmp_path / "run" / "run.yaml").read_text())["config"]["on_overflow"] == "tail"
