import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

import rsa
from rsa.ordering import CANDIDATE_ORDERS, ordered
from rsa.plan import Plan
from tests.library.test_scheduler import Model, finish

ORDERS = st.sampled_from(sorted(CANDIDATE_ORDERS))
STRATEGIES = st.integers(1, 8).flatmap(lambda n: st.builds(rsa.RSA, st.just(n), st.integers(1, n), st.integers(1, 4)))


def in_common(plan: Plan) -> float:
    """The share of candidates that stand in a prefix which an earlier prompt of their step has as well."""
    shared = shown = 0
    for population in plan.populations[1:]:
        seen: set[tuple[int, ...]] = set()
        for chain in sorted(population, key=lambda chain: chain.slot if chain.turn is None else chain.turn):
            prefixes = [chain.parents[:length] for length in range(1, chain.wanted + 1)]
            shared += sum(prefix in seen for prefix in prefixes)
            shown += len(prefixes)
            seen.update(prefixes)
    return shared / shown


@given(STRATEGIES, ORDERS, st.integers(0, 99))
def test_an_order_changes_no_subset_and_no_line(strategy, order, seed):
    before = strategy.plan(seed, "p")
    after = ordered(before, order)
    for old, new in zip(before, after, strict=True):
        assert (new.place, new.role, new.line, new.wanted) == (old.place, old.role, old.line, old.wanted)
        assert sorted(new.parents) == sorted(old.parents)
    for population in after.populations:
        turns = [chain.slot if chain.turn is None else chain.turn for chain in population]
        assert sorted(turns) == list(range(len(population)))
    assert ordered(before, order) == after, "the same plan, the same order"


@pytest.mark.parametrize("order", ["draw", "shared"])
def test_every_order_of_a_subset_stays_equally_likely(order):
    """Over plans, for one slot's prompt: the rank of each parent's slot among them, in prompt order."""
    seen: Counter[tuple[int, ...]] = Counter()
    for seed in range(3000):
        chain = ordered(rsa.RSA(5, 3, 2).plan(seed, "p"), order).populations[1][2]
        ranks = {slot: rank for rank, slot in enumerate(sorted(chain.parents))}
        seen[tuple(ranks[slot] for slot in chain.parents)] += 1
    assert len(seen) == 6
    assert chisquare(list(seen.values())).pvalue > 0.001


def test_shared_prefixes_reach_what_the_papers_setting_allows():
    shares = {
        order: sum(in_common(ordered(rsa.RSA(16, 4, 3).plan(seed, "p"), order)) for seed in range(60)) / 60
        for order in CANDIDATE_ORDERS
    }
    assert shares["draw"] < 0.12 < shares["index"] < 0.22
    assert shares["shared"] > 0.30


async def test_one_that_stands_in_for_a_dead_parent_is_shown_last():
    plan = ordered(rsa.RSA(4, 2, 2).plan(0, "p"), "shared")
    dead = plan.populations[1][0].parents[0]
    model = Model(frozenset({("p", (1, dead))}))

    class Ordered:
        def plan(self, seed: int, problem: str, repeat: int = 0) -> Plan:
            return plan

    await finish(Ordered(), model)
    for planned in plan.populations[1]:
        shown = [chain.slot for chain in model.shown["p", planned.place]]
        living = [slot for slot in planned.parents if slot != dead]
        assert shown[: len(living)] == living
        assert len(shown) == planned.wanted
        assert dead not in shown


def test_chains_with_common_prefixes_start_one_after_the_other():
    plan = ordered(rsa.RSA(8, 3, 2).plan(1, "p"), "shared")
    by_turn = sorted(plan.populations[1], key=lambda chain: chain.turn)
    firsts = [chain.parents[0] for chain in by_turn]
    changes = sum(first != then for first, then in itertools.pairwise(firsts))
    assert changes == len(set(firsts)) - 1


def test_the_order_of_the_draw_is_the_plan_itself():
    plan = rsa.RSA(4, 2, 2).plan(0, "p")
    assert ordered(plan, "draw") == plan
