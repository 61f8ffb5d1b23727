"""A quota of calls that hosted APIs set."""

import asyncio
from collections.abc import Callable

from asyncio_throttle import Throttler

from rsa.endpoint.types import Rate

__all__ = ["Quota"]


class Quota:
    """asyncio-throttle behind a lock: alone, its waiters all poll, and the first to come is not the first to go."""

    def __init__(self, rate: Rate | None) -> None:
        self._throttler = Throttler(rate.calls, rate.period) if rate else None
        self._turn = asyncio.Lock()

    async def acquire(self, check: Callable[[], None]) -> None:
        """Wait for a call's turn, if there is a quota. `check` raises if it is not wanted any more."""
        if self._throttler is None:
            return
        async with self._turn:
            check()
            await self._throttler.acquire()
