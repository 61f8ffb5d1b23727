"""Prompts that are too long for the context window: what becomes of their candidates, by rule.

| rule | what is done | what the chain records |
|---|---|---|
| `fail` | nothing: the chain is dead, and its error has the numbers | |
| `shrink_k` | candidates are left out from the end of the line, down to one | `wanted`, `shown`: how many |
| `tail` | candidates are cut to their ends, all to the same length; those that are shorter stay whole | `kept` |
| `summarize` | those that `tail` would cut are condensed by the model; what is still too long is cut | `summaries`, `kept` |

`kept` lists how many characters of each candidate (or of its summary) are shown, and `summaries` the summary of each, None
where the candidate itself is shown: it was short enough, or there was no summary of it. `failed` lists the candidates, by
their index, whose summary was a call that failed for good; it is left out where there are none. With the texts of its
parents that is enough to write the prompt again (`shown`).

`shrink_k` cannot help a prompt with one candidate, such as a refinement or a judgement, and no rule helps where the question
alone is too long: those chains are dead. No prompt shows less of a candidate than its last character.

Nothing here knows of a server. Lengths are measured by whoever is asked for them, and a rule's result has been measured.
"""

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from rsa.endpoint import Messages, most_tokens
from rsa.tokens import TokenCounter, surely_fits

__all__ = ["CUT_MARK", "OVERFLOWS", "Draft", "Fitted", "Room", "Unfit", "common_length", "ending", "fit", "shown"]

CUT_MARK = "[... the beginning is left out ...]\n"
"""Stands before a candidate that was cut."""

_MOST_COUNTS = 6  # a prompt that fits is good enough after so many
_INTERPOLATED = 3  # so often the next length is estimated from the last counts; then it is halved
_WELL_FILLED = 10  # a prompt is long enough if it leaves less than this part of the candidates' room free
_REACH = 160  # characters that are given up at most to begin with a whole line or word
_INSIDE = frozenset({"Mn", "Mc", "Me", "Cf", "Cs"})  # what belongs to the character before


async def _no_summary(_index: int) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Draft:
    """A prompt that is still to be fitted: its candidates in prompt order, and how a prompt is written that shows some.

    `condense` gives the summary of one candidate, by its index: blank if it is no use, None if the call for it failed. Only
    `summarize` asks for it.
    """

    candidates: Sequence[str]
    write: Callable[[Sequence[str]], Messages]
    condense: Callable[[int], Coroutine[Any, Any, str | None]] = _no_summary


@dataclass(frozen=True, slots=True)
class Room:
    """How long a prompt may be, and who measures it. `count` may say None in passing."""

    size: int
    count: TokenCounter

    async def measured(self, messages: Messages) -> int:
        """The length of a prompt; where nobody says it, a bound that it cannot exceed."""
        count = await self.count(messages)
        return most_tokens(messages) if count is None else count


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits. It shows the first `shown` candidates; `overflow` is what the chain records of it."""

    messages: Messages
    shown: int
    overflow: Mapping[str, Any] | None = None


class Unfit(Exception):
    """No prompt that the rule allows fits. `size` is the length of the shortest that was measured."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


async def fit(rule: str, draft: Draft, room: Room) -> Fitted:
    """The prompt of a draft, shortened by a rule where it does not fit. Raises `Unfit` if that does not help.

    A prompt whose length nobody can say now is left as it is: whether it fits is then for the server to say.
    """
    messages = draft.write(draft.candidates)
    whole = Fitted(messages, len(draft.candidates))
    if surely_fits(messages, room.size):
        return whole
    size = await room.count(messages)
    if size is None or size <= room.size:
        return whole
    if not draft.candidates:
        raise Unfit(size)
    return await OVERFLOWS[rule](draft, room, size)


def shown(candidates: Sequence[str], overflow: Mapping[str, Any] | None) -> list[str]:
    """What a prompt shows of its candidates, by what its chain recorded. The candidates are those that it shows at all."""
    if overflow is None or overflow["rule"] == "shrink_k":
        return list(candidates)
    bodies = [candidate.rstrip() for candidate in candidates]
    summaries = overflow.get("summaries", [None] * len(bodies))
    texts = [body if summary is None else summary for body, summary in zip(bodies, summaries, strict=True)]
    return _cut(texts, overflow.get("kept", map(len, texts)))


def ending(text: str, length: int) -> str:
    """The end of a text, at most so many characters (at least 1): from the start of a line or a word if one is near."""
    start = len(text) - length
    if start <= 0:
        return text
    near = start + min(_REACH, length // 16)
    for boundary in ("\n", " "):
        found = text.find(boundary, start - 1, near)
        if found >= 0:
            return text[found + 1 :]
    last = min(start + _REACH, len(text) - 1)
    while start < last and unicodedata.category(text[start]) in _INSIDE:
        start += 1
    return text[start:]


def common_length(lengths: Sequence[int], total: int) -> int:
    """The greatest length to which all can be cut so that their sum is at most `total`; what is shorter stays whole."""
    left = total
    for waiting, length in zip(range(len(lengths), 0, -1), sorted(lengths), strict=True):
        if length * waiting > left:
            return left // waiting
        left -= length
    return max(lengths, default=0)


async def _fail(_draft: Draft, _room: Room, size: int) -> Fitted:
    raise Unfit(size)


async def _shrink(draft: Draft, room: Room, size: int) -> Fitted:
    wanted = len(draft.candidates)
    for number in range(wanted - 1, 0, -1):
        messages = draft.write(draft.candidates[:number])
        size = await room.measured(messages)
        if size <= room.size:
            return Fitted(messages, number, {"rule": "shrink_k", "wanted": wanted, "shown": number})
    raise Unfit(size)


async def _tail(draft: Draft, room: Room, size: int) -> Fitted:
    bodies = [candidate.rstrip() for candidate in draft.candidates]
    messages, kept = await _cut_to_fit(bodies, draft, room, size if bodies == list(draft.candidates) else None)
    return Fitted(messages, len(kept), {"rule": "tail", "kept": kept})


async def _summarize(draft: Draft, room: Room, size: int) -> Fitted:
    bodies = [candidate.rstrip() for candidate in draft.candidates]
    messages, kept = await _cut_to_fit(bodies, draft, room, size if bodies == list(draft.candidates) else None)
    long = [index for index, body in enumerate(bodies) if kept[index] < len(body)]
    made = dict(zip(long, await _together(draft.condense(index) for index in long), strict=True))
    summaries = [_shorter(made.get(index), body) for index, body in enumerate(bodies)]
    if any(summary is not None for summary in summaries):
        texts = [body if summary is None else summary for body, summary in zip(bodies, summaries, strict=True)]
        messages, kept = await _cut_to_fit(texts, draft, room)
    failed = [index for index in long if made[index] is None]
    record = {"rule": "summarize", "summaries": summaries, "kept": kept}
    return Fitted(messages, len(kept), {**record, "failed": failed} if failed else record)


Rule = Callable[[Draft, Room, int], Awaitable[Fitted]]
"""Fits a draft with at least one candidate that is known to be so long (more than there is room for)."""

OVERFLOWS: Mapping[str, Rule] = MappingProxyType(
    {"fail": _fail, "shrink_k": _shrink, "tail": _tail, "summarize": _summarize}
)
"""Every rule by its name. `fail` is the default."""


def _shorter(summary: str | None, body: str) -> str | None:
    """The summary, if it is of use."""
    return summary if summary is not None and summary.strip() and len(summary) < len(body) else None


def _cut(texts: Sequence[str], kept: Iterable[int]) -> list[str]:
    return [
        text if length >= len(text) else CUT_MARK + text[len(text) - length :]
        for text, length in zip(texts, kept, strict=True)
    ]


async def _cut_to_fit(
    texts: Sequence[str], draft: Draft, room: Room, whole_size: int | None = None
) -> tuple[Messages, list[int]]:
    """The prompt that shows as much of the ends of all texts as fits, and how many characters of each that is.

    `whole_size` is the length of the prompt that shows all of them whole, if that is known already.
    """
    lengths = [len(text) for text in texts]
    messages = draft.write(texts)
    high, high_size = max(lengths), whole_size or await room.measured(messages)
    if high_size <= room.size:
        return messages, lengths
    low, low_size = 0, await room.measured(draft.write([""] * len(texts)))
    free = room.size - low_size
    if free < 0:
        raise Unfit(low_size)
    found: tuple[Messages, list[int]] | None = None
    counts = 0
    while high - low > 1 and (found is None or (counts < _MOST_COUNTS and room.size - low_size > free // _WELL_FILLED)):
        if counts < _INTERPOLATED:
            length = _estimate(lengths, (low, low_size), (high, high_size), room.size - free // (4 * _WELL_FILLED))
        else:
            length = (low + high) // 2
        counts += 1
        kept = [len(ending(text, length)) for text in texts]
        messages = draft.write(_cut(texts, kept))
        size = await room.measured(messages)
        if size <= room.size:
            low, low_size, found = length, size, (messages, kept)
        else:
            high, high_size = length, size
    if found is None:
        raise Unfit(high_size)
    return found


def _estimate(lengths: Sequence[int], low: tuple[int, int], high: tuple[int, int], target: int) -> int:
    """The common length, between two that were measured, at which a prompt of the target size is to be expected.

    Between them a prompt is taken to grow evenly with the characters that it shows.
    """
    (short, low_size), (long, high_size) = low, high
    fewest, most = (sum(min(length, limit) for length in lengths) for limit in (short, long))
    part = (target - low_size) / (high_size - low_size)
    length = common_length(lengths, fewest + int(part * (most - fewest)))
    return min(max(length, short + 1), long - 1)


ValueT = TypeVar("ValueT")


async def _together(work: Iterable[Coroutine[Any, Any, ValueT]]) -> list[ValueT]:
    """Every result, in order. What one of them raises, and cancellation, ends the others first."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
