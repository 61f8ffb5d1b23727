"""A clock for replicas without an event loop: timers in a heap, and a look at the replica after each."""

import heapq
from collections.abc import Callable, Sequence
from itertools import count

from evals.simulation.memory import Segment
from evals.simulation.replica import Call, Replica, Server


class Timer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Timer, Callable[[], object]]] = []
        self._numbers = count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], /) -> Timer:
        timer = Timer()
        heapq.heappush(self._heap, (when, next(self._numbers), timer, callback))
        return timer

    def run(self, look: Callable[[], object] = lambda: None) -> None:
        while self._heap:
            when, _, timer, callback = heapq.heappop(self._heap)
            if not timer.cancelled:
                assert when >= self.now - 1e-9
                self.now = max(self.now, when)
                callback()
                look()


def call(prompt: int, new: int, name: object = None) -> Call:
    """A call with a prompt of one segment, which calls of the same name share."""
    return Call((Segment(object() if name is None else name, prompt),), new)


def served(
    server: Server, calls: Sequence[tuple[float, Call]], look: Callable[[Replica], object] = lambda _: None
) -> tuple[list[float], Replica]:
    """When each call that is sent at a time is done."""
    clock = Clock()
    replica = Replica(server, clock)
    ends = [0.0] * len(calls)

    def submit(number: int) -> None:
        def done() -> None:
            assert not ends[number], "it is done once"
            ends[number] = clock.time()

        replica.submit(calls[number][1], done)

    for number, (when, _) in enumerate(calls):
        clock.call_at(when, lambda number=number: submit(number))
    clock.run(lambda: look(replica))
    return ends, replica
