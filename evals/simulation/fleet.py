"""Replicas of a server behind our own limit on calls in flight, and a router that keeps a session where it began."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from functools import partial

from evals.simulation.replica import Call, Replica, Server, Stats
from rsa.endpoint.concurrency import Adaptive, Load
from rsa.endpoint.gate import Gate

__all__ = ["Fleet"]

_LOOK_SECONDS = 1.0


class Fleet:
    """So many replicas on the running event loop. A new session goes to the one with the fewest calls."""

    def __init__(self, server: Server, replicas: int, limit: Adaptive) -> None:
        self.gate = Gate(limit)
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._replicas = [Replica(server, self._loop) for _ in range(replicas)]
        self._homes: dict[Hashable, Replica] = {}

    async def complete(self, call: Call) -> None:
        """Return when the call is answered. Raises `UsageError` for one that fits no replica."""
        async with self.gate.place():
            if self._server.costs.call:
                await asyncio.sleep(self._server.costs.call)
            replica = self._homes.get(call.session)
            if replica is None:
                replica = self._homes[call.session] = min(self._replicas, key=lambda each: each.calls)
            answered: asyncio.Future[None] = self._loop.create_future()
            replica.submit(call, partial(_answer, answered))
            await answered

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Have the limit follow the servers' queues, for the length of the block."""

        async def watch() -> None:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                self.gate.limit.observed(self._load(), self.gate.in_flight, self.now)
                self.gate.moved()

        watching = asyncio.ensure_future(watch())
        try:
            yield
        finally:
            watching.cancel()

    def _load(self) -> Load:
        running = sum(replica.running for replica in self._replicas)
        held = sum(replica.held for replica in self._replicas) / len(self._replicas) / self._server.kv_tokens
        return Load(running, sum(replica.calls for replica in self._replicas) - running, held)

    @property
    def now(self) -> float:
        """Seconds since the clock began."""
        return self._loop.time()

    @property
    def stats(self) -> Stats:
        """What all of them did together."""
        return sum((replica.stats for replica in self._replicas), Stats())


def _answer(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():  # nobody waits any more where it was cancelled
        waiting.set_result(None)
