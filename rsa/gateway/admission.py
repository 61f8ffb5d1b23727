"""How many requests are worked on at a time, in all and for one key; the others wait in a line of limited length."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rsa.gateway.problems import ApiError

__all__ = ["Admission"]

_LONGEST_WAIT = 120  # seconds that are told to whoever is turned away
_WEIGHT = 0.2  # of the latest request in the mean time that one takes


class Admission:
    """First come, first served, except that nobody waits for the places of another key."""

    def __init__(self, most: int, queue: int, per_key: int | None) -> None:
        self.waiting: list[tuple[str, asyncio.Future[None]]] = []
        self.working = 0
        self._most = most
        self._queue = queue
        self._per_key = per_key or most
        self._of_key: Counter[str] = Counter()
        self._seconds = 1.0

    @asynccontextmanager
    async def place(self, owner: str, deadline: float | None = None) -> AsyncIterator[None]:
        """A place, for the length of the block. `deadline` is a time of the running loop.

        Raises an `ApiError` (429) if too many wait already, or if none is free by then.
        """
        await self._enter(owner, deadline)
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds += _WEIGHT * (time.monotonic() - began - self._seconds)
            self._leave(owner)

    def _free(self, owner: str) -> bool:
        return self.working < self._most and self._of_key[owner] < self._per_key

    async def _enter(self, owner: str, deadline: float | None) -> None:
        if self._free(owner):
            self._count_in(owner)
            return
        if len(self.waiting) >= self._queue:
            raise self._full("that is all that this server takes")
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn(owner)
        except TimeoutError:
            raise self._full("no place became free in time") from None

    def _full(self, why: str) -> ApiError:
        wait = math.ceil(self._seconds * (len(self.waiting) + 1) / self._most)
        told = f"{self.working} requests are being answered and {len(self.waiting)} wait, and {why}: try again later"
        return ApiError(429, told, "queue_full", retry_after=min(max(1, wait), _LONGEST_WAIT))

    async def _turn(self, owner: str) -> None:
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append((owner, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # its place was given just before
                self._leave(owner)
            else:
                self.waiting.remove((owner, turn))
            raise

    def _count_in(self, owner: str) -> None:
        self.working += 1
        self._of_key[owner] += 1

    def _leave(self, owner: str) -> None:
        self.working -= 1
        self._of_key[owner] -= 1
        if not self._of_key[owner]:
            del self._of_key[owner]
        for place in [place for place in self.waiting if not place[1].done()]:
            if self._free(place[0]):
                self.waiting.remove(place)
                self._count_in(place[0])
                place[1].set_result(None)
