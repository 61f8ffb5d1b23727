"""How many tokens a call may have, where nobody counts them: what was seen of earlier prompts, and the request's limits."""

from collections.abc import Mapping
from typing import Any

from rsa.endpoint.types import Messages, Sampling, most_tokens

__all__ = ["Sizes", "most_new"]

_CAUTION = 1.25


class Sizes:
    """Remembers how many tokens a byte of prompts of one size made at most."""

    def __init__(self) -> None:
        self._tokens_a_byte: dict[int, float] = {}

    def learn(self, messages: Messages, tokens: int) -> None:
        """Take the length of a prompt as the server counted it."""
        size = most_tokens(messages)
        scale = size.bit_length()
        self._tokens_a_byte[scale] = max(tokens / size, self._tokens_a_byte.get(scale, 0.0))

    def most(self, messages: Messages) -> int:
        """What a prompt has at most: by the tokens a byte of prompts as long; else its bytes."""
        size = most_tokens(messages)
        seen = self._tokens_a_byte.get(size.bit_length())
        return size if seen is None else min(size, round(_CAUTION * seen * size) + 1)


def most_new(sampling: Sampling, extra: Mapping[str, Any]) -> int:
    """The new tokens that a call may have, in all its replies. `extra` are fields put over those of the sampling."""
    limits = (extra.get("max_tokens"), extra.get("max_completion_tokens"), sampling.max_tokens)
    replies = extra.get("n")
    return max((limit for limit in limits if isinstance(limit, int)), default=0) * (
        replies if isinstance(replies, int) else 1
    )
