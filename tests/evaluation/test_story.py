"""What the steps of a summary tell of the populations."""

import math

import pytest

import rsa
from evals.stats import Mark, Subject
from evals.steps import summarise_strategy
from rsa.chain import Chain, Status, Usage
from rsa.equivalence import AS_TEXT

STRATEGY = rsa.RSA(3, 2, 2)


def marked(answer: str | None, status: str = "ok") -> Mark:
    return Mark(answer, status if answer else "no_answer", float(answer == "1"), answer == "1")


def told(answers, *, dead=(), overflow=(), strategy=STRATEGY, lengths=lambda place: 10):
    """The stories of both steps of one problem; `answers` are those of each step's slots."""
    chains, marks = {}, {}
    for planned in strategy.plan(0, "p"):
        place = planned.place
        status = Status.DEAD if place in dead else Status.OK
        cut = {"rule": "tail"} if place in overflow else None
        usage = Usage(1, 0, lengths(place))
        chains[place] = Chain("p", 0, "s", *place, (), "m", 0, "", "", "stop", status, usage, overflow=cut)
        if place not in dead:
            marks[place] = marked(answers[place[0] - 1][place[1]])
    steps = summarise_strategy(strategy, 0, [(("p", 0), chains, marks)], {"p": Subject(AS_TEXT)})
    return [step["story"] for step in steps]


def test_agreement_is_told_by_distinct_answers_entropy_and_consensus():
    first, second = told([["1", "2", "2"], ["1", "1", None]])
    assert (first["distinct"], first["consensus"]) == (2, pytest.approx(2 / 3, abs=1e-6))
    assert first["entropy"] == pytest.approx(-(math.log2(1 / 3) / 3 + 2 * math.log2(2 / 3) / 3), abs=1e-6)
    assert (second["distinct"], second["consensus"], second["entropy"]) == (1, 1, 0), "no answer is no vote"
    assert first["gap"]["mean"] == pytest.approx(1 - 1 / 3, abs=1e-6)


def test_flips_are_counted_by_the_right_among_those_that_were_read():
    plan = STRATEGY.plan(0, "p")
    first = ["1", "2", "2"]
    _, story = told([first, ["1", "2", "1"]])
    expected = {}
    for planned, answer in zip(plan.populations[1], ["1", "2", "1"], strict=True):
        right = sum(first[slot] == "1" for slot in planned.parents)
        children, of_them = expected.get(right, (0, 0))
        expected[right] = (children + 1, of_them + (answer == "1"))
    assert story["flips"] == [
        {"right_parents": right, "parents": 2, "children": children, "right": of_them}
        for right, (children, of_them) in sorted(expected.items())
    ]
    assert told([first, first])[0]["flips"] == []


def test_the_one_that_stood_in_for_a_dead_parent_is_counted():
    _, story = told([["1", "1", "2"], ["1", "1", "1"]], dead={(1, 2)})
    assert story["flips"] == [{"right_parents": 2, "parents": 2, "children": 3, "right": 3}]


def test_chains_whose_prompt_was_shortened_are_no_part_of_the_flips():
    _, story = told([["1", "1", "1"], ["1", "1", "1"]], overflow={(2, 0), (2, 1)})
    assert sum(flip["children"] for flip in story["flips"]) == 1


def test_judgements_are_no_children_that_could_be_right():
    _, story = told([["1", "2"], ["1", "1"]], strategy=rsa.Rejection(2))
    assert story["flips"] == []


def test_lengths_are_those_of_the_chains_of_the_step():
    first, second = told([["1"] * 3, ["1"] * 3], lengths=lambda place: 10 * place[0] + place[1])
    assert first["new_tokens"] == {"mean": 11, "median": 11, "most": 12}
    assert second["new_tokens"] == {"mean": 21, "median": 21, "most": 22}
    assert told([["1"] * 3, ["1"] * 3], lengths=lambda place: None)[0]["new_tokens"] is None
