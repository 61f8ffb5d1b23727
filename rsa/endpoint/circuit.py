"""Whether the server is there. While it is not, calls wait together instead of failing one by one.

The circuit opens when there is no connection, or when one attempt after the other fails without a success in between. From
then on nobody sends anything but one tiny probe at a time, at growing intervals; the first that is answered closes the
circuit, and all go on. An outage so costs waiting time, not chains.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from rsa.endpoint.faults import Fault, FaultKind, backoff
from rsa.endpoint.retrying import Waiting
from rsa.errors import EndpointUnreachable

__all__ = ["Circuit"]

_OPENS_AFTER = 10  # failed attempts in a row
_LONGEST_INTERVAL = 5.0
_FAILURES = frozenset({FaultKind.RETRY, FaultKind.TIMEOUT, FaultKind.UNREACHABLE})


class Circuit:
    """Opens after failures, closes after a successful probe.

    `probe` sends something tiny and raises a `Fault` if it is not answered. `patience` is how many seconds the circuit may
    stay open, and for how long the server may turn every call away. `working` says whether it works on a call of ours at
    present: then it is there, only full.
    """

    def __init__(
        self,
        patience: float,
        probe: Callable[[], Coroutine[Any, Any, None]],
        waiting: Waiting,
        working: Callable[[], bool] = lambda: False,
    ) -> None:
        self._patience = patience
        self._probe = probe
        self._waiting = waiting
        self._working = working
        self._turn = asyncio.Lock()
        self._failed_in_row = 0
        self._open_since: float | None = None
        self._busy_since: float | None = None
        self._seconds_open = 0.0

    @property
    def open(self) -> bool:
        """Whether calls wait at present."""
        return self._open_since is not None

    @property
    def seconds_open(self) -> float:
        """For how long calls have waited in all."""
        return self._seconds_open + (0.0 if self._open_since is None else time.monotonic() - self._open_since)

    def succeeded(self) -> None:
        """The server answered, even if with a refusal."""
        self._seconds_open = self.seconds_open
        self._open_since = self._busy_since = None
        self._failed_in_row = 0

    def failed(self, fault: Fault) -> None:
        """Take a failed attempt. Raises `EndpointUnreachable` where the patience is at its end."""
        now = time.monotonic()
        if fault.kind is FaultKind.BUSY:
            self._busy_since = now if self._working() else self._busy_since or now
            if now - self._busy_since >= self._patience:
                raise EndpointUnreachable(f"{fault.message}; every call was turned away for {self._patience:g} s")
        elif fault.kind not in _FAILURES or fault.blank:
            self.succeeded()
        else:
            self._failed_in_row += 1
            if self._open_since is None and (fault.kind is FaultKind.UNREACHABLE or self._failed_in_row >= _OPENS_AFTER):
                self._open_since = now

    async def closed(self) -> None:
        """Return when calls may be sent; whoever comes first probes for all.

        Raises `EndpointUnreachable` when the server was gone for longer than the patience, `CallAbandoned` when nobody
        wants to wait any more.
        """
        while self.open:
            async with self._turn:
                attempt = 0
                while self.open:
                    attempt += 1
                    await self._probe_once(attempt)

    async def _probe_once(self, attempt: int) -> None:
        self._waiting.check()
        try:
            await self._waiting.unless_over(self._probe())
        except Fault as fault:
            self.failed(fault)
            if self._open_since is None:
                return
            if fault.status and self._working():
                self._seconds_open, self._open_since = self.seconds_open, time.monotonic()
            gone = time.monotonic() - self._open_since
            if gone >= self._patience:
                message = f"{fault.message}; no answer for {self._patience:g} s: is the server running?"
                raise EndpointUnreachable(message) from None
            await self._waiting.sleep(min(backoff(attempt, 1.0, fault.wait), _LONGEST_INTERVAL, self._patience - gone))
        else:
            self.succeeded()
