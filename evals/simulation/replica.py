"""One model server as vLLM works: continuous batching, prompts in chunks, a KV budget, preemption, a prefix cache.

Sequences wait first come, first served, and begin where a place is free and their prompt fits the KV cache whole. Every
step makes one token of each running sequence and computes prompt tokens with what is left of `batched_tokens`. Where the
next step finds no room, the sequence that began last goes back to the head of the line, and is computed again, except for
what the prefix cache still has of it. Time goes from event to event: as many steps at once as nothing can happen between.
"""

import heapq
from asyncio import TimerHandle
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields
from typing import Protocol

from evals.simulation.costs import StepCosts
from evals.simulation.memory import Memory, Segment
from rsa.errors import UsageError

__all__ = ["Call", "Clock", "Replica", "Server", "Stats"]


class Clock(Protocol):
    """What of an event loop is needed."""

    def time(self) -> float:
        """Seconds."""

    def call_at(self, when: float, callback: Callable[[], object], /) -> TimerHandle:
        """Have a function called at that time."""


@dataclass(frozen=True, slots=True)
class Server:
    """One replica: its room and its speed. `kv_tokens` is how many tokens its KV cache holds, `sequences` how many run at
    a time, `batched_tokens` how many tokens a step computes at most, `block` the tokens of a block of the prefix cache."""

    kv_tokens: int
    costs: StepCosts
    sequences: int = 1024
    batched_tokens: int = 8192
    block: int = 16


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its prompt, how many tokens its reply has, and the session by which replicas are chosen."""

    prompt: tuple[Segment, ...]
    new: int
    session: Hashable = None

    @property
    def prompt_tokens(self) -> int:
        """The prompt's length."""
        return sum(segment.tokens for segment in self.prompt)


@dataclass(slots=True)
class Stats:
    """What replicas did. `running` and `held` are sequences and KV tokens times seconds; `recomputed` are the tokens that
    preemptions made necessary again."""

    steps: int = 0
    busy: float = 0.0
    running: float = 0.0
    held: float = 0.0
    prompt: int = 0
    cached: int = 0
    new: int = 0
    preemptions: int = 0
    recomputed: int = 0

    def __add__(self, other: "Stats") -> "Stats":
        return Stats(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(slots=True, eq=False)
class _Sequence:
    call: Call
    done: Callable[[], object]
    made: int = 0  # tokens, as of when it last ran
    preempted: bool = False
    unread: int = 0  # tokens to compute before it makes one
    ends: int = -1  # the step after which it has all its tokens; -1 while it makes none
    reply: object = field(default_factory=object)  # the name of what it makes

    @property
    def total(self) -> int:
        return self.call.prompt_tokens + self.made

    @property
    def segments(self) -> tuple[Segment, ...]:
        return (*self.call.prompt, Segment(self.reply, self.made))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Steps under way: when they began, how many they are, and the prompt tokens that are computed in them."""

    began: float
    steps: int
    seconds: float
    chunks: tuple[tuple[_Sequence, int], ...]
    timer: TimerHandle


@dataclass(slots=True)
class _Decoding:
    """The sequences that make tokens, by the step in which they end."""

    count: int = 0
    context: int = 0
    ends: list[tuple[int, int, _Sequence]] = field(default_factory=list)
    _pushed: int = 0

    def add(self, sequence: _Sequence) -> None:
        self.count += 1
        self.context += sequence.total
        self._pushed += 1
        heapq.heappush(self.ends, (sequence.ends, self._pushed, sequence))

    def remove(self, sequence: _Sequence) -> None:
        """Take one out, whose `made` is known; its entry in the heap is passed over later."""
        self.count -= 1
        self.context -= sequence.total
        sequence.ends = -1

    def first(self) -> tuple[int, _Sequence] | None:
        while self.ends and self.ends[0][2].ends != self.ends[0][0]:
            heapq.heappop(self.ends)
        return (self.ends[0][0], self.ends[0][2]) if self.ends else None


class Replica:
    """Takes calls and says when each is done."""

    def __init__(self, server: Server, clock: Clock) -> None:
        self.stats = Stats()
        self._server = server
        self._clock = clock
        self._memory = Memory(server.kv_tokens, server.block)
        self._waiting: deque[_Sequence] = deque()
        self._running: dict[_Sequence, None] = {}  # in the order in which they began
        self._reading: deque[_Sequence] = deque()
        self._unread = 0
        self._decoding = _Decoding()
        self._stretch: _Stretch | None = None

    @property
    def calls(self) -> int:
        """How many it has."""
        return len(self._waiting) + len(self._running)

    @property
    def running(self) -> int:
        """How many have begun."""
        return len(self._running)

    @property
    def held(self) -> int:
        """Tokens of KV cache that are in use."""
        return self._memory.held

    def submit(self, call: Call, done: Callable[[], object]) -> None:
        """Take a call of at least one prompt and one new token. Raises `UsageError` for one that never finds room."""
        if call.prompt_tokens + call.new > self._server.kv_tokens:
            raise UsageError(
                f"a chain with {call.prompt_tokens:,} prompt and {call.new:,} new tokens does not fit the KV cache of a "
                f"replica, {self._server.kv_tokens:,} tokens: lower --max-tokens or --k, or give a replica more memory"
            )
        first_in_line = not self._waiting
        self._waiting.append(_Sequence(call, done))
        if self._stretch is None:
            self._begin(self._clock.time())
        elif first_in_line and len(self._running) < self._server.sequences and self._stretch.steps > 1:
            self._shorten(self._stretch)

    def _shorten(self, stretch: _Stretch) -> None:
        """Have the steps end with the one that is under way now."""
        costs, decoding = self._server.costs, self._decoding
        steps = costs.steps_by(self._clock.time() - stretch.began, decoding.count, decoding.context)
        if steps < stretch.steps:
            stretch.timer.cancel()
            self._start(stretch.began, steps, costs.decoding(steps, decoding.count, decoding.context), ())

    def _begin(self, now: float) -> None:
        """Start what comes next, if there is anything."""
        self._stretch = None
        if not self._make_room():
            self._admit()
        decoding, costs = self._decoding, self._server.costs
        if self._reading:
            chunks = self._chunks()
            tokens = sum(chunk for _, chunk in chunks)
            pairs = sum(chunk * (each.total - each.unread + chunk / 2) for each, chunk in chunks)
            seconds = costs.decoding(1, decoding.count, decoding.context) + costs.reading(tokens, pairs)
            self._start(now, 1, seconds, chunks)
        elif first := decoding.first():
            steps = min(first[0] - self.stats.steps, self._memory.free // decoding.count)
            self._start(now, steps, costs.decoding(steps, decoding.count, decoding.context), ())

    def _start(self, began: float, steps: int, seconds: float, chunks: tuple[tuple[_Sequence, int], ...]) -> None:
        timer = self._clock.call_at(max(began + seconds, self._clock.time()), self._end)
        self._stretch = _Stretch(began, steps, seconds, chunks, timer)

    def _end(self) -> None:
        stretch, decoding = self._stretch, self._decoding
        if stretch is None:
            return
        self._count(stretch)
        self._memory.grow(stretch.steps * decoding.count)
        decoding.context += stretch.steps * decoding.count
        for sequence, chunk in stretch.chunks:
            sequence.unread -= chunk
            self._unread -= chunk
            if not sequence.unread:
                self._reading.popleft()
                self._first_token(sequence)
        finished: list[_Sequence] = []
        while (first := decoding.first()) and first[0] <= self.stats.steps:
            finished.append(first[1])
            self._finish(first[1])
        self._begin(stretch.began + stretch.seconds)
        for sequence in finished:
            sequence.done()

    def _count(self, stretch: _Stretch) -> None:
        self.stats.steps += stretch.steps
        self.stats.busy += stretch.seconds
        self.stats.running += stretch.seconds * len(self._running)
        self.stats.held += stretch.seconds * (self._memory.held + stretch.steps * self._decoding.count / 2)

    def _first_token(self, sequence: _Sequence) -> None:
        """The step that ends a prompt makes a token."""
        sequence.made += 1
        self._memory.grow(1)
        sequence.ends = self.stats.steps + sequence.call.new - sequence.made
        self._decoding.add(sequence)

    def _finish(self, sequence: _Sequence) -> None:
        sequence.made = sequence.call.new
        self._decoding.remove(sequence)
        self._leave(sequence)
        self.stats.new += sequence.made

    def _leave(self, sequence: _Sequence) -> None:
        del self._running[sequence]
        self._memory.release(sequence.segments)

    def _make_room(self) -> bool:
        """Whether sequences had to go, because the next step finds no room for a token of each."""
        preempted = False
        while self._memory.free < len(self._running):
            sequence = next(reversed(self._running))
            if sequence.ends >= 0:
                sequence.made = sequence.call.new - (sequence.ends - self.stats.steps)
                self._decoding.remove(sequence)
            else:
                self._reading.pop()
                self._unread -= sequence.unread
            self._leave(sequence)
            self._waiting.appendleft(sequence)
            self.stats.preemptions += 1
            sequence.preempted = preempted = True
        return preempted

    def _admit(self) -> None:
        """Begin with those in line as far as there are places, room, and tokens in the next step."""
        while self._waiting and len(self._running) < self._server.sequences and self._unread < self._budget:
            sequence = self._waiting[0]
            hits = self._memory.take(sequence.segments, spare=len(self._running) + 1)  # a token for each in the next step
            if hits is None:
                return
            self._waiting.popleft()
            self._running[sequence] = None
            sequence.unread = max(1, sequence.total - hits)
            if sequence.preempted:
                self.stats.recomputed += sequence.unread
            else:
                self.stats.prompt += sequence.total
                self.stats.cached += sequence.total - sequence.unread
            self._reading.append(sequence)
            self._unread += sequence.unread

    @property
    def _budget(self) -> int:
        """Prompt tokens that the next step can compute."""
        return max(1, self._server.batched_tokens - self._decoding.count)

    def _chunks(self) -> tuple[tuple[_Sequence, int], ...]:
        left, chunks = self._budget, []
        for sequence in self._reading:
            chunk = min(left, sequence.unread)
            if not chunk:
                break
            chunks.append((sequence, chunk))
            left -= chunk
        return tuple(chunks)
