"""Virtual time with real sockets: the clock stands still while anybody computes, and jumps when all wait for it.

The clients and the servers of a benchmark stand in one process and talk over the loopback device. How busy the machine is
then makes no difference to what is measured, and hours can pass in seconds. What it leaves out is the time that programs
themselves take.
"""

import asyncio
import os
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine as `asyncio.run` does, from time 0. It must not wait for threads or other processes."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(work)


class _Jumps(selectors.DefaultSelector):
    """Where a loop would wait for its next timer, and no socket has anything to read, the time is come at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events and timeout != 0:
            os.sched_yield()  # to the kernel, which may still have bytes on their way
            events = super().select(0 if timeout is not None else None)
            self.now += 0 if events else max(0.0, timeout or 0.0)
        return events


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        return self._jumps.now
