"""Work that goes on beside the reply about it, and ends at once when the client goes away."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.types import Receive

__all__ = ["Feed", "Gone", "gone", "while_connected"]

EventT = TypeVar("EventT")
ValueT = TypeVar("ValueT")


class Gone(Exception):
    """The client went away."""


async def gone(receive: Receive) -> None:
    """Return when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_connected(request: Request, work: Coroutine[Any, Any, ValueT]) -> ValueT:
    """What the work gives. Where the client goes away first it is cancelled, waited for, and `Gone` raised."""
    task, watch = asyncio.ensure_future(work), asyncio.ensure_future(gone(request.receive))
    try:
        await asyncio.wait([task, watch], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Gone
    finally:
        await _ended(task, watch)


async def _ended(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Feed(Generic[EventT]):
    """Work in a task of its own, and the events that it tells, in order."""

    def __init__(self, work: Callable[[Callable[[EventT], None]], Coroutine[Any, Any, None]]) -> None:
        self._events: asyncio.Queue[EventT | None] = asyncio.Queue()
        self._task = asyncio.ensure_future(work(self._events.put_nowait))
        self._task.add_done_callback(lambda _: self._events.put_nowait(None))
        self._ahead: EventT | None = None

    async def first(self, seconds: float) -> None:
        """Wait for the first event, but no longer than so many seconds. Raises what the work raises before any."""
        with suppress(TimeoutError):
            self._ahead = await self.next(seconds)

    async def next(self, seconds: float) -> EventT | None:
        """The next event; None after the last. Raises `TimeoutError` if there is none in time, and what the work raises."""
        event, self._ahead = self._ahead, None
        if event is not None:
            return event
        async with asyncio.timeout(seconds):
            event = await self._events.get()
        if event is None:
            await self._task
        return event

    async def close(self) -> None:
        """End the work, if it has not ended."""
        await _ended(self._task)
