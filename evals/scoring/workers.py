"""Functions that may hang or run out of memory, run in processes that are killed and replaced when they do.

Workers start on demand. Each runs one call at a time in its own main thread, with a time limit from outside that no
computation can ignore, and with a limit on its memory. What it prints goes to standard error, and what it starts ends with
the workers. This contains accidents, not attacks: hostile programs go into the sandbox.
"""

import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import SpawnContext
from multiprocessing.reduction import ForkingPickler
from multiprocessing.synchronize import RLock
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
    """A process died during a call, for example because it ran out of memory, or the call gave nothing to send back."""


class Workers:
    """A pool of processes. Its calls block and may come from any thread; each may take `seconds` unless it says so."""

    def __init__(self, count: int | None = None, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._count = count or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._family: _Family | None = None
        self._waiting: set[ProcessFuture[Any]] = set()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def call(self, function: Callable[..., Any], *arguments: Any, seconds: float | None = None) -> Any:
        """The result of a module's function on arguments that can be pickled; an `Exception` that it raises is raised here.

        Raises `CallTimedOut` or `WorkerDied`, the latter also for what ends a program, such as `SystemExit`, and for
        results and exceptions that cannot be pickled.
        """
        limit = self._seconds if seconds is None else seconds
        future = self._schedule(function, arguments, limit)
        try:
            outcome = future.result()
        except TimeoutError as error:
            raise CallTimedOut(f"no result within {limit:g} s") from error
        except (ProcessExpired, CancelledError, BrokenProcessPool) as error:
            raise WorkerDied("the process that worked on it died") from error
        finally:
            with self._lock:
                self._waiting.discard(future)
        return _unpacked(outcome)

    def close(self) -> None:
        """End all processes and what they started; calls under way raise `WorkerDied`, and so do later ones."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
            family, self._family = self._family, None
            waiting = list(self._waiting)
        _end(pool, family, waiting)

    def _schedule(self, function: Callable[..., Any], arguments: tuple[Any, ...], limit: float) -> "ProcessFuture[Any]":
        with self._lock:
            if self._closed:
                raise WorkerDied("the workers are closed")
            future = self._running().schedule(_bounded, args=(limit + _GRACE, function, *arguments), timeout=limit)
            self._waiting.add(future)
            return future

    def _running(self) -> ProcessPool:
        if self._pool is not None and not self._pool.active:  # it breaks when a process dies that has nothing to do
            _end(self._pool, self._family, list(self._waiting))
            self._pool = None
        if self._pool is None:
            self._family = _Family()
            self._pool = ProcessPool(
                max_workers=self._count,
                max_tasks=_CALLS,
                initializer=_prepare,
                initargs=(self._family.number,),
                context=_Spawning(),
            )
        return self._pool


class _Spawning(SpawnContext):
    """Spawns the workers, for a fork would copy locks that threads hold, and keeps their locks as long as the pool.

    The pool itself drops them before it ends the workers, and one that is only starting would miss them, with a traceback.
    """

    def __init__(self) -> None:
        super().__init__()
        self._locks: list[RLock] = []

    def RLock(self) -> RLock:  # noqa: N802 - the standard library's name
        self._locks.append(super().RLock())
        return self._locks[-1]


class _Family:
    """A process group for workers and whatever they start, with which it ends: in `end`, or when our own process dies.

    Its first member only waits for that. Nobody collects its exit status before `end`, so that the group's number cannot
    become another's. `number` is 0 on systems without process groups.
    """

    _WAIT = "import os, signal, sys; sys.stdin.read(); os.killpg(0, signal.SIGKILL)"

    def __init__(self) -> None:
        self._first: subprocess.Popen[bytes] | None = None
        if sys.platform != "win32":
            self._first = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", self._WAIT],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                process_group=0,
            )
        self.number = self._first.pid if self._first else 0

    def end(self) -> None:
        """Kill every member."""
        if sys.platform != "win32" and self._first:
            os.killpg(self.number, signal.SIGKILL)
            self._first.communicate()


def _end(pool: ProcessPool | None, family: _Family | None, waiting: list["ProcessFuture[Any]"]) -> None:
    if pool:
        pool.stop()
        pool.join()
    if family:
        family.end()
    for future in waiting:  # the pool forgets those that it had not begun
        future.cancel()


def _bounded(seconds: float, function: Callable[..., Any], *arguments: Any) -> bytes:
    """Call a function in a process that the system ends after so long, also when nobody is left to do it."""
    own = os.getpid()
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return _packed(function, arguments)
    finally:
        if os.getpid() != own:  # a fork that the function made: it would answer a second time, and take calls
            os._exit(0)
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)


def _packed(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    """What a function returns or raises, as bytes: the pool breaks on objects that it cannot read."""
    try:
        try:
            outcome = True, function(*arguments)
        except Exception as error:  # noqa: BLE001 - it is raised again on the other side
            error.add_note(traceback.format_exc())
            outcome = False, error
        return bytes(ForkingPickler.dumps(outcome))
    except BaseException as error:  # noqa: BLE001 - SystemExit and the like must not end the program that asked
        died = WorkerDied(f"the call gave nothing that can be sent back: {type(error).__name__}")
        return bytes(ForkingPickler.dumps((False, died)))


def _unpacked(outcome: bytes) -> Any:
    try:
        returned, result = ForkingPickler.loads(outcome)
    except Exception as error:  # an exception may raise anything while it is made anew
        raise WorkerDied(f"what the call gave cannot be read: {type(error).__name__}") from error
    if returned:
        return result
    raise result


def _prepare(family: int) -> None:
    """Keep a worker off our standard output and, where the system can, from outliving us and from taking all memory."""
    os.dup2(2, 1)
    sys.stdout = sys.stderr  # which shows each line at once
    if sys.platform != "win32":
        os.setpgid(0, family)
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - not there on Windows

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = _MEMORY if hard == resource.RLIM_INFINITY else min(_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
