"""The KV cache of a server: what running sequences hold, and prompts that stay until their room is needed."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Memory", "Segment"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a prompt or a reply. Its `name` stands for its text and for all before it, so that prompts which begin alike
    have their first names in common."""

    name: Hashable
    tokens: int


@dataclass(slots=True)
class _Kept:
    tokens: int = 0
    users: int = 0


class Memory:
    """Counts tokens. What several sequences hold alike counts once; what nobody held for longest goes first, by its end."""

    def __init__(self, capacity: int, block: int) -> None:
        """`capacity` is in tokens; a cached beginning is used in whole blocks of so many tokens."""
        self.capacity = capacity
        self.held = 0
        self._block = block
        self._segments: dict[Hashable, _Kept] = {}
        self._idle: dict[Hashable, _Kept] = {}  # oldest first; a segment is never older than one that stands behind it
        self._idle_tokens = 0

    @property
    def free(self) -> int:
        """Tokens that nobody holds."""
        return self.capacity - self.held

    def take(self, segments: Sequence[Segment], spare: int = 0) -> int | None:
        """Hold the segments of a sequence; gives how many of its first tokens were there.

        None where there is no room for them with `spare` tokens left over.
        """
        found = [self._segments.get(segment.name) for segment in segments]
        new = sum(segment.tokens for segment, kept in zip(segments, found, strict=True) if not (kept and kept.users))
        if new + spare > self.free:
            return None
        hits, alike = 0, True
        for segment, kept in zip(segments, found, strict=True):
            if alike:
                hits += kept.tokens if kept else 0
                alike = kept is not None and kept.tokens == segment.tokens
            self._hold(segment)
        self.grow(new)
        return hits // self._block * self._block

    def _hold(self, segment: Segment) -> None:
        kept = self._segments.setdefault(segment.name, _Kept())
        if self._idle.pop(segment.name, None):
            self._idle_tokens -= kept.tokens
        kept.tokens = segment.tokens
        kept.users += 1

    def grow(self, tokens: int) -> None:
        """Let sequences hold so many tokens more."""
        self.held += tokens
        self._evict()

    def release(self, segments: Iterable[Segment]) -> None:
        """Let a sequence go. Its segments have the lengths that they have by now."""
        for segment in reversed(tuple(segments)):  # the end of a prompt goes first: alone it would be of no use
            kept = self._segments[segment.name]
            kept.tokens = segment.tokens
            kept.users -= 1
            if not kept.users:
                self.held -= kept.tokens
                self._idle[segment.name] = kept
                self._idle_tokens += kept.tokens

    def _evict(self) -> None:
        while (over := self.held + self._idle_tokens - self.capacity) > 0:
            name, kept = next(iter(self._idle.items()))
            gone = min(over, kept.tokens)
            kept.tokens -= gone
            self._idle_tokens -= gone
            if not kept.tokens:
                del self._idle[name], self._segments[name]
