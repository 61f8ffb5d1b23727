"""What may go wrong in a call, which of it is worth another attempt, and how long to wait for it.

| fault | retried |
|---|---|
| 408, 409, 425, 429, 5xx | yes, after `Retry-After` if given |
| no connection | yes, until the endpoint's patience ends; then the run stops |
| connection lost, time limit, unreadable or blank reply | yes |
| the prompt is too long for the context window | no: this chain is dead |
| any other 4xx: key, path, model, parameter | no: the run stops, for every other call would fail too |
"""

import email.utils
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rsa.chain import Usage
from rsa.endpoint.types import Completion

__all__ = ["Fault", "FaultKind", "backoff", "fault_of_status", "read_completion", "retry_after"]

_RETRIED_STATUS = frozenset({408, 409, 425, 429})
_CONTEXT = re.compile(
    r"context[ _](?:length|size|window)|maximum context|exceed_context|max_model_len|prompt is too long", re.IGNORECASE
)
_LONGEST_MESSAGE = 500
_LONGEST_WAIT = 120.0


class FaultKind(StrEnum):
    """What becomes of a faulty call."""

    RETRY = "retry"
    UNREACHABLE = "unreachable"
    CONTEXT = "context"
    REFUSED = "refused"


@dataclass(eq=False)
class Fault(Exception):
    """One failed attempt. `wait` is what the server asked for, in seconds; `blank` marks a reply without any text."""

    kind: FaultKind
    message: str
    wait: float | None = None
    blank: bool = False


def fault_of_status(status: int, body: str, wait: float | None) -> Fault:
    """The fault that an HTTP status other than 200 stands for."""
    message = f"HTTP {status}: {_error_message(body)}"
    if status in _RETRIED_STATUS or status >= 500:
        return Fault(FaultKind.RETRY, message, wait)
    if status in (400, 413, 422) and _CONTEXT.search(body):
        return Fault(FaultKind.CONTEXT, message)
    return Fault(FaultKind.REFUSED, message)


def _error_message(body: str) -> str:
    try:
        content = json.loads(body)
    except ValueError:
        content = body
    for name in ("error", "message", "detail"):
        if isinstance(content, dict) and name in content:
            content = content[name]
    text = content if isinstance(content, str) else json.dumps(content)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "..."


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
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def backoff(attempt: int, jitter: float, asked: float | None) -> float:
    """Seconds before attempt + 1: as long as the server asked plus jitter, else full jitter under 0.5 s doubling to 30 s."""
    ceiling = min(30.0, 0.5 * 2.0 ** min(attempt - 1, 10))
    return asked + jitter if asked is not None else ceiling * jitter


def read_completion(body: str) -> Completion:
    """The completion in a 200 reply. Raises a `Fault` for anything that is not one, and for a reply without any text."""
    try:
        completion = _parse(json.loads(body))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        start = " ".join(body[:_LONGEST_MESSAGE].split())
        raise Fault(FaultKind.RETRY, f"the reply is not a chat completion ({error!r}): {start}") from error
    if not completion.text.strip() and not (completion.reasoning or "").strip():
        message = f"the reply holds no text (finish_reason {completion.finish_reason!r})"
        raise Fault(FaultKind.RETRY, message, blank=True)
    return completion


def _parse(reply: Any) -> Completion:
    choice = reply["choices"][0]
    message = choice["message"]
    text, reasoning = message.get("content") or "", message.get("reasoning_content") or message.get("reasoning")
    if not isinstance(text, str) or not isinstance(reasoning, str | None):
        raise TypeError("the content is not text")
    finish_reason = str(choice.get("finish_reason") or "unknown")
    return Completion(text, finish_reason, reasoning or None, _usage(reply.get("usage")), str(reply.get("model") or ""))


def _usage(usage: Any) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    counts = (usage.get("prompt_tokens"), cached, usage.get("completion_tokens"))
    return Usage(*(count if isinstance(count, int) else None for count in counts))
