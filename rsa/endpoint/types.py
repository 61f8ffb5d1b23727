"""What goes into a call and what comes out of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from rsa.chain import Usage
from rsa.errors import UsageError

__all__ = [
    "Completion",
    "Listener",
    "Message",
    "Messages",
    "Model",
    "Rate",
    "Sampling",
    "TokenCounter",
    "content_bytes",
    "most_tokens",
]

Message = Mapping[str, Any]
"""One chat message: {"role": ..., "content": ...}."""
Messages = Sequence[Message]
Listener = Callable[[str, str], None]
"""Is told the pieces of a reply as they come: of its text, and of the thinking that the server keeps apart."""

TokenCounter = Callable[[Messages], Awaitable[int | None]]
"""Counts the tokens of a prompt with its chat template; None if that cannot be said."""

_TEMPLATE_TOKENS = 256  # more than any chat template is known to add to one message


def content_bytes(messages: Messages) -> int:
    """The length of a prompt in bytes, without its chat template."""
    return sum(_utf8_length(str(message["content"])) for message in messages)


def _utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", errors="replace"))


def most_tokens(messages: Messages) -> int:
    """More tokens than a prompt can have: no tokenizer makes more of them than there are bytes."""
    return content_bytes(messages) + _TEMPLATE_TOKENS * len(messages)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model samples. The defaults are the paper's (section 4).

    `max_tokens` None stands for the paper's 8,192 new tokens, or less where the context window could not hold K candidates
    and a reply (`rsa.tokens.reply_limit`).

    `top_k` and `min_p` are not part of OpenAI's API and are sent only when set. A server may apply defaults of its own to
    what is not sent: vLLM takes them from the model's `generation_config.json`, llama.cpp has top_k 40 and min_p 0.05.
    `extra` are further fields of the request body, such as response_format. `seed` is set by the run, for every call its
    own.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int | None = None
    top_k: int | None = None
    min_p: float | None = None
    stop: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens < 1:
            raise UsageError(f"max_tokens must be at least 1, not {self.max_tokens}")
        if self.temperature < 0:
            raise UsageError(f"temperature must not be negative, but is {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top_p must be above 0 and at most 1, not {self.top_p}")

    def body(self) -> dict[str, Any]:
        """The fields of the request body."""
        fields = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "stop": list(self.stop) or None,
            "seed": self.seed,
            **self.extra,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Completion:
    """One successful reply.

    `finish_reason` is "length" where the reply was cut by `max_tokens`; `reasoning` is thinking that is kept apart from the
    text. `seed` is the one that was sent with the attempt that succeeded, and `attempts` counts them all.
    """

    text: str
    finish_reason: str = "unknown"
    reasoning: str | None = None
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    seed: int = 0
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of `/v1/models`. `context` is its window in tokens, where the server says it."""

    id: str
    context: int | None = None
    aliases: tuple[str, ...] = ()
    owned_by: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """A quota of hosted APIs: at most `calls` requests in any `period` seconds."""

    calls: int
    period: float = 60.0

    def __post_init__(self) -> None:
        if self.calls < 1 or self.period <= 0:
            raise UsageError(f"a rate needs at least one call in a positive period, not {self.calls} in {self.period} s")
