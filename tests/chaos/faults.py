"""What can be wrong with an attempt, and schedules that say which attempts are."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Kind(StrEnum):
    """One way to misbehave."""

    RATE = "429"
    RATE_SECONDS = "429, Retry-After in seconds"
    RATE_DATE = "429, Retry-After as a date"
    ERROR = "500"
    GATEWAY = "502"
    BUSY = "503"
    HUGE = "500 with 8 MB of text"
    GONE = "connection refused for a while"
    RESET = "reset before the reply"
    CUT = "reset in mid-body"
    HANG = "no reply"
    DRIP = "a byte at a time"
    MALFORMED = "not JSON"
    CUT_JSON = "half the JSON"
    NOT_UTF8 = "not UTF-8"
    GARBAGE = "broken chunks"
    HTML = "HTML with 200"
    EMPTY = "empty content"
    NULL = "null content"
    LENGTH = "finish_reason=length"
    NO_USAGE = "no usage"
    PLAIN = "JSON said to be text/plain"
    CONTEXT = "400 for the context's length"
    FILTER = "400 for the prompt"
    UNAUTHORIZED = "401"
    NO_MODEL = "404 for the model"
    REDIRECT = "redirect"


HARMLESS = (Kind.LENGTH, Kind.NO_USAGE, Kind.PLAIN)
"""A reply like any other."""
OF_THE_PROMPT = (Kind.CONTEXT, Kind.FILTER)
"""This one chain is dead."""
FATAL = (Kind.UNAUTHORIZED, Kind.NO_MODEL, Kind.REDIRECT)
"""No call can succeed."""
BLANK = (Kind.EMPTY, Kind.NULL)
BUSY = (Kind.RATE, Kind.RATE_SECONDS, Kind.RATE_DATE)
"""Uses up a tenth of a retry."""
SLOW = (Kind.HANG, Kind.DRIP)
RETRYABLE = tuple(kind for kind in Kind if kind not in (*HARMLESS, *OF_THE_PROMPT, *FATAL))
"""The same call succeeds when it is sent again."""
STATUS: Mapping[Kind, tuple[int, str]] = MappingProxyType(
    {
        Kind.RATE: (429, "slow down"),
        Kind.RATE_SECONDS: (429, "slow down"),
        Kind.RATE_DATE: (429, "slow down"),
        Kind.ERROR: (500, "boom"),
        Kind.GATEWAY: (502, "bad gateway"),
        Kind.BUSY: (503, "overloaded"),
        Kind.HUGE: (500, "no end of it " * 600_000),
        Kind.CONTEXT: (400, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"),
        Kind.FILTER: (400, "the content filter was triggered by the prompt"),
        Kind.UNAUTHORIZED: (401, "key revoked"),
        Kind.NO_MODEL: (404, "the model does not exist"),
    }
)
"""The kinds that are nothing but a status and a message."""

Schedule = Callable[[Mapping[str, Any], str, int], Kind | None]
"""The kind of an attempt by its body, by the call that it belongs to, and by how often that call was seen before."""


def flawless(body: Mapping[str, Any], call: str, seen: int) -> None:
    """Nothing goes wrong."""


def keyed(seed: int, share: float, kinds: Sequence[Kind] = RETRYABLE) -> Schedule:
    """So large a share of the attempts is faulty; which and how depends on nothing but the seed, the call and its number."""

    def schedule(body: Mapping[str, Any], call: str, seen: int) -> Kind | None:
        digest = hashlib.blake2b(f"{call} {seen}".encode(), key=str(seed).encode(), digest_size=16).digest()
        if int.from_bytes(digest[:8]) >= share * 2**64:
            return None
        return kinds[int.from_bytes(digest[8:]) % len(kinds)]

    return schedule


def scripted(kinds: Sequence[Kind | None]) -> Schedule:
    """Every call meets these kinds, one an attempt, and then none."""
    return lambda body, call, seen: kinds[seen] if seen < len(kinds) else None


def always(kind: Kind) -> Schedule:
    """Every attempt of every call is of this kind."""
    return lambda body, call, seen: kind
