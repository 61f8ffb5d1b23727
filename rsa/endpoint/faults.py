"""What may go wrong in a call, which of it is worth another attempt, and how long to wait for it.

The whole failure model is in `rsa.errors`.
"""

import email.utils
import json
import math
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rsa.chain import Usage
from rsa.encoding import json_value
from rsa.endpoint.types import Completion

__all__ = [
    "Fault",
    "FaultKind",
    "backoff",
    "fault_of_status",
    "read_completion",
    "read_usage",
    "retry_after",
    "unspoilt",
    "whole",
]

_RETRIED_STATUS = frozenset({408, 409, 425})
_BUSY_STATUS = 429
_NO_CREDIT = re.compile("insufficient_quota|billing_hard_limit")
_PROMPT_STATUS = frozenset({400, 413, 422})
_CONTEXT = re.compile(
    r"context[ _-](?:length|size|window|limit)|exceed_context|max_model_len|max_new_tokens|maximum number of tokens"
    r"|(?:prompt|input) is too long|reduce the length|too many tokens",
    re.IGNORECASE,
)
_UNFINISHED = frozenset({"abort", "error", "cancelled", "canceled"})
_UNAVAILABLE = 503
_MOST_TOKENS = 1 << 53
_LONGEST_MESSAGE = 500
_LONGEST_WAIT = 120.0


class FaultKind(StrEnum):
    """What becomes of a faulty call."""

    RETRY = "retry"
    BUSY = "busy"
    """Turned away for now."""
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    CONTEXT = "context"
    PROMPT = "prompt"
    """Refused, perhaps because of this prompt alone."""
    REFUSED = "refused"


@dataclass(eq=False)
class Fault(Exception):
    """One failed attempt.

    `label` is what it is counted under, `status` the HTTP status (None: no reply), `wait` what the server asked for in
    seconds; `blank` marks a reply without any text, and `usage` is what the attempt cost all the same.
    """

    kind: FaultKind
    label: str
    message: str
    status: int | None = None
    wait: float | None = None
    blank: bool = False
    usage: Usage = field(default_factory=Usage)

    @property
    def overload(self) -> bool:
        """Whether it tells that the server has too much to do."""
        return self.kind in (FaultKind.BUSY, FaultKind.TIMEOUT) or self.status == _UNAVAILABLE


def fault_of_status(status: int, body: str, wait: float | None) -> Fault:
    """The fault that an HTTP status other than 200 stands for."""
    reason, codes = _told(body)
    label = f"HTTP {status}"
    kind = FaultKind.REFUSED
    if status == _BUSY_STATUS:
        kind = FaultKind.REFUSED if _NO_CREDIT.search(codes) else FaultKind.BUSY
    elif status in _RETRIED_STATUS or status >= 500:
        kind = FaultKind.RETRY
    elif status in _PROMPT_STATUS:
        kind = FaultKind.CONTEXT if _CONTEXT.search(f"{reason} {codes}") else FaultKind.PROMPT
    return Fault(kind, label, f"{label}: {reason}", status, wait)


def _told(body: str) -> tuple[str, str]:
    """What an error reply says in words, in one line of bounded length, and the codes that it gives."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = body
    codes = ""
    for name in ("error", "message", "detail"):
        if isinstance(content, dict):
            codes += f" {content.get('type')} {content.get('code')}"
            content = content.get(name, content)
    text = content if isinstance(content, str) else json.dumps(content)
    text = unspoilt(" ".join(text.split()))
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "...", codes


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds to wait by a `Retry-After` header (seconds or an HTTP date; `now` in seconds since the epoch)."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - now
        except ValueError:
            return None
    return min(max(seconds, 0.0), _LONGEST_WAIT) if math.isfinite(seconds) else None


def backoff(attempt: int, jitter: float, asked: float | None) -> float:
    """Seconds before attempt + 1: full jitter under 0.5 s doubling to 30 s, and never less than the server asked for."""
    own = min(30.0, 0.5 * 2.0 ** min(attempt - 1, 10)) * jitter
    return own if asked is None else max(own, asked + jitter)


def read_completion(body: str) -> Completion:
    """The completion in a 200 reply. Raises a `Fault` for anything else, and for one that was broken off or is blank."""
    try:
        completion = _parse(json_value(body))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        start = " ".join(body[:_LONGEST_MESSAGE].split())
        reason = f"{type(error).__name__}: {error}"
        message = f"the reply is not a chat completion ({reason}): {start}"
        raise Fault(FaultKind.RETRY, "unreadable reply", message) from error
    return whole(completion)


def whole(completion: Completion) -> Completion:
    """The completion, if there is a text and it came to its end. Raises a `Fault` otherwise."""
    blank = not completion.text.strip() and not (completion.reasoning or "").strip()
    if blank or completion.finish_reason in _UNFINISHED:
        message = f"the reply {'holds no text' if blank else 'was broken off'} (finish_reason {completion.finish_reason!r})"
        label = "blank reply" if blank else "reply broken off"
        raise Fault(FaultKind.RETRY, label, message, blank=blank, usage=completion.usage)
    return completion


def _parse(reply: Any) -> Completion:
    choice = reply["choices"][0]
    message = choice["message"]
    text, reasoning = message.get("content") or "", message.get("reasoning_content") or message.get("reasoning")
    if not isinstance(text, str) or not isinstance(reasoning, str | None):
        raise TypeError("the content is not text")
    finish_reason = str(choice.get("finish_reason") or "unknown")
    usage = read_usage(reply.get("usage"))
    return Completion(unspoilt(text), finish_reason, unspoilt(reasoning or "") or None, usage, str(reply.get("model") or ""))


def unspoilt(text: str) -> str:
    """Half surrogates, which no file and no prompt could carry, become question marks."""
    return text if text.isascii() else text.encode("utf-8", errors="replace").decode("utf-8")


def read_usage(usage: Any) -> Usage:
    """The counts in a reply's `usage`, None each where it has none."""
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    counts = (usage.get("prompt_tokens"), cached, usage.get("completion_tokens"))
    return Usage(*(count if type(count) is int and 0 <= count < _MOST_TOKENS else None for count in counts))
