from hypothesis import given
from hypothesis import strategies as st

import rsa
from evals.sharing import common_places, takeable
from rsa.chain import Chain, Status, Usage

SIZES = st.integers(1, 5)
STRATEGIES = st.one_of(
    st.builds(lambda n, k, steps: rsa.RSA(n, min(n, k), steps), SIZES, SIZES, SIZES),
    st.builds(rsa.Majority, SIZES),
    st.builds(rsa.SelfRefine, SIZES, SIZES),
    st.builds(rsa.SelfAggregation, SIZES),
    st.builds(rsa.Rejection, SIZES),
    st.just(rsa.Sample()),
)


def generated(of, when=0.0, dead=()):
    """All chains of a plan, as if generated at some time."""
    return {
        planned.place: Chain(
            "p", 1, "s", *planned.place, (), "m", 0, "", "", "stop",
            Status.DEAD if planned.place in dead else Status.OK, Usage(1, 0, 1), when, when + planned.step, attempts=1,
        )
        for planned in of
    }  # fmt: skip


def plan(strategy, seed=0):
    return strategy.plan(seed, "p", 1)


@given(STRATEGIES, STRATEGIES, st.integers(0, 9))
def test_what_two_plans_share_reads_the_same_and_is_asked_with_the_same_seed(ours, theirs, seed):
    first, second = plan(ours, seed), plan(theirs, seed)
    common = common_places(first, second)
    assert common == common_places(second, first)
    own, other = ({planned.place: planned for planned in each} for each in (first, second))
    for place in common:
        assert own[place] == other[place]
        assert {(place[0] - 1, slot) for slot in own[place].line} <= common
        assert first.key(*place, "generate") == second.key(*place, "generate")


@given(STRATEGIES, STRATEGIES)
def test_first_samples_are_shared_by_all_strategies(ours, theirs):
    samples = min(len(plan(each).populations[0]) for each in (ours, theirs))
    assert {place for place in common_places(plan(ours), plan(theirs)) if place[0] == 1} == {
        (1, slot) for slot in range(samples)
    }


def test_a_longer_run_shares_all_steps_of_a_shorter_one():
    assert len(common_places(plan(rsa.RSA(4, 2, 3)), plan(rsa.RSA(4, 2, 5)))) == 12


def test_another_k_or_n_shares_the_samples_only():
    assert {step for step, _ in common_places(plan(rsa.RSA(8, 2, 3)), plan(rsa.RSA(8, 4, 3)))} == {1}
    assert {step for step, _ in common_places(plan(rsa.RSA(8, 2, 3)), plan(rsa.RSA(6, 2, 3)))} == {1}


def test_lines_of_refinement_and_judgements_are_shared_slot_by_slot():
    assert len(common_places(plan(rsa.SelfRefine(3, 2)), plan(rsa.SelfRefine(2, 5)))) == 4
    assert len(common_places(plan(rsa.Rejection(2)), plan(rsa.Rejection(5)))) == 4


def test_other_seeds_share_nothing_but_numbers():
    """The seed is not part of a planned chain: callers compare plans of one seed."""
    assert plan(rsa.Majority(2), 0).key(1, 0, "generate") != plan(rsa.Majority(2), 1).key(1, 0, "generate")


def test_of_a_whole_run_everything_in_common_is_taken_that_is_not_recorded_yet():
    shorter, longer = plan(rsa.RSA(4, 2, 2)), plan(rsa.RSA(4, 2, 4))
    common, known = common_places(longer, shorter), generated(shorter)
    assert takeable(longer, common, {}, known) == set(known)
    recorded = {place: chain for place, chain in known.items() if place[0] == 1}
    assert takeable(longer, common, recorded, known) == {place for place in known if place[0] == 2}


def test_no_chain_is_taken_that_read_another_one_than_stands_at_the_place_here():
    """As where both had generated their samples, or one run alone had its dead chains taken back."""
    ours, theirs = plan(rsa.SelfRefine(3, 2)), plan(rsa.SelfRefine(2, 2))
    known = generated(theirs)
    own = {(1, 0): known[1, 0], (1, 1): generated(ours, when=9.0)[1, 1]}
    assert takeable(ours, common_places(ours, theirs), own, known) == {(2, 0)}
    died = {(1, 0): generated(ours, dead={(1, 0)})[1, 0]}
    assert takeable(ours, common_places(ours, theirs), died, known) == {(1, 1), (2, 1)}


def test_nothing_is_taken_before_what_it_read():
    whole = plan(rsa.RSA(3, 2, 3))
    known = generated(whole)
    del known[1, 2]
    assert takeable(whole, common_places(whole, whole), {}, known) == {(1, 0), (1, 1)}
