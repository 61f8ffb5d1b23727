"""The shipped problems. RSA_SOAK=1 gives every program the full time, so that too slow means too slow for a model's too."""

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import evals
from evals.sandbox import Outcome
from evals.tasks.code import limits, load_code_sample, program, public_suite, sample_solutions, suite
from evals.tasks.code.wording import call_text

PROBLEMS = {problem.id: problem for problem in load_code_sample()}
SOLUTIONS = sample_solutions()
SECONDS = 6.0 if os.environ.get("RSA_SOAK") else 0.5
FOLDER = Path(evals.__file__).parent / "data" / "code_sample"


def by_problem(problem_id):
    return [solution for solution in SOLUTIONS if solution.problem == problem_id]


def test_the_shipped_set_is_broad():
    assert len(PROBLEMS) == 30
    assert Counter(problem.extra["style"] for problem in PROBLEMS.values()) == {"stdin": 12, "functional": 9, "assert": 9}
    assert {problem.groups["difficulty"] for problem in PROBLEMS.values()} == {"easy", "medium", "hard"}
    outcomes = Counter(solution.outcome for solution in SOLUTIONS)
    assert outcomes["solved"] == 30
    assert min(outcomes[name] for name in ("wrong_answer", "time_limit", "runtime_error")) >= 15


def test_files_are_small_and_named_after_their_problem():
    files = sorted(FOLDER.glob("*.yaml"))
    assert [path.stem for path in files] == list(PROBLEMS)
    assert max(path.stat().st_size for path in files) < 60_000


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_shipped_problem_is_whole(name):
    problem = PROBLEMS[name]
    tests, public = suite(problem.extra).tests, public_suite(problem.extra).tests
    assert 2 <= len(public) <= 3
    assert 6 <= len(tests) - len(public) <= 15
    assert tests[: len(public)] == public
    assert len(set(map(repr, tests))) == len(tests)
    solutions = by_problem(name)
    assert [solution.outcome for solution in solutions].count("solved") == 1
    assert len(solutions) >= 3
    assert not any(solution.program in json.dumps([problem.question, problem.extra]) for solution in solutions)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_statement_shows_the_public_tests_itself(name):
    problem = PROBLEMS[name]
    lines = [line.strip() for line in problem.question.split("\n")]
    for test in public_suite(problem.extra).tests:
        if problem.extra["style"] == "stdin":
            for text in (test.input, test.output):
                shown = text.strip().split("\n")
                assert any(lines[start : start + len(shown)] == shown for start in range(len(lines)))
        elif problem.extra["style"] == "functional":
            assert f"{call_text(problem.extra['function'], test.arguments)} returns {test.result!r}" in lines
        else:
            assert test.strip() in lines
    assert (
        problem.question.count("Example") == 1 if problem.extra["style"] != "stdin" else "Examples" not in problem.question
    )


@pytest.mark.parametrize("name", PROBLEMS)
def test_solutions_are_judged_as_declared(sandbox, name):
    extra = PROBLEMS[name].extra
    allowed = limits(extra)
    allowed = replace(allowed, cpu=SECONDS, wall=10 * SECONDS)
    for solution in by_problem(name):
        judgement = sandbox.judge(program(extra, solution.program), suite(extra), allowed)
        assert judgement.outcome == solution.outcome, (solution, judgement)
        if judgement.outcome is Outcome.SOLVED:
            assert sandbox.behaviour(program(extra, solution.program), public_suite(extra), allowed)


def test_right_programs_vote_together_and_wrong_ones_apart(sandbox):
    extra = PROBLEMS["merged_shifts"].extra
    right, touching = (solution.program for solution in by_problem("merged_shifts")[:2])
    longer = right.replace("duty", "stretches") + "\n# the same again\n"
    hashes = [
        sandbox.behaviour(program(extra, text), public_suite(extra), limits(extra)) for text in (right, longer, touching)
    ]
    assert hashes[0] == hashes[1] != hashes[2]
