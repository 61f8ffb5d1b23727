"""Sends a call again until it succeeds or is given up, and waits while the server is gone."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rsa.endpoint.circuit import Circuit
from rsa.endpoint.faults import Fault, FaultKind
from rsa.endpoint.retrying import Spent, Waiting
from rsa.errors import CallFailed, ContextOverflow, EndpointRefused, EndpointUnreachable

__all__ = ["Persistence"]

_BROKEN_AFTER = 10  # so many calls, each with all its retries: that is the server, not the prompts
_TOO_SLOW = 504
ValueT = TypeVar("ValueT")


class Persistence:
    """The same for all calls to a server. `faults` counts the failed attempts by what they were, `again` those beyond the
    first of a call; `where` is the server's address in messages.
    """

    def __init__(self, where: str, retries: int, circuit: Circuit, waiting: Waiting) -> None:
        self.faults: Counter[str] = Counter()
        self.again = 0
        self._where = where
        self._retries = retries
        self._circuit = circuit
        self._waiting = waiting
        self._failed_in_row = 0

    async def __call__(
        self,
        attempt: Callable[[Spent], Awaitable[ValueT]],
        jitter_seed: int,
        on_fault: Callable[[Fault], Awaitable[None]],
        over: Callable[[], bool],
    ) -> ValueT:
        """What an attempt gives in the end; it is told what the call has cost until then.

        `on_fault` may change what kind a fault is of before it counts; once `over()` there is no further attempt. Raises
        what `Client.complete` does.
        """
        spent = Spent()
        while True:
            await self.closed()
            spent.attempts += 1
            self.again += spent.attempts > 1
            try:
                value = await attempt(spent)
            except Fault as fault:
                await on_fault(fault)
                self.note(fault)
                spent.take(fault)
                self._give_up(fault, spent, over=over())
                if not self._circuit.open:
                    await self._waiting.before_next(jitter_seed, spent.attempts, fault)
            else:
                self._failed_in_row = 0
                self._circuit.succeeded()
                return value

    async def closed(self) -> None:
        """Wait while the server is gone. Raises `EndpointUnreachable` where the patience is at its end."""
        with self._located():
            await self._circuit.closed()

    def note(self, fault: Fault) -> None:
        """Count a failed attempt. Raises `EndpointUnreachable` where the patience is at its end."""
        self.faults[fault.label] += 1
        with self._located():
            self._circuit.failed(fault)

    @contextmanager
    def _located(self) -> Iterator[None]:
        """Say of which endpoint the circuit's patience is at its end."""
        try:
            yield
        except EndpointUnreachable as error:
            raise EndpointUnreachable(f"{self._where}: {error}") from None

    def _give_up(self, fault: Fault, spent: Spent, *, over: bool) -> None:
        """Raise what the fault comes to, unless another attempt is worth it."""
        where = f"{self._where}: {fault.message}"
        status = _TOO_SLOW if fault.kind is FaultKind.TIMEOUT else fault.status
        if fault.kind is FaultKind.CONTEXT:
            raise ContextOverflow(where, spent.attempts, spent.usage, status)
        if fault.kind is FaultKind.PROMPT:
            raise CallFailed(f"{where} (other prompts are accepted)", spent.attempts, spent.usage, status)
        if fault.kind is FaultKind.REFUSED:
            raise EndpointRefused(where, status)
        if over or spent.used_up(self._retries):
            self._failed_in_row += 1
            if self._failed_in_row >= _BROKEN_AFTER:
                raise EndpointUnreachable(f"{where}; {self._failed_in_row} calls in a row failed for good, none succeeded")
            raise CallFailed(f"{where} (tried {spent.attempts} times)", spent.attempts, spent.usage, status)
