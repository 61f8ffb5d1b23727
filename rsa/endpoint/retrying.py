"""What one call has cost so far, and how long to wait before it is sent again."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rsa.chain import Usage
from rsa.endpoint.faults import Fault, FaultKind, backoff
from rsa.errors import CallAbandoned, RSAError
from rsa.keys import Key

__all__ = ["Spent", "Waiting"]

_BUSY_PER_RETRY = 10


@dataclass(slots=True)
class Spent:
    """What one call has cost so far: `attempts` are the HTTP requests, `failed` those that used up a retry."""

    attempts: int = 0
    failed: int = 0
    busy: int = 0
    blanks: int = 0
    usage: Usage = field(default_factory=Usage)

    def take(self, fault: Fault) -> None:
        """Count a failed attempt. One without a connection uses up no retry, and being turned away a tenth of one."""
        self.usage = self.usage + fault.usage
        self.failed += fault.kind in (FaultKind.RETRY, FaultKind.TIMEOUT)
        self.busy += fault.kind is FaultKind.BUSY
        self.blanks += fault.blank

    def used_up(self, retries: int) -> bool:
        """Whether there is no further attempt."""
        return self.failed + self.busy // _BUSY_PER_RETRY > retries


class Waiting:
    """Lets calls wait, and sends them away when nobody wants to wait any more."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._reason: RSAError = CallAbandoned("the run stops, so nothing further is sent")

    def end(self, reason: RSAError | None = None) -> None:
        """From now on nobody waits; who would gets the reason, by default a `CallAbandoned`."""
        if not self._over.is_set():
            self._reason = reason or self._reason
            self._over.set()

    def check(self) -> None:
        """Raise the reason if nobody wants to wait any more."""
        if self._over.is_set():
            raise self._reason

    async def sleep(self, seconds: float) -> None:
        """Wait so long. Raises the reason as soon as the waiting is ended."""
        self.check()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)
        self.check()

    async def unless_over(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something, but drop it and raise the reason as soon as the waiting is ended."""
        task, over = asyncio.ensure_future(work), asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait([task, over], return_when=asyncio.FIRST_COMPLETED)
            self.check()
            await task
        finally:
            task.cancel()
            over.cancel()
            await asyncio.gather(task, over, return_exceptions=True)

    async def before_next(self, seed: int, attempt: int, fault: Fault) -> None:
        """Wait before attempt + 1. The jitter is a keyed draw, like every other."""
        await self.sleep(backoff(attempt, Key(seed, "", purpose="backoff").uniform(attempt), fault.wait))
