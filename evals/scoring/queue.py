"""Scoring beside generation: off the event loop, bounded, finished when the run is."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from evals.problems import Problem
from evals.scoring.scoring import THREADS, Scoring
from evals.scoring.verdicts import Verdict
from rsa.chain import Chain

__all__ = ["ScoringQueue"]

_WAITING = 512  # chains; when so many wait for a verdict, generation waits for the scorers


class ScoringQueue:
    """Takes chains and gives each verdict to `on_verdict`, in the order in which they are ready.

    Leaving the block waits for all that were taken; where it is left by an exception, those not begun are given up.
    """

    def __init__(self, scoring: Scoring, on_verdict: Callable[[Chain, Verdict], Awaitable[None]]) -> None:
        self._scoring = scoring
        self._on_verdict = on_verdict
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="scoring")
        self._places = asyncio.Semaphore(_WAITING)
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await asyncio.gather(*self._tasks)
                self._raise_failure()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._threads.shutdown(wait=error is None, cancel_futures=True)

    async def put(self, problem: Problem, chain: Chain) -> None:
        """Take a living chain; waits while too many are waiting. Raises what went wrong with an earlier one."""
        self._raise_failure()
        await self._places.acquire()
        task = asyncio.ensure_future(self._score(problem, chain))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._places.release()
        if not task.cancelled() and task.exception():
            self._failure = task.exception()

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure

    async def _score(self, problem: Problem, chain: Chain) -> None:
        verdict = await asyncio.get_running_loop().run_in_executor(self._threads, self._scoring.score, problem, chain)
        await self._on_verdict(chain, verdict)
