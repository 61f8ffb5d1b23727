"""An event loop whose clock jumps to the next timer, so that hours pass in as long as it takes to compute them."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["Jumps", "run_virtually"]

T = TypeVar("T")


class Jumps(selectors.DefaultSelector):
    """Where a loop would wait for its next timer, the time is come at once. `now` is in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """What happened in the meantime: nothing."""
        if timeout is None:
            raise RuntimeError("nothing is left that could happen in virtual time")
        self.now += max(0.0, timeout)
        return []


def run_virtually(work: Coroutine[Any, Any, T], jumps: type[Jumps] = Jumps) -> T:
    """Run a coroutine as `asyncio.run` does, in virtual time that begins at 0. By default it must wait for timers only."""
    with asyncio.Runner(loop_factory=lambda: _VirtualLoop(jumps())) as runner:
        return runner.run(work)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, jumps: Jumps) -> None:
        self._jumps = jumps
        super().__init__(jumps)

    def time(self) -> float:
        return self._jumps.now
