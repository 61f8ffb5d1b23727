"""The header by which a router in front of several servers keeps what begins alike on one of them: a step of a problem."""

import json
import re

import pytest

import rsa
from tests.fake_server import Trouble

HEADER = "X-Session-ID"


def sessions(server):
    return [headers.get(HEADER) for headers in server.headers]


def ask(server, question, seed=0, **options):
    rsa.run(question, rsa.Endpoint(server.url, retries=1, **options), rsa.RSA(n=3, k=2, steps=2), seed=seed)


def test_all_calls_of_a_step_have_one_value_and_steps_and_problems_differ(server):
    server.script = [Trouble(500)]
    ask(server, "What is 6 times 7?")
    first = sessions(server)
    assert len(first) > 3
    assert len({*first[:-1]}) == 1  # the first step, one of its calls twice
    assert first[-1] != first[0]
    server.headers.clear()
    ask(server, "What is 6 times 8?")
    ask(server, "What is 6 times 7?", seed=1)
    assert len({*first, *sessions(server)}) == 6
    assert all(re.fullmatch("[0-9a-f]{16}", value) for value in sessions(server))
    ask(server, "What is 6 times 7?")
    assert sessions(server)[-1] == first[-1]


def test_the_header_has_the_name_that_is_given_or_is_left_out(server):
    ask(server, "Q?", affinity_header="X-Routing-Key")
    assert all("X-Routing-Key" in headers and HEADER not in headers for headers in server.headers)
    server.headers.clear()
    ask(server, "Q?", affinity_header=None)
    assert sessions(server) == [None] * len(server.headers)


@pytest.mark.parametrize("name", ["", "two words", "Authorization", "content-type", "Host", "a\nb"])
def test_no_header_that_means_something_else(name):
    with pytest.raises(rsa.UsageError, match="affinity_header is a header of your choice"):
        rsa.Endpoint("http://localhost/v1", affinity_header=name)


def test_every_repeat_of_a_problem_of_a_run_has_its_own(server, rsa_eval, tmp_path):
    rows = [{"id": name, "question": f"What is {name}?", "answer": "1"} for name in ("a", "b")]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = ("run", "--data", "data.jsonl", "--base-url", server.url, "--n", "3", "--k", "2", "--steps", "2", "--repeats", "2")
    assert rsa_eval(*run, "--out", "one").returncode == 0
    found = sessions(server)
    assert len(found) == 2 * 2 * 6
    assert {found.count(value) for value in set(found)} == {3}
    server.headers.clear()
    assert rsa_eval(*run, "--out", "other", "--set", "endpoint.affinity_header=null").returncode == 0
    assert set(sessions(server)) == {None}
