"""Whole runs in virtual time."""

from collections.abc import Iterator
from dataclasses import replace
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rsa
from evals.simulation.costs import StepCosts
from evals.simulation.replica import Server
from evals.simulation.simulate import Simulated, simulate
from evals.simulation.workload import Length, Lengths, Lognormal, Resampled, Workload
from rsa.endpoint.concurrency import Adaptive
from rsa.plan import Plan
from rsa.strategies import Strategy

COSTS = StepCosts(step=0.01, sequence=1e-4, context=1e-7, prompt=1e-5, pair=1e-9)
SERVER = Server(kv_tokens=40_000, costs=COSTS, sequences=64)


def work(strategy: Strategy, problems: int, lengths: Lengths, seed: int = 0, repeats: int = 1) -> Workload:
    names = [f"p{number}" for number in range(problems)]

    def plans() -> Iterator[Plan]:
        return (strategy.plan(seed, name, repeat) for repeat in range(repeats) for name in names)

    frames = {(chain.role, chain.wanted): 20 * chain.wanted for chain in strategy.plan(0, "")}
    return Workload(plans, dict.fromkeys(names, 100), frames, lengths)


def always(new: int) -> Lengths:
    return lambda plan, chain: Length(new, new)


def simulated(replicas: int = 1, in_flight: int = 64, server: Server = SERVER, seed: int = 0, **sizes: int) -> Simulated:
    strategy = rsa.RSA(sizes.get("n", 8), sizes.get("k", 2), sizes.get("steps", 3))
    lengths = Lognormal(sizes.get("mean", 200), 1000, seed)
    return simulate(work(strategy, sizes.get("problems", 6), lengths, seed), server, replicas, Adaptive.fixed(in_flight))


def test_chains_of_a_line_follow_one_another():
    server = Server(kv_tokens=10_000, costs=StepCosts(step=1.0))
    line = work(rsa.SelfRefine(steps=3), 1, always(10))
    assert simulate(line, server, 1, Adaptive.fixed(4)).seconds == 30.0
    lines = work(rsa.SelfRefine(steps=3), 2, always(10))
    assert simulate(lines, server, 1, Adaptive.fixed(1)).seconds == 60.0, "one at a time"
    assert simulate(lines, server, 2, Adaptive.fixed(4)).seconds == 30.0, "each on a replica of its own"


def test_a_call_costs_time_outside_of_steps_as_well():
    server = Server(kv_tokens=10_000, costs=StepCosts(step=1.0, call=0.5))
    assert simulate(work(rsa.SelfRefine(steps=3), 1, always(10)), server, 1, Adaptive.fixed(4)).seconds == 31.5


def test_prompts_have_the_question_the_template_and_the_candidates():
    found = simulate(work(rsa.RSA(4, 2, 3), 2, always(50)), SERVER, 1, Adaptive.fixed(64))
    assert found.calls == 2 * 12
    assert found.stats.new == 2 * 12 * 50
    assert found.stats.prompt == 2 * (4 * 100 + 8 * (100 + 40 + 2 * 50))


def test_candidates_in_a_shared_order_hit_the_prefix_cache_more_often():
    from rsa.ordering import ordered  # noqa: PLC0415

    drawn = work(rsa.RSA(16, 4, 4), 4, always(160))
    alike = replace(drawn, plans=lambda: (ordered(plan, "shared") for plan in drawn.plans()))
    hits = [simulate(each, SERVER, 1, Adaptive.fixed(64)).hits for each in (drawn, alike)]
    assert hits[1] > 1.4 * hits[0]


@settings(max_examples=25)
@given(
    seed=st.integers(0, 99),
    replicas=st.integers(1, 4),
    in_flight=st.integers(1, 100),
    kv=st.integers(3000, 40_000),
    sequences=st.integers(1, 64),
)
def test_everything_is_made_and_no_faster_than_is_possible(seed, replicas, in_flight, kv, sequences):
    server = replace(SERVER, kv_tokens=kv, sequences=sequences)
    found = simulated(replicas, in_flight, server, seed)
    assert found.calls == 6 * 24
    lengths = Lognormal(200, 1000, seed)
    plans = [rsa.RSA(8, 2, 3).plan(seed, f"p{number}") for number in range(6)]
    tokens = {(plan.problem, *chain.place): lengths(plan, chain).new for plan in plans for chain in plan}
    assert found.stats.new == sum(tokens.values())
    paths = [path(plan, tokens) for plan in plans]
    places = min(in_flight, replicas * sequences)
    bound = max(*paths, found.stats.new / places) * COSTS.step
    assert found.seconds >= bound * (1 - 1e-9)
    assert found == simulated(replicas, in_flight, server, seed), "the same again"


def path(plan: Plan, tokens: dict) -> int:
    ends: dict = {}
    for chain in plan:
        begins = max((ends[chain.step - 1, slot] for slot in chain.parents), default=0)
        ends[chain.place] = begins + tokens[plan.problem, *chain.place]
    return max(ends.values())


@settings(max_examples=15)
@given(seed=st.integers(0, 99), replicas=st.integers(1, 3))
def test_more_replicas_are_hardly_ever_slower(seed, replicas):
    """A schedule without foresight may be unlucky, by some percent."""
    fewer, more = (simulated(number, in_flight=48 * number, seed=seed, problems=12) for number in (replicas, 2 * replicas))
    assert more.seconds <= fewer.seconds * 1.05


def test_an_adaptive_limit_follows_the_servers_queue():
    tight = replace(SERVER, kv_tokens=4000)
    lengths = Lognormal(200, 1000)
    crowded, followed = (
        simulate(work(rsa.RSA(8, 2, 3), 30, lengths), tight, 1, limit) for limit in (Adaptive.fixed(512), Adaptive(512))
    )
    assert followed.stats.new == crowded.stats.new
    assert followed.seconds <= crowded.seconds * 1.1


def test_lengths_have_their_mean_and_problems_their_own():
    lengths, strategy = Lognormal(300, 10**6), rsa.Majority(64)
    means = [mean(lengths(plan, chain).new for chain in plan) for plan in (strategy.plan(0, f"{n}") for n in range(300))]
    assert mean(means) == pytest.approx(300, rel=0.06)
    assert max(means) > 2 * min(means)
    cut = Lognormal(300, 200)
    assert max(cut(strategy.plan(0, "0"), chain).new for chain in strategy.plan(0, "0")) == 200


def test_recorded_lengths_are_drawn_by_problem_and_step():
    recorded = {"a": {1: [Length(1, 1), Length(2, 2)], 2: [Length(3, 3)]}, "b": {1: [Length(9, 4)]}}
    lengths, strategy = Resampled(recorded), rsa.RSA(16, 2, 3)

    def drawn(problem: str) -> list[set[int]]:
        plan = strategy.plan(0, problem)
        return [{lengths(plan, chain).new for chain in chains} for chains in plan.populations]

    assert drawn("a") == [{1, 2}, {3}, {3}]
    assert drawn("b") == [{9}] * 3
    assert {frozenset(drawn(f"another {number}")[0]) for number in range(20)} == {frozenset({1, 2}), frozenset({9})}
