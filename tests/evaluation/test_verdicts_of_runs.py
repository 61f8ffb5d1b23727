"""Scoring beside generation, in whole runs."""

import json

import pytest

from evals.store import read_log
from tests.evaluation.runs import PLANNED

SCORER = """
import pathlib, time

def patient(attempt):
    while not pathlib.Path("generated").exists():
        time.sleep(0.01)
    return attempt.answer == attempt.golds[0]

def hanging(attempt):
    while attempt.answer == "2":
        time.sleep(60)
    return attempt.answer == attempt.golds[0]

def strict(attempt):
    return False

def broken(attempt):
    raise KeyError(attempt.answer)
"""


@pytest.fixture
def scored(start, tmp_path):
    """The arguments of a run with a scorer of one's own."""
    (tmp_path / "mine.py").write_text(SCORER)

    def arguments(function: str) -> tuple[str, ...]:
        return (*start, "--out", "run", "--json", "--scorer", f"mine.py:{function}")

    return arguments


def verdicts(folder):
    return [record for _, _, record in read_log(folder / "run" / "verdicts.jsonl")]


def test_generation_does_not_wait_for_verdicts_and_the_run_does(rsa_eval, server, scored, tmp_path):
    """The scorer answers only once the last chain was asked for: had generation waited for it, it would time out."""
    usual = server.reply

    def reply(body):
        if len(server.requests) == PLANNED:
            (tmp_path / "generated").touch()
        return usual(body)

    server.reply = reply
    done = rsa_eval(*scored("patient"))
    assert done.returncode == 0, done.stderr
    assert len(verdicts(tmp_path)) == PLANNED
    assert {record["status"] for record in verdicts(tmp_path)} == {"ok"}
    assert json.loads(done.stdout)["summary"]["complete"]


def test_a_scorer_that_hangs_or_fails_makes_errors_and_the_run_goes_on(rsa_eval, server, scored, tmp_path):
    server.reply = lambda body: "It is \\boxed{2}." if len(server.requests) % 24 == 5 else "It is \\boxed{1}."
    done = rsa_eval(*scored("hanging"), "--set", "max_dead=0.2")
    assert done.returncode == 0, done.stderr
    hung = [record for record in verdicts(tmp_path) if record["answer"] == "2"]
    assert hung
    assert {(record["status"], record["detail"]) for record in hung} == {("error", "no result within 5 s")}
    steps = next(iter(json.loads(done.stdout)["summary"]["strategies"].values()))["steps"]
    assert sum(step["error"] * step["chains"] for step in steps) == pytest.approx(len(hung), abs=1e-3)
    assert "error" in rsa_eval("score", "run").stdout  # they are told beside the table


def test_a_run_is_scored_again_by_what_the_scorer_says_now(rsa_eval, scored, tmp_path):
    assert rsa_eval(*scored("strict")).returncode == 0
    assert not any(record["solved"] for record in verdicts(tmp_path))
    (tmp_path / "mine.py").write_text(SCORER.replace("return False", "return True"))
    again = json.loads(rsa_eval("score", "run", "--json").stdout)
    assert (again["scored"], len(again["changed"])) == (PLANNED, PLANNED)
    assert all(record["solved"] for record in verdicts(tmp_path))
    kept = [record for _, _, record in read_log(tmp_path / "run" / "verdicts.1.jsonl")]
    assert not any(record["solved"] for record in kept)
    shown = rsa_eval("score", "run").stdout
    assert f"{PLANNED} chains scored, 0 verdicts changed; the verdicts before: run/verdicts.2.jsonl" in shown


def test_verdicts_of_two_versions_of_a_scorer_are_told(rsa_eval, scored, tmp_path):
    assert rsa_eval(*scored("strict")).returncode == 0
    (tmp_path / "mine.py").write_text(SCORER + "# changed")
    log = tmp_path / "run" / "verdicts.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-3]))
    resumed = rsa_eval("resume", "run")
    assert resumed.returncode == 0
    assert "verdicts of several scorers" in " ".join(resumed.stdout.split())


def test_a_scorer_that_is_not_there_is_told_before_the_server_is_asked(rsa_eval, server, start):
    done = rsa_eval(*start, "--out", "run", "--scorer", "absent.py:scorer")
    assert done.returncode == 2
    assert "task.scorer: absent.py cannot be imported" in done.stderr
    assert server.requests == []


def test_a_scorer_that_mostly_fails_makes_the_run_incomplete(rsa_eval, scored, tmp_path):
    done = rsa_eval(*scored("broken")[:-3], "--scorer", "mine.py:broken")
    assert done.returncode == 3
    assert "verdicts of 48 chains ended in an error, more than max_dead=0.05 allows; one is: problem p" in done.stderr
    assert "KeyError" in done.stderr
    assert "rsa-eval score" in done.stderr
    shown = " ".join(done.stdout.split())
    assert "left out of all means, by step: 100.0, 100.0, 100.0 %" in shown
    assert "KeyError" in shown


def test_a_run_is_judged_again_by_another_scorer_and_stays_with_it(rsa_eval, start, scored, tmp_path):
    assert rsa_eval(*scored("strict")).returncode == 0
    other = rsa_eval(*start, "--out", "run", "--scorer", "exact")
    assert other.returncode == 2
    assert "is judged by mine.py:strict (tolerance 0, lenient False)" in other.stderr
    assert "rsa-eval score run --scorer NAME" in other.stderr
    assert rsa_eval("score", "run", "--scorer", "exact").returncode == 0
    assert {record["scorer_version"] for record in verdicts(tmp_path)} == {"exact/1"}
    assert rsa_eval(*start, "--out", "run", "--scorer", "exact").returncode == 0
    wrong = rsa_eval("score", "run", "--set", "seed=1")
    assert (wrong.returncode, "seed has nothing to do with scoring" in wrong.stderr) == (2, True)
    unknown = rsa_eval("score", "run", "--scorer", "maths")
    assert (unknown.returncode, "did you mean 'math'" in unknown.stderr) == (2, True)


def test_a_plan_checks_the_right_answers_and_the_scorer_too(rsa_eval, start):
    for more, says in [(("--kind", "choice"), "is not a letter from A to J"), (("--scorer", "maths"), "no scorer 'maths'")]:
        done = rsa_eval("plan", *start[1:], *more)
        assert (done.returncode, says in done.stderr) == (2, True), done.stderr
