"""Runs plans: a chain starts the moment its own parents are done and a place in flight is free.

Nothing waits for a whole population and no problem waits for another. Chains of problems that started earlier go first; a
further problem is taken up only when no chain of the present ones is ready, so at most `limit` problems are open at any
time, and the texts of a population are let go as soon as no chain can read them any more.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rsa.chain import Chain
from rsa.demand import needed
from rsa.plan import Place, Plan, PlannedChain

__all__ = ["FixedLimit", "Generate", "Job", "Limit", "execute"]

Generate = Callable[[Plan, PlannedChain, Sequence[Chain]], Awaitable[Chain | None]]
"""Makes one chain from its parents. A failed call is a dead chain; None leaves the chain, and all that would read it, for
another run; what it raises stops the run."""


class Limit(Protocol):
    """How many chains may be on their way: a number that may move."""

    @property
    def now(self) -> int:
        """The number at this moment."""

    def watch(self, on_growth: Callable[[], None]) -> Callable[[], None]:
        """Have a function called when the number may have grown while no chain ended; calling what is given ends that."""


@dataclass(frozen=True, slots=True)
class FixedLimit:
    """A number that never moves."""

    now: int

    def watch(self, on_growth: Callable[[], None]) -> Callable[[], None]:  # noqa: ARG002 - there is nothing to see
        """Do nothing."""
        return lambda: None


@dataclass(frozen=True, slots=True)
class Job:
    """One plan to run. `recorded` are its chains that earlier runs finished: they are read, never generated again.

    With `answering`, the slots of the last population in the order in which they stand in line to answer, only those chains
    are generated that the answer needs (see `rsa.demand`).
    """

    plan: Plan
    generate: Generate
    recorded: Mapping[Place, Chain] = field(default_factory=dict)
    answering: Sequence[int] | None = None


async def execute(
    jobs: Iterable[Job],
    limit: Limit,
    on_chain: Callable[[Chain], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Generate every chain of every job that is not recorded, at most `limit.now` at a time.

    `on_chain` is called once for each generated chain. Once `stop()` is true no further chain starts, and the call returns
    when those in flight are done. An exception of a generation, or cancellation, cancels all others and waits for them.
    """
    feed = _Feed(iter(jobs))
    events: asyncio.Queue[asyncio.Task[Chain | None] | None] = asyncio.Queue()
    running: dict[asyncio.Task[Chain | None], _Progress] = {}
    unwatch = limit.watch(lambda: events.put_nowait(None))

    def start_ready() -> None:
        while len(running) < limit.now and not stop() and (ready := feed.next()):
            progress, planned = ready
            generation = progress.job.generate(progress.job.plan, planned, progress.start(planned))
            task = asyncio.ensure_future(generation)
            running[task] = progress
            task.add_done_callback(events.put_nowait)

    try:
        start_ready()
        while running:
            if task := await events.get():
                progress = running.pop(task)
                if chain := task.result():
                    on_chain(chain)
                    feed.add(progress, progress.finish(chain))
            start_ready()
    finally:
        unwatch()
        for task in running:
            task.cancel()
        for outcome in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(outcome, Chain):  # it was done before it could be cancelled: paid for, so kept
                on_chain(outcome)


class _Feed:
    """Ready chains, oldest problem first; takes up a new job when there is none."""

    def __init__(self, jobs: Iterator[Job]) -> None:
        self._jobs = jobs
        self._admitted = 0
        self._ready: list[tuple[int, Place, PlannedChain, _Progress]] = []

    def add(self, progress: "_Progress", chains: Iterable[PlannedChain]) -> None:
        for planned in chains:
            turn = planned.slot if planned.turn is None else planned.turn
            heapq.heappush(self._ready, (progress.number, (planned.step, turn), planned, progress))

    def next(self) -> "tuple[_Progress, PlannedChain] | None":
        while not self._ready:
            job = next(self._jobs, None)
            if job is None:
                return None
            progress = _Progress(self._admitted, job)
            self._admitted += 1
            self.add(progress, progress.begin())
        _, _, planned, progress = heapq.heappop(self._ready)
        return progress, planned


class _Progress:
    """How far one job is: which chains are finished, which wait for a parent."""

    def __init__(self, number: int, job: Job) -> None:
        self.number = number
        self.job = job
        self._finished: list[dict[int, Chain]] = [{} for _ in job.plan.populations]
        self._waiting = [
            {chain.slot: chain for chain in population if chain.place not in job.recorded}
            for population in job.plan.populations
        ]
        self._unstarted = [len(waiting) for waiting in self._waiting]
        self._dead = {place for place, chain in job.recorded.items() if chain.dead}
        self._needed = self._demand()
        for (step, slot), chain in job.recorded.items():
            if step < job.plan.steps and self._unstarted[step]:
                self._finished[step - 1][slot] = chain

    def begin(self) -> list[PlannedChain]:
        """All chains that can start from what is recorded."""
        return [planned for step in range(1, self.job.plan.steps + 1) for planned in self._release(step)]

    def finish(self, chain: Chain) -> list[PlannedChain]:
        """Take a generated chain; gives those that can start now."""
        if chain.dead and self._needed is not None:
            self._dead.add(chain.place)
            self._needed = self._demand()
            return [*self._take(chain), *self.begin()]
        return self._take(chain)

    def _take(self, chain: Chain) -> list[PlannedChain]:
        if chain.step == self.job.plan.steps or not self._unstarted[chain.step]:
            return []  # nobody will read it
        self._finished[chain.step - 1][chain.slot] = chain
        return self._release(chain.step + 1)

    def start(self, planned: PlannedChain) -> tuple[Chain, ...]:
        """The parents of a chain that starts, in prompt order."""
        if planned.step == 1:
            self._unstarted[0] -= 1
            return ()
        population = self._finished[planned.step - 2]
        parents = _parents(planned, population)
        self._unstarted[planned.step - 1] -= 1
        if not self._unstarted[planned.step - 1]:
            population.clear()
        return parents or ()

    def _demand(self) -> set[Place] | None:
        """The places that are needed, as far as is known who is dead; None if all are."""
        return None if self.job.answering is None else needed(self.job.plan, self.job.answering, self._dead)

    def _release(self, step: int) -> list[PlannedChain]:
        waiting = self._waiting[step - 1]
        population = self._finished[step - 2] if step > 1 else {}
        wanted = (planned for planned in waiting.values() if self._needed is None or planned.place in self._needed)
        ready = [planned for planned in wanted if _parents(planned, population) is not None]
        for planned in ready:
            del waiting[planned.slot]
        return ready


def _parents(planned: PlannedChain, population: Mapping[int, Chain]) -> tuple[Chain, ...] | None:
    """The first living chains in line; None while one is not finished that might be among them."""
    alive: list[int] = []
    for slot in planned.line:
        if len(alive) == planned.wanted:
            break
        if slot not in population:
            return None
        if not population[slot].dead:
            alive.append(slot)
    return tuple(population[slot] for slot in planned.in_prompt_order(alive))
