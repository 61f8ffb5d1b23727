"""Functions that may hang or run out of memory, run in processes that are killed and replaced when they do.

Workers start on demand. Each runs one call at a time in its own main thread, with a time limit from outside that no
computation can ignore, and with a limit on its memory. This contains accidents, not attacks: hostile programs go into the
sandbox.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any, Self

from pebble import ProcessExpired, ProcessFuture, ProcessPool

__all__ = ["SECONDS", "CallTimedOut", "WorkerDied", "Workers"]

SECONDS = 5.0
"""What one verdict may take."""
_GRACE = 2.0  # seconds after which a worker ends itself, should the pool not have done it
_MEMORY = 3 << 30
_CALLS = 20_000  # then a worker is replaced, so that what its libraries cache does not grow without end


class CallTimedOut(Exception):
    """A call took longer than its time limit; its process was killed."""


class WorkerDied(Exception):
    """A process died during a call, for example because it ran out of memory."""


class Workers:
    """A pool of processes. Its calls block and may come from any thread; each may take `seconds` unless it says so."""

    def __init__(self, count: int | None = None, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._count = count or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._waiting: set[ProcessFuture[Any]] = set()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def call(self, function: Callable[..., Any], *arguments: Any, seconds: float | None = None) -> Any:
        """The result of a module's function on arguments that can be pickled; whatever it raises is raised here.

        Raises `CallTimedOut` or `WorkerDied`.
        """
        limit = self._seconds if seconds is None else seconds
        future = self._schedule(function, arguments, limit)
        try:
            return future.result()
        except TimeoutError as error:
            raise CallTimedOut(f"no result within {limit:g} s") from error
        except (ProcessExpired, CancelledError, BrokenProcessPool) as error:
            raise WorkerDied("the process that worked on it died") from error
        finally:
            with self._lock:
                self._waiting.discard(future)

    def close(self) -> None:
        """End all processes; calls under way raise `WorkerDied`, and so do later ones."""
        with self._lock:
            pool, self._pool, self._closed = self._pool, None, True
        if pool:
            pool.stop()
            pool.join()
        with self._lock:
            waiting = list(self._waiting)
        for future in waiting:  # the pool forgets those that it had not begun
            future.cancel()

    def _schedule(self, function: Callable[..., Any], arguments: tuple[Any, ...], limit: float) -> "ProcessFuture[Any]":
        with self._lock:
            if self._closed:
                raise WorkerDied("the workers are closed")
            if self._pool is None:
                self._pool = ProcessPool(
                    max_workers=self._count,
                    max_tasks=_CALLS,
                    initializer=_limit_memory,
                    context=multiprocessing.get_context("spawn"),  # a fork would copy locks that threads hold
                )
            future = self._pool.schedule(_bounded, args=(limit + _GRACE, function, *arguments), timeout=limit)
            self._waiting.add(future)
            return future


def _bounded(seconds: float, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process that the system ends after so long, also when nobody is left to do it."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return function(*arguments)
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)


def _limit_memory() -> None:
    """Keep one call from taking the machine's memory; not every system has this limit."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - not there on Windows

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
