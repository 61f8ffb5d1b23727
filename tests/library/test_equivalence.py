import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsa.equivalence import Ballot, Equivalence, vote
from rsa.kinds import KINDS

TEXT = Equivalence(str.strip)
ANSWERS = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", " b", "c", "d"])), max_size=9)


def linked(*pairs: str) -> Equivalence:
    """An equivalence of single letters in which just these pairs are known to be the same."""
    return Equivalence(str.strip, lambda one, other: one + other in pairs)


def ballots(*answers: str | None) -> list[Ballot]:
    return [Ballot(slot, answer) for slot, answer in enumerate(answers)]


def spoken(ballots, equivalence=TEXT) -> str | None:
    winner = vote(ballots, equivalence)
    return winner.answer if winner else None


@given(ANSWERS, st.sets(st.sampled_from(["ab", "bc", "cd", "ad"])), st.randoms())
def test_a_vote_does_not_depend_on_the_order_of_the_ballots(answers, pairs, random):
    cast = ballots(*answers)
    shuffled = random.sample(cast, len(cast))
    assert vote(cast, linked(*pairs)) == vote(shuffled, linked(*pairs))


@given(ANSWERS)
def test_the_winner_has_the_most_votes_and_missing_answers_never_vote(answers):
    winner = vote(ballots(*answers), TEXT)
    given_answers = [answer.strip() for answer in answers if answer is not None]
    assert (winner is None) == (not given_answers)
    if winner:
        assert all(given_answers.count(winner.answer.strip()) >= given_answers.count(other) for other in given_answers)


@given(st.lists(st.sampled_from("abcdef"), max_size=9), st.sets(st.sampled_from(["ab", "bc", "cd", "ef", "bf"])))
def test_classes_are_an_equivalence(answers, pairs):
    classes = linked(*pairs).classes(answers)
    assert set(classes) == set(answers)
    for one, other in itertools.combinations(sorted(set(answers)), 2):
        if one + other in pairs:
            assert classes[one] == classes[other]
    assert classes == linked(*pairs).classes(reversed(answers))
    assert all(classes[name] == name for name in classes.values())  # a class is named by a member


def test_a_comparison_that_is_not_transitive_is_closed():
    assert linked("ab", "bc").classes(["a", "b", "c", "d"]) == {"a": "a", "b": "a", "c": "a", "d": "d"}
    assert linked("bc", "ac").classes(["a", "b", "c"]) == {"a": "a", "b": "a", "c": "a"}


def test_each_pair_is_asked_about_once_and_in_one_order():
    asked = []

    def same(one, other):
        asked.append((one, other))
        return False

    Equivalence(str.strip, same).classes(["c", "a", "b", " a"])
    assert sorted(asked) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_ties_go_to_finished_chains_and_then_to_the_lowest_slot():
    assert spoken(ballots(None, "b", "a", "a", "b")) == "b"
    cut = [Ballot(0, "a", finished=False), Ballot(1, "b"), Ballot(2, "a"), Ballot(3, "b")]
    assert spoken(cut) == "b"


def test_the_most_frequent_key_speaks_for_its_class():
    assert vote(ballots("b", "a", "d", "a", "b", "a"), linked("ab")) == Ballot(1, "a")


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        ("gym", "1 2\n3 4", "3 4\n1 2", False),  # boards whose lines stand in another order
        ("gym", "1 2\n3 4\n", "1 2\n3 4", True),
        ("gym", "a  b", "a b", False),
        ("gym", "[1, 2]", "[2, 1]", False),
        ("gym", "1/2", "0.5", False),
        ("choice", "A", "B", False),
        ("number", "3.0", "3", True),
        ("number", "3", "-3", False),
        ("math", "070", "70", True),
        ("math", "(1,2)", "(2,1)", False),
    ],
)
def test_known_false_merges_stay_apart(kind, one, other, same):
    classes = KINDS[kind].equivalence.classes([one, other])
    assert (classes[one] == classes[other]) is same
