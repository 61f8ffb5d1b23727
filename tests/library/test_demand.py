import asyncio
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from rsa.chain import Chain, Status
from rsa.demand import answering_line, needed
from rsa.kinds import KINDS
from rsa.plan import Place, Plan
from rsa.scheduler import FixedLimit, Job, execute
from rsa.selection import choose, last_population
from tests.bench.demand import expected_calls

STRATEGIES = st.one_of(
    st.integers(1, 6).flatmap(lambda n: st.builds(rsa.RSA, st.just(n), st.integers(1, n), st.integers(1, 4))),
    st.builds(rsa.SelfRefine, st.integers(1, 4), st.integers(1, 4)),
    st.builds(rsa.SelfAggregation, st.integers(1, 4)),
)
PLACES = st.tuples(st.integers(1, 4), st.integers(0, 5))


def run(plan: Plan, doomed: frozenset[Place], limit: int, answering=None) -> dict[Place, Chain]:
    made: dict[Place, Chain] = {}

    async def generate(plan, planned, parents):
        await asyncio.sleep(0)
        status = Status.DEAD if planned.place in doomed or (planned.step > 1 and not parents) else Status.OK
        text = f"{planned.place} of {[parent.text for parent in parents]}"
        return Chain(plan.problem, 0, "s", *planned.place, tuple(p.slot for p in parents), "m", 0, "", text, "stop", status)

    def take(chain: Chain) -> None:
        assert chain.place not in made
        made[chain.place] = chain

    asyncio.run(execute([Job(plan, generate, answering=answering)], FixedLimit(limit), take))
    return made


def answer(plan: Plan, chains: dict[Place, Chain], wanted=None) -> Chain | None:
    step, members = last_population(plan, chains, wanted)
    return choose(plan, members, KINDS["text"], "sample", step) if members and step == plan.steps else None


@given(STRATEGIES, st.frozensets(PLACES, max_size=8), st.integers(1, 9), st.integers(0, 99))
def test_the_answer_is_the_same_whether_its_ancestors_or_all_chains_are_made(strategy, doomed, limit, seed):
    plan = strategy.plan(seed, "p")
    line = answering_line(plan)
    whole, alone = run(plan, doomed, 4), run(plan, doomed, limit, line)
    assert all(alone[place] == whole[place] for place in alone)
    dead = {place for place, chain in alone.items() if chain.dead}
    assert alone.keys() == needed(plan, line, dead), "just what was needed was made"
    assert answer(plan, alone, alone.keys()) == answer(plan, whole)


@given(STRATEGIES, st.integers(0, 99))
def test_without_deaths_only_ancestors_are_made(strategy, seed):
    plan = strategy.plan(seed, "p")
    made = run(plan, frozenset(), 3, answering_line(plan))
    seen = {(plan.steps, answering_line(plan)[0])}
    for step in range(plan.steps, 1, -1):
        seen |= {(step - 1, slot) for place in seen if place[0] == step for slot in made[place].parents}
    assert made.keys() == seen


def test_about_a_fifth_of_the_papers_calls_is_saved():
    plans = (rsa.RSA(16, 4, 10).plan(0, f"{number}") for number in range(200))
    shares = [len(needed(plan, answering_line(plan), ())) / len(plan) for plan in plans]
    assert 0.77 < sum(shares) / len(shares) < 0.83


@pytest.mark.parametrize(("n", "k", "steps"), [(4, 2, 3), (6, 1, 4), (5, 5, 3), (8, 3, 5)])
def test_plans_need_as_many_calls_as_the_exact_mean_says(n, k, steps):
    plans = (rsa.RSA(n, k, steps).plan(0, f"{number}") for number in range(400))
    counts = [len(needed(plan, answering_line(plan), ())) for plan in plans]
    error = stdev(counts) / len(counts) ** 0.5
    assert abs(mean(counts) - expected_calls(n, k, steps)) <= 4 * error
