"""Runs plans: a chain starts the moment its own parents are done and a place in flight is free.

Nothing waits for a whole population, and no problem waits for another: as long as any chain is ready, as many are in flight
as may be. Which one is next says `rsa.dispatch`, which are ready `rsa.progress`.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from rsa.chain import Chain
from rsa.dispatch import Feed
from rsa.plan import PlannedChain
from rsa.progress import Generate, Job, Progress

__all__ = ["FixedLimit", "Generate", "Job", "Limit", "execute"]


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
    feed = Feed(iter(jobs))
    clock = asyncio.get_running_loop().time
    events: asyncio.Queue[asyncio.Task[Chain | None] | None] = asyncio.Queue()
    running: dict[asyncio.Task[Chain | None], tuple[Progress, PlannedChain]] = {}
    unwatch = limit.watch(lambda: events.put_nowait(None))

    def start_ready() -> None:
        while len(running) < limit.now and not stop() and (progress := feed.next(clock())):
            planned, parents = progress.start(clock())
            task = asyncio.ensure_future(progress.generate(progress.plan, planned, parents))
            running[task] = progress, planned
            task.add_done_callback(events.put_nowait)

    try:
        start_ready()
        while running:
            if task := await events.get():
                progress, planned = running.pop(task)
                if chain := task.result():
                    on_chain(chain)
                feed.end(progress, planned, chain, clock(), limit.now)
            start_ready()
    finally:
        unwatch()
        for task in running:
            task.cancel()
        for outcome in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(outcome, Chain):  # it was done before it could be cancelled: paid for, so kept
                on_chain(outcome)
