"""How many calls may be in flight: as many as make the server faster, and no more.

The rule is additive increase, multiplicative decrease, as in TCP. A round is as many replies as the limit allows calls.
After a round that used the limit up, the limit grows, doubling at first, as long as throughput (new tokens a second) grows
with it; where it does not, the limit goes back and holds for some rounds. A call that is turned away (429, 503) or runs into
its time limit halves it. A server that shows its queue (vLLM's `/metrics`) is followed instead: grow while nothing waits
there, shrink when more waits than half of what runs.

Pure: time is told, nothing is sent. `rsa.endpoint.gate` enforces the limit.
"""

import math
from dataclasses import dataclass

__all__ = ["Adaptive", "Load"]

_START = 32
_STEPS = 32  # from nothing to the ceiling
_GAIN = 0.2  # of what a proportional growth of throughput would be
_HELD_ROUNDS = 8
_QUEUE = 0.5  # of what runs: a shorter one leaves gaps while replies and new calls are on their way
_SHORTEST_QUEUE = 4
_CROWDED_LOOKS = 3
_FULL = 0.9  # of the cache
_USED = 0.75  # of the limit: chains also spend time outside their calls


@dataclass(frozen=True, slots=True)
class Load:
    """What a server tells of itself: sequences that run and that wait, and the used share of its KV cache."""

    running: int
    waiting: int
    cache: float = 0.0


@dataclass(slots=True)
class _Round:
    began: float
    replies: int = 0
    tokens: int = 0
    used: bool = False


class Adaptive:
    """The limit, which never exceeds `ceiling`; where it is `steady`, it never moves."""

    def __init__(self, ceiling: int, start: int = _START, *, steady: bool = False) -> None:
        self.ceiling = ceiling
        self.limit = min(start, ceiling)
        self.steady = steady
        self._step = max(1, ceiling // _STEPS)
        self._doubling = True
        self._round: _Round | None = None
        self._before: tuple[int, float] | None = None
        self._held = 0
        self._shrunk = -math.inf
        self._led = False
        self._crowded = 0

    @classmethod
    def fixed(cls, limit: int) -> "Adaptive":
        """A limit that never moves."""
        return cls(limit, limit, steady=True)

    def replied(self, tokens: int, in_flight: int, sent: float, now: float) -> None:
        """Take a reply of so many new tokens to a call sent at a time. `in_flight` counts it too, times are in seconds."""
        if self.steady or self._led:
            return
        this = self._round or _Round(sent)  # the first calls start together, so they are timed from there
        self._round = this
        this.replies += 1
        this.tokens += tokens
        this.used = this.used or in_flight >= _USED * self.limit
        if this.replies >= self.limit and now > this.began:
            self._round = _Round(now)
            if this.used:
                self._judge(this.tokens / (now - this.began))

    def _judge(self, rate: float) -> None:
        """Decide after a round that used the limit up."""
        if self._held:
            self._held -= 1
            self._before = None if self._held else (self.limit, rate)
        if self._held:
            return
        if self._before and self.limit > self._before[0]:
            limit, before = self._before
            if rate < before * (1 + _GAIN * (self.limit / limit - 1)):
                self.limit, self._before, self._doubling, self._held = limit, None, False, _HELD_ROUNDS
                return
        self._before = (self.limit, rate)
        self._grow()

    def _grow(self) -> None:
        self.limit = min(self.ceiling, self.limit * 2 if self._doubling else self.limit + self._step)

    def turned_away(self, sent: float, now: float) -> None:
        """Take an attempt, sent at a time, that the server had no room for. A burst of them counts once."""
        if self.steady or sent < self._shrunk:
            return
        self._shrink(self.limit // 2, now)

    def _shrink(self, limit: int, now: float) -> None:
        self.limit = max(1, limit)
        self._doubling = False
        self._round = self._before = None
        self._held = 0
        self._shrunk = now

    def unseen(self) -> None:
        """The server does not show its queue any more: go by throughput again."""
        self._led = False
        self._round = self._before = None

    def observed(self, load: Load, in_flight: int, now: float) -> None:
        """Take a look at the server's own queue."""
        if self.steady:
            return
        self._led = True
        room = max(_SHORTEST_QUEUE, math.floor(_QUEUE * load.running))
        draining = in_flight > self.limit  # an earlier decrease has not worked yet
        self._crowded = self._crowded + 1 if load.waiting > room and not draining else 0
        if self._crowded >= _CROWDED_LOOKS:
            self._crowded = 0
            self._shrink(max(in_flight - load.waiting + room, self.limit // 2), now)
        elif load.waiting == 0 and load.cache < _FULL and in_flight >= _USED * self.limit:
            self._grow()
