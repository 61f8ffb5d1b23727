"""In which order chains start, in virtual time: the laws that every order keeps, and what ours is for."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

import rsa
from evals.simulation.clock import run_virtually
from rsa.chain import Chain, Status
from rsa.plan import Place, Plan, PlannedChain
from rsa.scheduler import FixedLimit, Job, execute

Name = tuple[str, Place]
MOMENT = 0.001  # seconds after an end until everything has started that could


class World:
    """Problems p0, p1, ... whose chains take about as many seconds as a test says; those of `left` give no chain."""

    def __init__(
        self, strategies: Sequence[rsa.RSA], seconds: Sequence[float], limit: int, left: frozenset[Name] = frozenset()
    ) -> None:
        self.plans = [strategy.plan(0, f"p{number}") for number, strategy in enumerate(strategies)]
        self.seconds = {plan.problem: taken for plan, taken in zip(self.plans, seconds, strict=True)}
        self.limit = limit
        self.left = left
        self.taken_up = 0
        self.started: list[Name] = []
        self.ended: set[Name] = set()
        self.open: list[tuple[int, int]] = []
        self.missed: list[Name] = []

    def run(self) -> float:
        """Generate everything; gives how long it took."""

        async def timed() -> float:
            await execute(self._jobs(), FixedLimit(self.limit))
            return asyncio.get_running_loop().time()

        return run_virtually(timed())

    def _jobs(self) -> Iterator[Job]:
        for plan in self.plans:
            self.taken_up += 1
            yield Job(plan, self._generate)

    async def _generate(self, plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain | None:
        name = (plan.problem, planned.place)
        assert self._waits_for_nobody(plan, planned)
        self.started.append(name)
        await asyncio.sleep(self.seconds[plan.problem] * random.Random(str(name)).uniform(0.5, 1.5))
        self.ended.add(name)
        asyncio.get_running_loop().call_later(MOMENT, self._look)
        if name in self.left:
            return None
        slots = tuple(parent.slot for parent in parents)
        return Chain(plan.problem, 0, "s", *planned.place, slots, "m", 0, "", "text", "stop", Status.OK)

    def _waits_for_nobody(self, plan: Plan, planned: PlannedChain) -> bool:
        return self.ended - self.left >= {(plan.problem, (planned.step - 1, slot)) for slot in planned.parents}

    def _look(self) -> None:
        """Note how many problems are taken up and how many have begun, and what could have started and has not."""
        done = Counter(problem for problem, _ in self.ended)
        finished = sum(done[plan.problem] == len(plan) for plan in self.plans)
        self.open.append((self.taken_up - finished, len({problem for problem, _ in self.started}) - finished))
        if len(self.started) - len(self.ended) < self.limit:
            waiting = ((plan, chain) for plan in self.plans for chain in plan)
            ready = ((plan.problem, chain.place) for plan, chain in waiting if self._waits_for_nobody(plan, chain))
            self.missed += set(ready).difference(self.started)


STRATEGIES = st.integers(1, 5).flatmap(lambda n: st.builds(rsa.RSA, st.just(n), st.integers(1, n), st.integers(1, 3)))
PROBLEMS = st.lists(st.tuples(STRATEGIES, st.floats(0.1, 9)), min_size=1, max_size=8)
PLACES = st.tuples(st.sampled_from(["p0", "p1", "p2"]), st.tuples(st.integers(1, 2), st.integers(0, 3)))


@given(PROBLEMS, st.integers(1, 12))
@settings(max_examples=30)
def test_each_chain_starts_once_after_its_parents_and_as_soon_as_there_is_room(problems, limit):
    world = World(*zip(*problems, strict=True), limit)
    world.run()
    assert sorted(world.started) == sorted((plan.problem, chain.place) for plan in world.plans for chain in plan)
    assert world.missed == []


@given(PROBLEMS, st.integers(1, 12))
@settings(max_examples=30)
def test_at_most_as_many_problems_are_taken_up_as_chains_may_be_in_flight(problems, limit):
    world = World(*zip(*problems, strict=True), limit)
    world.run()
    assert all(taken_up <= limit for taken_up, _ in world.open)


@given(st.integers(1, 9), st.frozensets(PLACES, max_size=6))
@settings(max_examples=30)
def test_what_is_left_for_another_run_holds_up_what_reads_it_and_nothing_else(limit, left):
    world = World([rsa.RSA(4, 2, 3)] * 6, [1.0] * 6, limit, left)
    world.run()
    whole = [plan for plan in world.plans if plan.problem not in {problem for problem, _ in left}]
    assert {(plan.problem, chain.place) for plan in whole for chain in plan} <= world.ended
    assert world.missed == []


def test_a_problem_with_long_chains_is_done_with_the_others_though_it_comes_last():
    strategies, seconds = [rsa.RSA(8, 4, 5)] * 16, [1.0] * 15 + [4.0]
    alone = World(strategies[:1], [4.0], 32).run()
    assert World(strategies, seconds, 32).run() < 1.2 * alone


def test_few_problems_have_begun_while_many_are_to_come():
    world = World([rsa.RSA(4, 2, 4)] * 40, [1.0] * 40, 8)
    world.run()
    assert max(begun for _, begun in world.open[: len(world.open) // 2]) <= 4
