"""A coroutine run to its end from synchronous code; also inside a running event loop, as in a notebook."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, TypeVar

__all__ = ["run_anywhere"]

_GLANCE_SECONDS = 0.2
ValueT = TypeVar("ValueT")


def run_anywhere(work: Coroutine[Any, Any, ValueT]) -> ValueT:
    """Run a coroutine to its end; in a thread with a loop of its own where this thread runs a loop already."""
    try:
        caller = asyncio.current_task()
    except RuntimeError:
        return asyncio.run(work)
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[ValueT]]] = Future()

    async def supervised() -> ValueT:
        task = asyncio.ensure_future(work)
        started.set_result((asyncio.get_running_loop(), task))
        return await task

    with ThreadPoolExecutor(max_workers=1) as pool:
        outcome = pool.submit(asyncio.run, supervised())
        try:
            return _awaited(outcome, caller)
        except (KeyboardInterrupt, asyncio.CancelledError):
            loop, task = started.result()
            with suppress(RuntimeError):  # the loop is closed: it is the work itself that ended so
                loop.call_soon_threadsafe(task.cancel)
            raise


def _awaited(outcome: Future[ValueT], caller: asyncio.Task[Any] | None) -> ValueT:
    """The outcome. A Ctrl-C that asyncio takes for itself only cancels the caller, which cannot act on it while it waits."""
    before = caller.cancelling() if caller else 0
    while not wait([outcome], _GLANCE_SECONDS).done:
        if caller and caller.cancelling() > before:
            raise asyncio.CancelledError
    return outcome.result()
