import asyncio
from collections.abc import Sequence
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from rsa.chain import Chain, Status
from rsa.plan import Place, Plan, PlannedChain
from rsa.scheduler import FixedLimit, Job, execute
from rsa.strategies import Strategy


def chain(plan: Plan, place: Place, parents: Sequence[Chain] = (), status: Status = Status.OK) -> Chain:
    slots = tuple(parent.slot for parent in parents)
    return Chain(plan.problem, plan.repeat, "s", *place, slots, "m", 0, "", f"text {place}", "stop", status)


class Model:
    """Makes chains at once, or when a test releases them. Kills the chains it is told to."""

    def __init__(self, dead: frozenset[tuple[str, Place]] = frozenset(), held: bool = False) -> None:
        self.dead = dead
        self.held = held
        self.started: list[tuple[str, Place]] = []
        self.gates: dict[tuple[str, Place], asyncio.Event] = {}
        self.in_flight = self.most_in_flight = 0
        self.shown: dict[tuple[str, Place], tuple[Chain, ...]] = {}

    async def __call__(self, plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain:
        name = (plan.problem, planned.place)
        self.started.append(name)
        self.shown[name] = tuple(parents)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.held:
                gate = self.gates[name] = asyncio.Event()
                await gate.wait()
            await asyncio.sleep(0)
        finally:
            self.in_flight -= 1
        dead = name in self.dead or (planned.step > 1 and not parents)
        return chain(plan, planned.place, parents, Status.DEAD if dead else Status.OK)

    async def release(self, *names: tuple[str, Place]) -> None:
        for name in names:
            self.gates[name].set()
        await settle()


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def finish(
    strategy: Strategy, model: Model, problems: Sequence[str] = ("p",), limit: int = 4, recorded: Sequence[Chain] = ()
) -> list[Chain]:
    made: list[Chain] = []
    jobs = [Job(strategy.plan(0, problem), model, {each.place: each for each in recorded}) for problem in problems]
    await execute(jobs, FixedLimit(limit), made.append)
    return made


strategies = st.integers(1, 6).flatmap(lambda n: st.builds(rsa.RSA, st.just(n), st.integers(1, n), st.integers(1, 4)))
places = st.tuples(st.integers(1, 4), st.integers(0, 5))


@given(
    strategies, st.integers(1, 9), st.integers(1, 4), st.frozensets(st.tuples(st.sampled_from("abc"), places), max_size=12)
)
def test_every_chain_is_made_once_after_its_parents(strategy: rsa.RSA, limit: int, problems: int, dead: frozenset) -> None:
    model = Model(dead)
    made = asyncio.run(finish(strategy, model, "abcd"[:problems], limit))
    assert sorted((each.problem, each.place) for each in made) == sorted(
        (problem, planned.place) for problem in "abcd"[:problems] for planned in strategy.plan(0, problem)
    )
    assert model.most_in_flight <= limit
    alive = {(each.problem, each.place) for each in made if not each.dead}
    for (problem, (step, _)), parents in model.shown.items():
        assert all((problem, (step - 1, parent.slot)) in alive for parent in parents)


@given(strategies, st.frozensets(st.tuples(st.just("p"), places), max_size=8), st.integers(1, 30))
def test_parents_do_not_depend_on_timing_or_limit(strategy: rsa.RSA, dead: frozenset, limit: int) -> None:
    def parents(limit: int) -> dict[Place, tuple[int, ...]]:
        return {each.place: each.parents for each in asyncio.run(finish(strategy, Model(dead), limit=limit))}

    assert parents(limit) == parents(1)


@given(strategies, st.data())
def test_a_resumed_job_makes_only_what_is_missing_and_shows_the_same(strategy: rsa.RSA, data: st.DataObject) -> None:
    whole = Model()
    made = asyncio.run(finish(strategy, whole))
    cut = data.draw(st.integers(0, len(made)))
    rest = Model()
    again = asyncio.run(finish(strategy, rest, recorded=made[:cut]))
    assert {each.place for each in again} == {each.place for each in made[cut:]}
    assert all(rest.shown[name] == whole.shown[name] for name in rest.shown)


async def test_a_chain_starts_when_its_own_parents_are_done() -> None:
    strategy = rsa.RSA(n=3, k=1, steps=2)
    model = Model(held=True)
    running = asyncio.ensure_future(finish(strategy, model, limit=10))
    await settle()
    parent = strategy.plan(0, "p").populations[1][0].parents[0]
    await model.release(("p", (1, parent)))
    assert ("p", (2, 0)) in model.started
    assert model.in_flight >= 3  # the other samples are still on their way
    model.held = False
    await model.release(*model.gates)
    await running


async def test_problems_do_not_wait_for_each_other() -> None:
    model = Model(held=True)
    running = asyncio.ensure_future(finish(rsa.RSA(n=2, k=2, steps=3), model, "ab", limit=4))
    await settle()
    await model.release(("b", (1, 0)), ("b", (1, 1)))
    await model.release(("b", (2, 0)), ("b", (2, 1)))
    assert ("b", (3, 0)) in model.started
    assert ("a", (2, 0)) not in model.started
    model.held = False
    await model.release(*model.gates)
    await running


async def test_the_first_calls_do_not_wait_for_the_plans_of_later_problems() -> None:
    """A plan takes some milliseconds to make, so problems are taken up ahead only as chains end."""
    taken: list[str] = []

    def jobs():
        for number in range(100):
            taken.append(str(number))
            yield Job(rsa.RSA(2, 2, 2).plan(0, str(number)), model)

    model = Model(held=True)
    running = asyncio.ensure_future(execute(jobs(), FixedLimit(6)))
    await settle()
    assert len(taken) == 3
    model.held = False
    await model.release(*model.gates)
    await running
    assert len(taken) == 100


async def test_a_dead_parent_is_replaced_by_the_next_in_line() -> None:
    strategy = rsa.RSA(n=4, k=2, steps=2)
    child = strategy.plan(0, "p").populations[1][0]
    model = Model(frozenset({("p", (1, child.line[0]))}))
    made = {each.place: each for each in await finish(strategy, model)}
    assert made[2, 0].parents == child.line[1:3]


async def test_fewer_living_than_k_are_shown_as_they_are_and_none_kills_the_child() -> None:
    three_dead = frozenset(("p", (1, slot)) for slot in range(3))
    made = {each.place: each for each in await finish(rsa.RSA(n=4, k=2, steps=2), Model(three_dead))}
    assert {each.parents for place, each in made.items() if place[0] == 2} == {(3,)}
    all_dead = three_dead | {("p", (1, 3))}
    made = {each.place: each for each in await finish(rsa.RSA(n=4, k=2, steps=3), Model(all_dead))}
    assert all(each.dead for each in made.values())


async def test_nobody_stands_in_for_a_dead_line_of_refinement() -> None:
    made = {each.place: each for each in await finish(rsa.SelfRefine(3, n=2), Model(frozenset({("p", (1, 0))})))}
    assert [made[step, 0].dead for step in (1, 2, 3)] == [True] * 3
    assert [made[step, 1].dead for step in (1, 2, 3)] == [False] * 3


async def test_stopping_waits_for_chains_in_flight_and_starts_no_other() -> None:
    model = Model(held=True)
    stopping = False
    made: list[Chain] = []
    job = Job(rsa.RSA(2, 2, 3).plan(0, "p"), model)
    running = asyncio.ensure_future(execute([job], FixedLimit(1), made.append, lambda: stopping))
    await settle()
    stopping = True
    await model.release(*model.gates)
    await running
    assert [each.place for each in made] == [(1, 0)]


async def test_cancelling_leaves_nothing_running_and_keeps_what_is_done() -> None:
    model = Model(held=True)
    running = asyncio.ensure_future(finish(rsa.Majority(8), model, limit=4))
    await settle()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert model.in_flight == 0
    assert len(asyncio.all_tasks()) == 1


async def test_an_error_in_one_chain_ends_all_others() -> None:
    model = Model(held=True)

    async def fail(plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain:
        if planned.slot == 2:
            raise rsa.UsageError("no such model")
        return await model(plan, planned, parents)

    with pytest.raises(rsa.UsageError, match="no such model"):
        await execute([Job(rsa.Majority(8).plan(0, "p"), fail)], FixedLimit(4))
    assert model.in_flight == 0


async def test_texts_of_read_populations_are_let_go() -> None:
    alive: list[int] = []
    import weakref  # noqa: PLC0415

    class Text(str):
        __slots__ = ("__weakref__",)

    texts: weakref.WeakSet[Text] = weakref.WeakSet()

    async def model(plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain:
        text = Text(f"{planned.place}")
        texts.add(text)
        alive.append(len(texts))
        return Chain(plan.problem, 0, "s", *planned.place, (), "m", 0, "", text, "stop", Status.OK)

    await execute([Job(rsa.RSA(n=4, k=2, steps=20).plan(0, "p"), model)], FixedLimit(4))
    assert max(alive) <= 3 * 4


def test_a_plan_runs_with_any_number_of_jobs_from_a_generator() -> None:
    made: list[Chain] = []
    model = Model()
    jobs = (Job(rsa.Sample().plan(0, str(number)), partial(model)) for number in range(50))
    asyncio.run(execute(jobs, FixedLimit(3), made.append))
    assert len(made) == 50
