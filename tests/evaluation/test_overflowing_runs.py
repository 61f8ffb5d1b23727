"""Runs whose candidates are longer than the context window lets through."""

import json
from collections import Counter

import pytest

from tests.chaos.invariants import timeless
from tests.evaluation.runs import PLANNED, chains, identity
from tests.fake_server import Trouble

CONTEXT, REPLY = 1500, 500


def long_reply(body) -> str:
    if "Repeat the answer" in body["messages"][-1]["content"]:
        return f"In short: {body['seed']}."
    return f"{body['seed']} " * 50 + f"\\boxed{{{body['seed'] % 3}}}"


def length(body) -> int:
    return sum(len(message["content"]) for message in body["messages"])


@pytest.fixture(params=["shrink_k", "tail", "summarize"])
def overflowing(request, server, start):
    """The arguments of a run that the server refuses wherever a prompt and its reply are over the window."""
    refusal = json.dumps({"error": {"message": "This model's maximum context length is 1500 tokens."}})
    server.context = CONTEXT
    server.reply = long_reply
    server.trouble = lambda body: Trouble(400, refusal) if length(body) > CONTEXT - REPLY else None
    return (
        *start,
        *("--max-tokens", str(REPLY), "--set", "prompts=brief", "--set", f"on_overflow={request.param}", "--k", "3"),
    )


def test_such_a_run_has_no_dead_chain_and_sends_nothing_that_is_too_long(server, overflowing, rsa_eval, tmp_path):
    done = rsa_eval(*overflowing, "--out", "run")
    assert done.returncode == 0, done.stderr
    records = chains(tmp_path / "run").values()
    assert Counter(record["status"] for record in records) == {"ok": PLANNED}
    assert {bool(record.get("overflow")) for record in records if record["step"] > 1} == {True}
    assert all(length(body) <= CONTEXT - REPLY for body in server.requests)
    assert sum(record["attempts"] for record in records) == len(server.requests)
    assert sum(record["usage"]["prompt"] for record in records) == sum(map(length, server.requests))
    before = len(server.requests)
    assert rsa_eval("resume", "run", "--retry-dead").returncode == 0
    assert len(server.requests) == before


def test_it_is_the_same_run_after_it_was_cut_off(overflowing, rsa_eval, tmp_path):
    assert rsa_eval(*overflowing, "--out", "whole").returncode == 0
    assert rsa_eval(*overflowing, "--out", "run").returncode == 0
    log = tmp_path / "run" / "chains.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[: len(lines) // 2]) + lines[len(lines) // 2][:50])
    (tmp_path / "run" / "verdicts.jsonl").unlink()
    done = rsa_eval("resume", "run")
    assert done.returncode == 0, done.stderr
    assert identity(tmp_path / "run") == identity(tmp_path / "whole")


def test_taking_dead_chains_back_leaves_what_was_shortened_as_planned(server, overflowing, rsa_eval, tmp_path):
    assert rsa_eval(*overflowing, "--out", "whole").returncode == 0
    refuses = server.trouble
    server.trouble = lambda body: Trouble(500) if body["seed"] % 5 == 0 else refuses(body)
    assert rsa_eval(*overflowing, "--out", "run", "--set", "endpoint.retries=0", "--set", "max_dead=1").returncode == 0
    server.trouble = refuses
    before = len(server.requests)
    done = rsa_eval("resume", "run", "--retry-dead")
    assert done.returncode == 0, done.stderr
    assert len(server.requests) > before
    assert identity(tmp_path / "run") == identity(tmp_path / "whole")
    if "summarize" not in str(overflowing):  # a summary may be made again for a chain that is generated again
        assert timeless(tmp_path / "run") == timeless(tmp_path / "whole")
