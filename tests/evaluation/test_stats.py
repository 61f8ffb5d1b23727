import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from evals.stats import Mark, Subject, estimate
from evals.steps import summarise_strategy
from rsa.chain import Chain, Status, Usage
from rsa.equivalence import Equivalence

RIGHT, WRONG, NONE, BROKEN = (
    Mark("1", "ok", 1, True),
    Mark("2", "ok", 0, False),
    Mark(None, "no_answer", 0, False),
    Mark(None, "error", 0, False),
)


TEXT = Equivalence(str.strip)


def summary(strategy, *groups, statuses=None, equivalence=TEXT, properties=None):
    """Each group is ((problem, repeat), marks by slot of step 1); a None mark is a dead chain."""
    recorded = []
    for key, row in sorted(groups):
        chains = {
            (1, slot): Chain(
                *key,
                "s",
                1,
                slot,
                (),
                "m",
                0,
                "",
                "",
                "stop",
                Status.DEAD if mark is None else (statuses or {}).get(slot, Status.OK),
                Usage(10, 4, 5),
                0,
                2,
                1,
            )
            for slot, mark in enumerate(row)
        }
        recorded.append((key, chains, {(1, slot): mark for slot, mark in enumerate(row) if mark}))
    subjects = {problem: Subject(equivalence, (properties or {}).get(problem, {})) for (problem, _), _, _ in recorded}
    return summarise_strategy(strategy, 0, recorded, subjects)[0]


def test_standard_errors_are_clustered_by_problem():
    """30 problems whose 16 chains all agree hold 30 observations, not 480."""
    groups = [((str(number), 0), [RIGHT if number < 15 else WRONG] * 16) for number in range(30)]
    accuracy = summary(rsa.Majority(16), *groups)["accuracy"]
    assert accuracy["mean"] == 0.5
    assert accuracy["se"] == pytest.approx(math.sqrt(0.25 * 30 / 29) / math.sqrt(30), abs=1e-6)
    assert accuracy["ci95"] == [
        pytest.approx(0.5 - 2.04523 * accuracy["se"], abs=1e-4),
        pytest.approx(0.5 + 2.04523 * accuracy["se"], abs=1e-4),
    ]


def test_repeats_are_repeats_of_a_problem_not_new_problems():
    once = summary(rsa.Majority(1), *(((str(number), 0), [RIGHT if number % 2 else WRONG]) for number in range(6)))
    thrice = summary(
        rsa.Majority(1),
        *(((str(number), repeat), [RIGHT if number % 2 else WRONG]) for number in range(6) for repeat in range(3)),
    )
    assert once["accuracy"] == thrice["accuracy"]
    assert (once["problems"], thrice["problems"]) == (6, 6)


def test_kinds_of_failure_are_kept_apart():
    step = summary(rsa.Majority(6), (("p", 0), [RIGHT, WRONG, NONE, None, BROKEN, None]), statuses={1: Status.TRUNCATED})
    assert step["accuracy"]["mean"] == pytest.approx(1 / 3, abs=1e-6)  # dead chains and scorer errors are not wrong answers
    assert (step["no_answer"], step["error"], step["truncated"]) == (0.25, 0.25, 0.25)
    assert step["dead"] == pytest.approx(2 / 6, abs=1e-6)
    assert (step["chains"], step["calls"], step["seconds"]) == (6, 6, 12)
    assert step["tokens"] == {"prompt": 60, "cached": 24, "completion": 30}


def test_coverage_and_majority():
    step = summary(
        rsa.Majority(3), (("a", 0), [WRONG, RIGHT, WRONG]), (("b", 0), [RIGHT, NONE, NONE]), (("c", 0), [NONE] * 3)
    )
    assert step["coverage"]["mean"] == pytest.approx(2 / 3, abs=1e-6)
    assert step["majority"]["mean"] == pytest.approx(1 / 3, abs=1e-6)  # missing answers never vote


def test_answers_that_are_the_same_vote_together():
    half, same = Mark("1/2", "ok", 1, True), Mark("0.5", "ok", 1, True)
    row = (("a", 0), [WRONG, WRONG, half, same, Mark("0.50", "ok", 1, True)])
    assert summary(rsa.Majority(5), row)["majority"]["mean"] == 0
    halves = Equivalence(str.strip, lambda one, other: "2" not in (one, other))
    assert summary(rsa.Majority(5), row, equivalence=halves)["majority"]["mean"] == 1


def test_partial_credit_is_a_mean_of_its_own():
    step = summary(rsa.Majority(2), (("a", 0), [RIGHT, Mark("x", "ok", 0.5, False)]))
    assert (step["accuracy"]["mean"], step["score"]["mean"]) == (0.5, 0.75)


def test_accuracy_is_given_by_every_property_too():
    rows = [(("a", 0), [RIGHT, RIGHT]), (("b", 0), [WRONG, RIGHT]), (("c", 0), [WRONG, WRONG])]
    properties = {"a": {"level": "easy"}, "b": {"level": "hard", "field": "x"}, "c": {"level": "hard"}}
    groups = summary(rsa.Majority(2), *rows, properties=properties)["groups"]
    assert {name: list(values) for name, values in groups.items()} == {"field": ["x"], "level": ["easy", "hard"]}
    assert (groups["level"]["hard"]["problems"], groups["level"]["hard"]["mean"]) == (2, 0.25)
    assert groups["level"]["easy"]["mean"] == 1.0


def test_a_problem_whose_chains_all_died_has_no_accuracy():
    step = summary(rsa.Majority(2), (("a", 0), [RIGHT, RIGHT]), (("b", 0), [None, None]))
    assert (step["problems"], step["accuracy"]["mean"], step["dead"]) == (1, 1.0, 0.5)
    nobody = summary(rsa.Majority(1), (("a", 0), [None]))
    assert nobody["accuracy"] == {"mean": None, "se": None, "ci95": None}
    assert (nobody["problems"], nobody["no_answer"]) == (0, None)


def test_rejection_counts_what_it_accepted():
    texts = {(2, 0): "\\boxed{correct}", (2, 1): "\\boxed{incorrect}"}
    chains = {
        place: Chain("p", 0, "s", *place, (), "m", 0, "", texts.get(place, ""), "stop", Status.OK)
        for place in ((1, 0), (1, 1), (2, 0), (2, 1))
    }
    recorded = (("p", 0), chains, {(1, 0): RIGHT, (1, 1): WRONG})
    steps = summarise_strategy(rsa.Rejection(2), 0, [recorded], {"p": Subject(TEXT)})
    assert [step["accuracy"]["mean"] for step in steps] == [0.5, 1.0]


@given(st.dictionaries(st.text(), st.lists(st.floats(0, 1), max_size=4), max_size=8))
def test_estimates_are_in_range_and_ignore_order(values):
    result = estimate(values)
    assert result == estimate(dict(reversed(values.items())))
    if result["ci95"]:
        low, high = result["ci95"]
        assert 0 <= low <= result["mean"] + 1e-6
        assert result["mean"] - 1e-6 <= high <= 1
