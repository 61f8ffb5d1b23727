"""Looks at a server's own queue while calls go on, so that the limit of calls in flight can follow it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from rsa.endpoint.circuit import Circuit
from rsa.endpoint.concurrency import Load
from rsa.endpoint.gate import Gate
from rsa.endpoint.retrying import Waiting
from rsa.errors import RSAError

__all__ = ["LoadWatch"]

_LOOK_SECONDS = 1.0
_RARE_LOOK_SECONDS = 60.0  # where there seems to be nothing to see
_GIVEN_UP_AFTER = 5  # looks


class LoadWatch:
    """Tells the limit of a gate what `load` gives, once it has begun."""

    def __init__(self, load: Callable[[], Awaitable[Load | None]], gate: Gate, circuit: Circuit, waiting: Waiting) -> None:
        self._load = load
        self._gate = gate
        self._circuit = circuit
        self._waiting = waiting
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look from now on, unless that is done already or the limit does not move."""
        if self._looking is None and not self._gate.limit.steady:
            self._looking = asyncio.ensure_future(self._look())

    async def end(self) -> None:
        """Look no more."""
        if self._looking:
            self._looking.cancel()
            with suppress(asyncio.CancelledError, RSAError):
                await self._looking

    async def _look(self) -> None:
        unseen = 0
        while True:
            if not self._circuit.open:
                load = await self._load()
                unseen = 0 if load else unseen + 1
                if load:
                    self._gate.limit.observed(load, self._gate.in_flight, time.monotonic())
                    self._gate.moved()
                elif unseen == _GIVEN_UP_AFTER:
                    self._gate.limit.unseen()
            await self._waiting.sleep(_LOOK_SECONDS if unseen < _GIVEN_UP_AFTER else _RARE_LOOK_SECONDS)
