"""A reply that is read while the server writes it: server-sent events to pieces, and the pieces to a completion."""

import re
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec

from rsa.chain import Usage
from rsa.encoding import json_value
from rsa.endpoint.faults import Fault, FaultKind, read_usage, unspoilt, whole
from rsa.endpoint.types import Completion, Listener

__all__ = ["Attentive", "Passed", "pass_events", "read_stream"]

PieceP = ParamSpec("PieceP")
_END = "[DONE]"
_LONGEST_LINE = 64 << 20  # bytes; no event of a chat is near it
_LONGEST_TOLD = 500
_FINISHED = re.compile(r'"finish_reason"\s*:\s*"')  # in a text its quotation marks would be escaped


class Attentive(Generic[PieceP]):
    """A listener that remembers whether it was told anything: what was passed on cannot be taken back."""

    def __init__(self, listener: Callable[PieceP, None]) -> None:
        self._listener = listener
        self.heard = False

    def __call__(self, *piece: PieceP.args, **named: PieceP.kwargs) -> None:
        """Pass a piece on."""
        self.heard = True
        self._listener(*piece, **named)


async def _events(content: AsyncIterable[bytes], readable: Callable[[bytes], str]) -> AsyncGenerator[str, None]:
    """The data of each server-sent event, in order. `readable` makes a text of a line."""
    rest = b""
    async for piece in content:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise Fault(FaultKind.RETRY, "unreadable reply", "the reply is no stream of events: a line does not end")
        for line in lines:
            if line.startswith(b"data:"):
                yield readable(line[5:]).strip()
        del piece, lines  # or every stream that waits would keep what it has read last
    if rest.startswith(b"data:"):
        yield readable(rest[5:]).strip()


@dataclass(frozen=True, slots=True)
class Passed:
    """A reply that is passed on to somebody else as it came, blank if it was streamed, after so many attempts."""

    text: str
    attempts: int


@dataclass(slots=True)
class _Heard:
    text: bytearray = field(default_factory=bytearray)  # short pieces by themselves take ten times the room
    reasoning: bytearray = field(default_factory=bytearray)
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    model: str = ""

    def take(self, chunk: Any, listener: Listener) -> None:
        """Add what one chunk brings, and tell it."""
        if error := chunk.get("error"):
            told = error.get("message") if isinstance(error, dict) else error
            message = f"the reply was broken off: {unspoilt(' '.join(str(told).split()))[:_LONGEST_TOLD]}"
            raise Fault(FaultKind.RETRY, "reply broken off", message, usage=self.usage)
        self.model = str(chunk.get("model") or self.model)
        if chunk.get("usage"):
            self.usage = read_usage(chunk["usage"])
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            text = unspoilt(delta.get("content") or "")
            reasoning = unspoilt(delta.get("reasoning_content") or delta.get("reasoning") or "")
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
            if text or reasoning:
                self.text += text.encode()
                self.reasoning += reasoning.encode()
                listener(text, reasoning)

    def completion(self) -> Completion:
        """All of it together. Raises a `Fault` if it did not come to its end, or is blank."""
        if self.finish_reason is None:
            message = "the reply was broken off: its stream ended without a finish_reason"
            raise Fault(FaultKind.RETRY, "reply broken off", message, usage=self.usage)
        reasoning = self.reasoning.decode() or None
        return whole(Completion(self.text.decode(), str(self.finish_reason), reasoning, self.usage, self.model))


async def pass_events(content: AsyncIterable[bytes], readable: Callable[[bytes], str], tell: Callable[[str], None]) -> None:
    """Tell the data of each event. Raises a `Fault` where the stream is none, or broke off."""
    ended = False
    async with aclosing(_events(content, readable)) as stream:
        async for data in stream:
            ended = ended or data == _END or _FINISHED.search(data) is not None
            tell(data)
    if not ended:
        message = "the reply was broken off: its stream ended without a finish_reason"
        raise Fault(FaultKind.RETRY, "reply broken off", message)


async def read_stream(content: AsyncIterable[bytes], readable: Callable[[bytes], str], listener: Listener) -> Completion:
    """The completion that a stream of chunks makes; each piece is told to the listener as it comes.

    Raises a `Fault` for what is no such stream, and for one that was broken off or is blank.
    """
    heard = _Heard()
    async with aclosing(_events(content, readable)) as stream:
        async for data in stream:
            if data == _END:
                break
            try:
                heard.take(json_value(data), listener)
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                message = f"the reply is not a stream of chat chunks ({error!r}): {data[:_LONGEST_TOLD]}"
                raise Fault(FaultKind.RETRY, "unreadable reply", message, usage=heard.usage) from error
    return heard.completion()
