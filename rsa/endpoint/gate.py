"""Lets so many calls through at a time as a moving limit allows, first come, first served."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rsa.endpoint.concurrency import Adaptive

__all__ = ["Gate"]


class Gate:
    """A semaphore whose size is `limit.limit` at every moment. A lower limit takes nothing away from those inside."""

    def __init__(self, limit: Adaptive) -> None:
        self.limit = limit
        self.in_flight = 0
        self.most_in_flight = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._watchers: list[Callable[[], None]] = []

    @property
    def now(self) -> int:
        """The limit at this moment."""
        return self.limit.limit

    def watch(self, on_growth: Callable[[], None]) -> Callable[[], None]:
        """Have a function called whenever the limit may have grown while no call ended; calling what is given ends that."""
        self._watchers.append(on_growth)
        return lambda: self._watchers.remove(on_growth)

    def moved(self) -> None:
        """To be called when the limit may have grown."""
        self._let_in()
        for watcher in self._watchers:
            watcher()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place in flight, for the length of the block."""
        await self._enter()
        try:
            yield
        finally:
            self.in_flight -= 1
            self._let_in()

    async def _enter(self) -> None:
        if self.in_flight < self.limit.limit and not self._line:
            self._count_in()
            return
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # its place was given just before
                self.in_flight -= 1
            elif turn in self._line:
                self._line.remove(turn)
            self._let_in()
            raise

    def _let_in(self) -> None:
        while self._line and self.in_flight < self.limit.limit:
            turn = self._line.popleft()
            if not turn.done():
                self._count_in()
                turn.set_result(None)

    def _count_in(self) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
