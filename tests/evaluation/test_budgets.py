"""Runs that end because their budget does, and go on when it is raised."""

import json

import pytest

from tests.chaos.invariants import timeless
from tests.evaluation.runs import PLANNED, PROBLEMS, chains, identity
from tests.fake_server import Trouble

STEADY = ("--concurrency", "fixed", "--max-concurrency", "3", "--max-tokens", "100")


def answers(directory):
    return [json.loads(line) for line in (directory / "answers.jsonl").read_text().splitlines()]


def spent(directory):
    usages = [record["usage"] for record in chains(directory).values()]
    return sum(usage["prompt"] + usage["completion"] for usage in usages)


def test_calls_are_never_exceeded_and_raising_the_budget_goes_on(server, start, rsa_eval, tmp_path):
    assert rsa_eval(*start, *STEADY, "--out", "whole").returncode == 0
    seen = len(server.requests)
    stopped = rsa_eval(*start, *STEADY, "--out", "run", "--budget-calls", "20")
    assert stopped.returncode == 3
    assert "the budget of the run is spent: 20 of 20 calls are used, and the next call may take 1" in stopped.stderr
    assert "Resume with: rsa-eval resume run" in stopped.stderr
    assert len(server.requests) - seen == 20
    again = rsa_eval("resume", "run")
    assert (again.returncode, len(server.requests) - seen) == (3, 20)
    more = rsa_eval("resume", "run", "--budget-calls", "30")
    assert (more.returncode, len(server.requests) - seen) == (3, 30)
    done = rsa_eval("resume", "run", "--set", "budget.calls=null")
    assert done.returncode == 0, done.stderr
    assert len(server.requests) - seen == PLANNED
    assert identity(tmp_path / "run") == identity(tmp_path / "whole")
    assert timeless(tmp_path / "run") == timeless(tmp_path / "whole")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("usage", [True, False], ids=["counted", "not counted by the server"])
def test_tokens_are_never_exceeded(server, start, rsa_eval, tmp_path, share, usage):
    assert rsa_eval(*start, *STEADY, "--out", "whole").returncode == 0
    server.usage = usage
    bound = int(share * spent(tmp_path / "whole"))
    stopped = rsa_eval(*start, *STEADY, "--out", "run", "--budget-tokens", str(bound))
    assert stopped.returncode == 3, stopped.stderr
    made = server.requests[PLANNED:]
    assert len(made) == len(chains(tmp_path / "run"))
    if usage:
        assert 0.5 * bound < spent(tmp_path / "run") <= bound
    else:  # every call is booked at its worst case
        assert 0 < sum(body["max_tokens"] + sum(len(each["content"]) for each in body["messages"]) for body in made) <= bound


def test_every_problem_has_its_best_answer_and_short_ones_are_named(start, rsa_eval, tmp_path):
    done = rsa_eval(*start, *STEADY, "--out", "run", "--set", "budget.problem.calls=9", "--json")
    assert done.returncode == 3
    told = json.loads(done.stdout)
    assert "4 problems have spent their budgets; one is: the budget of problem p" in told["problem"]
    assert told["summary"]["short"] == [{"problem": row["id"], "repeat": 0, "steps": 2} for row in PROBLEMS]
    found = chains(tmp_path / "run")
    assert len(found) == 4 * 9
    for answer in answers(tmp_path / "run"):
        assert (answer["step"], answer["steps"], answer["planned"]) == (2, 2, 3)
        assert f"\\boxed{{{answer['answer']}}}" in found[answer["problem"], 0, 2, answer["slot"]]["text"]
    assert rsa_eval("resume", "run", "--set", "budget.problem.calls=null").returncode == 0
    assert {(answer["step"], answer["steps"]) for answer in answers(tmp_path / "run")} == {(3, 3)}


def test_dollars_need_prices_and_are_kept(start, rsa_eval, tmp_path):
    missing = rsa_eval(*start, *STEADY, "--out", "none", "--budget-usd", "1")
    assert missing.returncode == 2
    assert "a budget in usd needs the prices of the tokens" in missing.stderr
    prices = ("--set", "prices={prompt: 1.0, completion: 2.0, cached: 0.5}")
    stopped = rsa_eval(*start, *STEADY, "--out", "run", "--budget-usd", "0.005", *prices)
    assert stopped.returncode == 3, stopped.stderr
    usages = [record["usage"] for record in chains(tmp_path / "run").values()]
    cost = sum(usage["prompt"] - usage["cached"] / 2 + 2 * usage["completion"] for usage in usages) / 1e6
    assert 0.003 < cost <= 0.005


def test_seconds_end_a_run_that_waits(server, start, rsa_eval, tmp_path):
    """Its server turns everything away, and nobody wants to wait any longer."""
    server.trouble = lambda body: Trouble(429, headers={"Retry-After": "60"})
    stopped = rsa_eval(*start, *STEADY, "--out", "run", "--budget-seconds", "1")
    assert stopped.returncode == 3, stopped.stderr
    assert "the budget of the run is spent: 1 seconds are over" in stopped.stderr
    assert not chains(tmp_path / "run")
    server.trouble = lambda body: None
    assert rsa_eval("resume", "run", "--budget-seconds", "1000").returncode == 0


def test_a_budget_that_allows_everything_changes_nothing(start, rsa_eval, tmp_path):
    assert rsa_eval(*start, *STEADY, "--out", "whole").returncode == 0
    enough = ("--budget-calls", str(PLANNED), "--budget-seconds", "1000", "--set", "budget.problem.calls=12")
    assert rsa_eval(*start, *STEADY, "--out", "run", *enough).returncode == 0
    assert timeless(tmp_path / "run") == timeless(tmp_path / "whole")


def test_calls_that_left_no_chain_are_remembered(server, start, rsa_eval, tmp_path):
    """Attempts of chains that were given up, and chains that were taken back, have cost what they cost."""
    server.trouble = lambda body: Trouble(500)
    few = ("--budget-calls", "3", "--set", "endpoint.retries=20")
    assert rsa_eval(*start, *STEADY, "--out", "run", *few).returncode == 3
    assert len(server.requests) == 3
    for _ in range(2):
        assert rsa_eval("resume", "run").returncode == 3
    assert len(server.requests) == 3
    server.trouble = lambda body: Trouble(500) if body["seed"] % 5 == 0 else None
    dying = rsa_eval("resume", "run", "--budget-calls", "60", "--set", "endpoint.retries=0")
    assert "Resume with: rsa-eval resume run --retry-dead" in dying.stderr, dying.stderr
    seen = len(server.requests)
    server.trouble = lambda body: None
    again = rsa_eval("resume", "run", "--retry-dead", "--budget-calls", str(seen + 1))
    assert again.returncode == 3
    assert len(server.requests) == seen + 1


def test_a_run_that_is_done_as_its_time_ends_is_done(start, rsa_eval, tmp_path):
    assert rsa_eval(*start, *STEADY, "--out", "run", "--budget-seconds", "100").returncode == 0
    again = rsa_eval("resume", "run", "--budget-seconds", "0.001")
    assert again.returncode == 0, again.stderr


def test_answers_are_told_as_they_were_given_and_failed_verdicts_do_not_vote(server, start, rsa_eval, tmp_path):
    (tmp_path / "picky.py").write_text(
        "def judge(attempt):\n    if attempt.answer == '1':\n        raise RuntimeError('no')\n    return 1.0\n"
    )
    half = r"\frac{1}{2}"
    server.reply = lambda body: f"\\boxed{{{'1' if body['seed'] % 3 else half}}}"
    options = ("--scorer", "picky.py:judge", "--set", "max_dead=1")
    done = rsa_eval(*start[:5], "--strategy", "majority", "--n", "8", *options, "--out", "run")
    assert done.returncode == 0, done.stderr
    given = answers(tmp_path / "run")
    assert {answer["answer"] for answer in given} <= {half, "1"}
    for answer in given:
        assert answer["solved"] is (None if answer["status"] == "error" else True)
    assert any(answer["solved"] for answer in given)


def test_no_number_is_told_as_such(start, rsa_eval):
    for option in ("--budget-seconds", "--budget-usd", "--temperature"):
        refused = rsa_eval(*start, option, "nan")
        assert (refused.returncode, "Traceback" in refused.stderr) == (2, False), refused.stderr
