"""Virtual time with real sockets: the clock stands still while anybody computes, and jumps when all wait for it.

The clients and the servers of a benchmark stand in one process and talk over the loopback device. How busy the machine is
then makes no difference to what is measured, and hours can pass in seconds. What it leaves out is the time that programs
themselves take.
"""

import os
import selectors

from evals.simulation.clock import Jumps


class SocketJumps(Jumps):
    """The time comes when no socket has anything to read. Nothing may wait for threads or other processes."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = selectors.DefaultSelector.select(self, 0)
        if not events and timeout != 0:
            os.sched_yield()  # to the kernel, which may still have bytes on their way
            events = selectors.DefaultSelector.select(self, 0 if timeout is not None else None)
            self.now += 0 if events else max(0.0, timeout or 0.0)
        return events
