"""Reasoning Gym's scorers execute some answers, give credit to empty ones, and lose tuples to JSON."""

import json

import pytest

from evals.problems import Problem
from evals.sandbox import CallResult, Limits
from evals.scoring import Scoring
from evals.scoring.evaluated import EVALUATED, is_program
from evals.scoring.gym import GymScorer
from evals.tasks import load_task
from evals.tasks.config import TaskConfig
from tests.scoring.attempts import chain

pytest.importorskip("reasoning_gym")

LENIENT = (
    "arc_agi",
    "rearc",
    "sentence_reordering",
    "color_cube_rotation",
    "fraction_simplification",
    "prime_factorization",
)
# Late in a process these would cost the machine, or the score: they must not get that far, or get nowhere.
HOSTILE = (
    "__import__('os').system('touch /tmp/reasoning-gym-was-here')",
    "[c for c in ().__class__.__base__.__subclasses__()]",
    "open('/etc/passwd').read()",
    "exec('import os')",
    "\N{FULLWIDTH LATIN SMALL LETTER E}xec('1')",
    "(lambda: 1)()",
    "print(1)",
    "[print][0](1)",
    'f"{print(1)}"',
    "10**10**10",
    "9**9**9**9",
    "2" + "*2" * 20_000,
    "(" * 5000,
)


@pytest.fixture(scope="module")
def items():
    """Two items of each data set, as they are frozen in a run: by way of JSON."""
    names = ",".join(sorted(EVALUATED | set(LENIENT)))
    dataset = load_task(TaskConfig(name=f"reasoning_gym:{names}", size=2 * len(EVALUATED | set(LENIENT))), 0)
    return [
        Problem(**{**json.loads(line), "golds": tuple(json.loads(line)["golds"])}) for line in dataset.lines().splitlines()
    ]


def judged(scoring, problem, answer):
    return scoring.score(problem, chain(f"<answer>{answer}</answer>", problem.id))


def test_right_answers_survive_json_and_partial_credit_is_kept(scoring, items):
    scoring.prepare(items)
    for problem in items:
        verdict = judged(scoring, problem, problem.golds[0])
        assert (verdict.status, verdict.solved) == ("ok", True), (problem.extra["dataset"], verdict)
    partly = [judged(scoring, problem, "0") for problem in items]
    assert any(0 < verdict.score < 1 for verdict in partly)
    assert not any(verdict.solved for verdict in partly if verdict.score < 1)


def test_missing_and_blank_answers_score_nothing(scoring, items):
    scoring.prepare(items)
    for problem in items:
        for text in ("", "<answer></answer>", "<answer> \n </answer>", "no tag"):
            verdict = scoring.score(problem, chain(text, problem.id))
            assert (verdict.status, verdict.score) == ("no_answer", 0.0)


def test_hostile_answers_are_contained_and_the_run_goes_on(scoring, items, monkeypatch):
    scoring.prepare(items)
    evaluated = {problem.extra["dataset"]: problem for problem in items if problem.extra["dataset"] in EVALUATED}
    with monkeypatch.context() as patch:
        patch.setattr("evals.scoring.gym._LIMITS", Limits(wall=10.0, cpu=1.0))  # for those that never end
        for answer in HOSTILE:
            for problem in list(evaluated.values())[:3]:
                assert not judged(scoring, problem, answer).solved
    for problem in evaluated.values():
        assert judged(scoring, problem, problem.golds[0]).solved


def test_an_answer_that_is_a_program_is_told_from_one_that_is_a_value(items):
    for problem in items:
        if problem.extra["dataset"] in EVALUATED:
            assert not is_program(problem.golds[0]), problem.golds[0]
    assert not is_program("-3*x**2*exp(-x)/4 + 2.5*sin(3*x + 1) + C")
    assert not is_program("3*Integral(x**3*cos(3*x), x) + C")
    assert not is_program("[[0, 1], [1, 2]]")
    assert not is_program("a" * 200_000)  # in one pass
    assert not is_program('["A", "B", "C"]')
    assert all(is_program(answer) for answer in HOSTILE[:9])


def test_what_goes_wrong_in_a_scorer_is_an_error():
    class Failing:
        def call(self, target, arguments, limits):
            return CallResult("error", None, "KeyError: 'metadata'", 0.0)

    problem = Problem("p", "?", (), "gym", extra={"dataset": "maze", "entry": {}})
    with Scoring() as scoring:
        scoring._made["gym", "gym"] = GymScorer(Failing())
        verdict = judged(scoring, problem, "1")
    assert (verdict.status, verdict.score, verdict.solved) == ("error", 0.0, False)
    assert verdict.detail == "the scorer of maze: error: KeyError: 'metadata'"
