"""How long a prompt is in tokens."""

import asyncio
from typing import Any

import jinja2

from rsa.endpoint import Messages, TokenCounter, most_tokens
from rsa.errors import UsageError
from rsa.plan import Plan

__all__ = ["TokenCounter", "local_counter", "reply_limit", "surely_fits"]

_PAPERS_LIMIT = 8192
_QUESTION_TOKENS = 1024  # kept free for the question and the instructions, as in the paper's set-up


def surely_fits(messages: Messages, room: int) -> bool:
    """Whether a prompt fits without counting."""
    return most_tokens(messages) <= room


def reply_limit(wanted: int | None, plan: Plan, context: int | None) -> int:
    """New tokens that each chain of a plan may have.

    What is wanted; else 8,192 as in the paper, or less where the context window could not hold the plan's longest prompt (as
    many candidates of that length as a chain reads, the question and the instructions) and the reply to it.
    Raises `UsageError` if the window cannot hold what is wanted even without a prompt.
    """
    if context is None or (wanted is not None and wanted < context):
        return wanted or _PAPERS_LIMIT
    if wanted is not None:
        raise UsageError(
            f"max_tokens={wanted} does not fit the model's context window of {context} tokens: lower it, or serve the model "
            "with a longer context"
        )
    candidates = max(chain.wanted for chain in plan)
    room = (context - min(_QUESTION_TOKENS, context // 4)) // (candidates + 1)
    return min(_PAPERS_LIMIT, max(1, room))


def local_counter(tokenizer: str) -> TokenCounter:
    """A counter that uses a model's own tokenizer and chat template, from a folder or the hub, in a thread.

    Raises `UsageError` if there is none of that name.
    """
    from transformers import AutoTokenizer  # noqa: PLC0415 - takes seconds to import

    try:
        loaded: Any = AutoTokenizer.from_pretrained(tokenizer)
    except (OSError, ValueError, KeyError, TypeError) as error:
        first_line = (str(error).strip() or repr(error)).splitlines()[0]
        raise UsageError(f"tokenizer {tokenizer!r} cannot be loaded: {first_line}") from error
    if not loaded.chat_template:
        raise UsageError(
            f"tokenizer {tokenizer!r} has no chat template, so prompts cannot be written or counted with it: name one that "
            "has, such as that of the instruct model, or put a chat_template.jinja into its folder"
        )

    def count(messages: Messages) -> int:
        conversation = [dict(message) for message in messages]
        try:
            return len(loaded.apply_chat_template(conversation, add_generation_prompt=True, return_dict=False))
        except jinja2.TemplateError as error:
            raise UsageError(f"the chat template of {tokenizer!r} refuses these messages: {error}") from error

    async def counter(messages: Messages) -> int:
        return await asyncio.to_thread(count, messages)

    return counter
