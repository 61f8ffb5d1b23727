"""What can be fetched of a run while it goes on and afterwards, and what a request may say here."""

import json

import pytest

from tests.fake_server import Trouble
from tests.gateway.running import QUESTION, running_gateway, until

ASKED = {"model": "fake", "messages": QUESTION, "stream": True}
FULL = {"n": 3, "k": 2, "steps": 2, "seed": 4, "select": "majority"}


def record_of(reply, gateway, suffix=""):
    return gateway.get(f"/v1/rsa/runs/{reply.headers['x-rsa-run']}{suffix}").json


def test_a_record_holds_the_plan_and_how_each_chain_is(gateway, upstream):
    run = record_of(gateway.chat(rsa=FULL), gateway)
    assert run["populations"] == [3, 3]
    assert run["roles"] == ["sample", "aggregate"]
    assert run["parents"][0] == [[], [], []]
    assert [chain["parents"] for chain in run["chains"]] == [*run["parents"][0], *run["parents"][1]]
    assert run["states"] == [["ok"] * 3] * 2


def test_chains_that_the_answer_does_not_need_are_named(gateway, upstream):
    run = record_of(gateway.chat(rsa={"n": 4, "k": 2, "steps": 2, "seed": 4}), gateway)
    made = {(chain["step"], chain["slot"]) for chain in run["chains"]}
    for step, states in enumerate(run["states"], 1):
        assert states == ["ok" if (step, slot) in made else "unneeded" for slot in range(4)]
    assert len(made) == 3


def test_answers_are_read_and_equal_ones_vote_together(gateway, upstream):
    texts = iter(["\\boxed{\\frac{1}{2}}", "\\boxed{\\dfrac{1}{2}}", "no box"])
    upstream.reply = lambda body: next(texts)
    chains = record_of(gateway.chat(rsa={"strategy": "majority", "n": 3}), gateway)["chains"]
    assert {chain["answer"] for chain in chains} == {"\\frac{1}{2}", "\\dfrac{1}{2}", None}
    assert len({chain["vote"] for chain in chains if chain["answer"]}) == 1
    assert [chain["vote"] for chain in chains if chain["answer"] is None] == [None]


def test_judgements_have_no_answer_of_their_own(gateway, upstream):
    upstream.reply = lambda body: "\\boxed{correct}" if len(upstream.requests) > 2 else "\\boxed{4}"
    run = record_of(gateway.chat(rsa={"strategy": "rejection", "n": 2}), gateway)
    assert run["roles"] == ["sample", "verify"]
    assert [chain.get("answer") for chain in run["chains"]] == ["4", "4", None, None]
    assert [chain.get("accepts") for chain in run["chains"]] == [None, None, True, True]


def test_while_it_goes_on_only_what_is_new_is_sent(gateway, upstream):
    troubles = [Trouble(500), None]
    upstream.trouble = lambda body: troubles.pop() if troubles else Trouble(hang=True)
    connection = gateway.connection()
    connection.request("POST", "/v1/chat/completions", json.dumps({**ASKED, "rsa": FULL}))
    response = connection.getresponse()
    path = f"/v1/rsa/runs/{response.headers['X-RSA-Run']}"
    until(lambda: len(gateway.get(path).json["chains"]) == 2)
    whole = gateway.get(path).json
    assert (whole["status"], sorted(whole["states"][0])) == ("running", ["dead", "ok", "running"])
    assert whole["states"][1] == ["waiting"] * 3
    assert {"messages", "parents", "roles", "populations"} <= set(whole)
    later = gateway.get(f"{path}?after=2").json
    assert later["chains"] == []
    assert later["states"] == whole["states"]
    assert not {"messages", "parents", "roles", "populations"} & set(later)
    assert len(gateway.get(f"{path}?after=1").json["chains"]) == 1
    response.close()
    connection.close()
    until(lambda: gateway.get(path).json["status"] == "cancelled")


@pytest.mark.parametrize("after", ["", "-1", "x", "1.5", "%C2%B2", "9" * 50])
def test_a_number_that_is_none_is_told(gateway, upstream, after):
    run = gateway.chat().headers["x-rsa-run"]
    reply = gateway.get(f"/v1/rsa/runs/{run}?after={after}")
    assert (reply.status, reply.json["error"]["param"]) == (400, "after")


DEFAULTS = [{}, {"n": 3, "k": 2, "steps": 5, "select": "majority"}, {"k": 1, "steps": 1, "strategy": "majority"}]


@pytest.mark.parametrize("defaults", DEFAULTS, ids=str)
def test_the_offer_says_what_holds_where_a_request_is_silent(upstream, defaults):
    upstream.reply = lambda body: "\\boxed{correct}"
    with running_gateway(upstream.url, defaults=defaults) as gateway:
        offer = gateway.get("/v1/rsa/offer").json
        for name, strategy in offer["strategies"].items():
            told = gateway.chat(rsa={"strategy": name}).json["rsa"]
            values = ",".join(f"{key}={value}" for key, value in strategy["parameters"].items())
            assert told["plan"] == (f"{name}({values})" if values else name)
            assert told["select"] == strategy["select"]
        silent = gateway.chat({"model": "fake", "messages": QUESTION}).json["rsa"]
        assert silent["plan"].partition("(")[0] == offer["defaults"]["strategy"]
        for kind in offer["kinds"]:
            assert gateway.chat(rsa={"strategy": "sample", "kind": kind}).status == 200


def test_the_offer_names_the_maxima_and_needs_a_key(upstream, monkeypatch):
    monkeypatch.setenv("KEYS", "secret")
    with running_gateway(upstream.url, keys={"env": "KEYS"}, maxima={"n": 9, "tokens": 500}) as gateway:
        assert gateway.get("/v1/rsa/offer").status == 401
        maxima = gateway.get("/v1/rsa/offer", Authorization="Bearer secret").json["maxima"]
        assert (maxima["n"], maxima["tokens"], maxima["max_tokens"]) == (9, 500, None)
