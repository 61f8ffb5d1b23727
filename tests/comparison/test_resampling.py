import itertools
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.comparison.resampling import rejection_by_size, sizes, vote_by_size
from evals.stats import Mark
from rsa.chain import Chain, Status
from rsa.equivalence import AS_TEXT, vote
from rsa.selection import ballot

GOLD = "1"


def member(slot: int, answer: str | None, status: Status = Status.OK):
    chain = Chain("p", 0, "s", 1, slot, (), "m", 0, "", "", "stop", status)
    return chain, Mark(answer, "ok" if answer else "no_answer", float(answer == GOLD), answer == GOLD)


ANSWERS = st.lists(
    st.tuples(st.sampled_from(["1", "2", "3", None]), st.sampled_from([Status.OK, Status.TRUNCATED])), min_size=1
)


def voted_right(members) -> float:
    winner = vote((ballot(chain, mark.answer) for chain, mark in members), AS_TEXT)
    return float(winner is not None and winner.answer == GOLD)


@given(ANSWERS.filter(lambda answers: len(answers) <= 9))
def test_of_few_samples_the_vote_over_any_number_is_exact(answers):
    members = [member(slot, *each) for slot, each in enumerate(answers)]
    wanted = list(range(1, len(members) + 1))
    expected = [fmean(map(voted_right, itertools.combinations(members, size))) for size in wanted]
    assert vote_by_size(members, AS_TEXT, wanted, "key") == pytest.approx(expected)


@given(ANSWERS)
def test_the_vote_over_all_samples_is_the_vote(answers):
    members = [member(slot, *each) for slot, each in enumerate(answers)]
    assert vote_by_size(members, AS_TEXT, [len(members)], "key") == [voted_right(members)]


def test_of_many_samples_the_vote_over_some_is_close_to_its_expectation():
    """24 samples of which 10 are right, 8 wrong in one way, 6 without an answer: the votes over 2 and 3 can be counted."""
    members = [member(slot, "1" if slot < 10 else "2" if slot < 18 else None) for slot in range(24)]
    expected = [fmean(map(voted_right, itertools.combinations(members, size))) for size in (2, 3)]
    found = [vote_by_size(members, AS_TEXT, [2, 3], f"{number}") for number in range(60)]
    assert [fmean(values) for values in zip(*found, strict=True)] == pytest.approx(expected, abs=0.02)


def test_the_same_key_gives_the_same_numbers():
    members = [member(slot, str(slot % 3)) for slot in range(20)]
    first, again, other = (vote_by_size(members, AS_TEXT, [3, 7], key) for key in ("a", "a", "b"))
    assert first == again != other


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=9))
def test_a_rejection_over_few_samples_is_exact(samples):
    def score(some) -> float:
        taken = [right for accepted, right in some if accepted] or [right for _, right in some]
        return fmean(taken)

    wanted = list(range(1, len(samples) + 1))
    expected = [fmean(map(score, itertools.combinations(samples, size))) for size in wanted]
    accepted, solved = zip(*samples, strict=True)
    assert rejection_by_size(accepted, solved, wanted, "key") == pytest.approx(expected)


@given(st.integers(1, 400))
def test_sizes_grow_from_one_to_all(n):
    found = sizes(n)
    assert found == sorted(set(found))
    assert (found[0], found[-1]) == (1, n)
    assert all(later <= 2 * sooner for sooner, later in itertools.pairwise(found))


@given(st.lists(st.sampled_from(["1", "2", None]), min_size=1, max_size=40))
def test_a_vote_over_one_sample_is_the_mean(answers):
    members = [member(slot, answer) for slot, answer in enumerate(answers)]
    assert vote_by_size(members, AS_TEXT, [1], "key") == [pytest.approx(fmean(mark.solved for _, mark in members))]
