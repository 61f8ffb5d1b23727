"""How long a prompt is in tokens."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from rsa.endpoint import Messages
from rsa.errors import UsageError

__all__ = ["TokenCounter", "local_counter", "surely_fits"]

TokenCounter = Callable[[Messages], Awaitable[int | None]]
"""Counts the tokens of a prompt with its chat template; None if that cannot be said."""

_TEMPLATE_TOKENS = 256  # more than any chat template is known to add to one message


def surely_fits(messages: Messages, room: int) -> bool:
    """Whether a prompt fits without counting: no tokenizer makes more tokens than there are bytes."""
    size = sum(len(str(message["content"]).encode("utf-8", errors="replace")) + _TEMPLATE_TOKENS for message in messages)
    return size <= room


def local_counter(tokenizer: str) -> TokenCounter:
    """A counter that uses a model's own tokenizer and chat template, from a folder or the hub, in a thread.

    Raises `UsageError` if there is none of that name.
    """
    from transformers import AutoTokenizer  # noqa: PLC0415 - takes seconds to import

    try:
        loaded: Any = AutoTokenizer.from_pretrained(tokenizer)
    except (OSError, ValueError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise UsageError(f"tokenizer {tokenizer!r} cannot be loaded: {first_line}") from error
    if not loaded.chat_template:
        raise UsageError(f"tokenizer {tokenizer!r} has no chat template, so prompt lengths cannot be counted with it")

    def count(messages: Messages) -> int:
        conversation = [dict(message) for message in messages]
        return len(loaded.apply_chat_template(conversation, add_generation_prompt=True, return_dict=False))

    async def counter(messages: Messages) -> int:
        return await asyncio.to_thread(count, messages)

    return counter
