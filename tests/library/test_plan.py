from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from rsa.plan import Role
from rsa.strategies import STRATEGIES, Strategy, label

recursive = st.integers(1, 8).flatmap(lambda n: st.builds(rsa.RSA, st.just(n), st.integers(1, n), st.integers(1, 5)))
every_strategy = st.one_of(
    recursive,
    st.builds(rsa.Majority, st.integers(1, 8)),
    st.builds(rsa.SelfRefine, st.integers(1, 5), st.integers(1, 4)),
    st.builds(rsa.SelfAggregation, st.integers(1, 8)),
    st.builds(rsa.Rejection, st.integers(1, 8)),
    st.just(rsa.Sample()),
)


@given(every_strategy, st.integers(), st.text(), st.integers(0, 3))
def test_a_plan_is_layered_and_its_parents_are_distinct(strategy: Strategy, seed: int, problem: str, repeat: int) -> None:
    plan = strategy.plan(seed, problem, repeat)
    assert plan == strategy.plan(seed, problem, repeat)
    for step, population in enumerate(plan.populations, 1):
        assert [chain.place for chain in population] == [(step, slot) for slot in range(len(population))]
        for chain in population:
            assert (chain.role is Role.SAMPLE) == (step == 1) == (not chain.parents)
            assert len(set(chain.line)) == len(chain.line)
            assert step == 1 or set(chain.line) <= set(range(len(plan.populations[step - 2])))


@given(recursive, st.integers())
def test_rsa_has_n_times_steps_chains_and_k_parents(strategy: rsa.RSA, seed: int) -> None:
    plan = strategy.plan(seed, "p")
    assert len(plan) == strategy.n * strategy.steps
    assert all(len(chain.parents) == strategy.k for chain in plan if chain.step > 1)
    assert all(sorted(chain.line) == list(range(strategy.n)) for chain in plan if chain.step > 1)


def test_shapes_of_the_baselines() -> None:
    def shape(strategy: Strategy) -> list[list[tuple[int, ...]]]:
        return [[chain.parents for chain in population] for population in strategy.plan(0, "p").populations]

    assert shape(rsa.Sample()) == [[()]]
    assert shape(rsa.Majority(3)) == [[(), (), ()]]
    assert shape(rsa.SelfRefine(3)) == [[()], [(0,)], [(0,)]]
    assert shape(rsa.SelfRefine(2, n=2)) == [[(), ()], [(0,), (1,)]]
    assert shape(rsa.Rejection(2)) == [[(), ()], [(0,), (1,)]]
    first, last = shape(rsa.SelfAggregation(4))
    assert first == [()] * 4
    assert [sorted(parents) for parents in last] == [[0, 1, 2, 3]]


def test_subsets_are_uniform_and_siblings_independent() -> None:
    """Algorithm 1 draws every K-subset alike, and each chain's without regard to its siblings'."""
    plans = [rsa.RSA(n=5, k=2, steps=2).plan(seed, "p").populations[1] for seed in range(3000)]
    subsets = Counter(frozenset(chain.parents) for population in plans for chain in population)
    expected = 3000 * 5 / 10
    assert set(subsets) == {frozenset(pair) for pair in combinations(range(5), 2)}
    assert sum((count - expected) ** 2 / expected for count in subsets.values()) < 27.9  # 99.9 %, 9 degrees of freedom
    same = sum(set(population[0].parents) == set(population[1].parents) for population in plans)
    assert same == pytest.approx(300, abs=3.3 * (3000 * 0.1 * 0.9) ** 0.5)


def test_every_order_of_a_subset_is_equally_likely() -> None:
    orders = Counter(rsa.RSA(n=2, k=2, steps=2).plan(seed, "p").populations[1][0].parents for seed in range(2000))
    assert orders[0, 1] == pytest.approx(1000, abs=3.3 * 500**0.5)


@given(st.integers(), st.text())
def test_strategies_share_their_first_samples(seed: int, problem: str) -> None:
    """Step-1 keys hold neither strategy nor N, so the same slot is the same sample everywhere."""

    def first(strategy: Strategy) -> list[int]:
        plan = strategy.plan(seed, problem)
        return [plan.key(1, chain.slot, "generate").request_seed() for chain in plan.populations[0]]

    most = first(rsa.Majority(8))
    for strategy in (rsa.RSA(4, 2, 3), rsa.SelfAggregation(3), rsa.Rejection(5), rsa.Sample(), rsa.SelfRefine(3)):
        assert first(strategy) == most[: len(first(strategy))]


def test_repeats_problems_and_seeds_draw_differently() -> None:
    strategy = rsa.RSA(n=8, k=4, steps=3)
    plans = {strategy.plan(seed, problem, repeat).populations for seed in (0, 1) for problem in "ab" for repeat in (0, 1)}
    assert len(plans) == 8


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: rsa.RSA(n=4, k=5), "k=5 candidates cannot be drawn from a population of n=4"),
        (lambda: rsa.RSA(steps=0), "steps must be at least 1"),
        (lambda: rsa.Majority(0), "n must be at least 1"),
        (lambda: rsa.SelfRefine(steps=-1), "steps must be at least 1"),
        (lambda: rsa.SelfAggregation(0), "k must be at least 1"),
        (lambda: rsa.Rejection(0), "n must be at least 1"),
    ],
)
def test_impossible_strategies_say_why(make, says) -> None:
    with pytest.raises(rsa.UsageError, match=says):
        make()


def test_labels_tell_strategies_apart() -> None:
    assert label(rsa.RSA(4, 2, 3)) == "rsa(n=4,k=2,steps=3)"
    assert label(rsa.Sample()) == "sample"
    assert set(STRATEGIES) == {"rsa", "majority", "self_refine", "self_aggregation", "rejection", "sample"}
