"""How long prompts may be, and who counts their tokens.

Counted is with the model's own tokenizer and chat template: of `endpoint.tokenizer`, of the folder that is served, or of the
server itself (vLLM and llama.cpp can). An estimate would not do, because trainers cut or refuse what is a token too long.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from evals.display import Display
from evals.preparation import Preparation, api_key
from evals.server import open_server
from evals.sizes import tokenizer_of
from evals.train.building.config import BuildConfig
from rsa.endpoint import Messages
from rsa.errors import EndpointUnreachable, UsageError
from rsa.session import open_session
from rsa.tokens import TokenCounter, local_counter

__all__ = ["Count", "check_counting", "check_lengths", "counting", "reply_tokens"]

_QUESTION_TOKENS = 1024  # kept free for the question and the instructions, as in the paper's set-up
_PAPERS_LIMIT = 8192
_PROBE: Messages = ({"role": "user", "content": "?"},)
Count = Callable[[Messages], Awaitable[int]]
"""Counts the tokens of a prompt. Raises `UsageError` for one that cannot be counted."""
_NAME_ONE = "name the model's own, a folder or hub id, as endpoint.tokenizer"


def _room(config: BuildConfig) -> int:
    """Tokens of a prompt that are there for candidates."""
    return config.max_prompt_tokens - min(_QUESTION_TOKENS, config.max_prompt_tokens // 4)


def reply_tokens(config: BuildConfig) -> int:
    """New tokens that a candidate may have: as configured, else as many as k of them have room for, up to 8,192."""
    return config.sampling.max_tokens or min(_PAPERS_LIMIT, max(1, _room(config) // config.k))


def check_lengths(config: BuildConfig) -> None:
    """Raise `UsageError` if candidates could be too long for aggregation prompts, or prompts for the model."""
    limit, context, each, room = config.max_prompt_tokens, config.endpoint.context, reply_tokens(config), _room(config)
    if context is not None and limit >= context:
        raise UsageError(
            f"max_prompt_tokens={limit:,} leaves no room for a reply in the model's context window of {context:,} tokens: "
            "lower max_prompt_tokens, or correct endpoint.context"
        )
    refused = each > limit or (config.k * each > room and config.long_prompts == "refuse")
    if config.aggregation_share and refused:
        drop = "" if each > limit else ", or drop the prompts that become too long (long_prompts=drop)"
        raise UsageError(
            f"{config.k} candidates of up to {each:,} tokens each may be longer than the {room:,} tokens that "
            f"max_prompt_tokens={limit:,} leaves beside the question: lower sampling.max_tokens to "
            f"{max(1, room // config.k):,} or k, or raise max_prompt_tokens{drop}"
        )


async def check_counting(config: BuildConfig) -> None:
    """Raise `UsageError` if nobody could count, before anything is spent: no tokenizer, or one without a chat template."""
    name = tokenizer_of(config)
    if name:
        await local_counter(name)(_PROBE)
        return
    if config.endpoint.base_url is None:
        return  # what is started here counts
    endpoint = config.endpoint.build(config.endpoint.base_url, config.endpoint.model, api_key(config.endpoint.api_key_env))
    try:
        async with open_session(endpoint) as session:
            count = await session.counter(_PROBE)
    except EndpointUnreachable as error:
        raise UsageError(str(error)) from error
    if count is None:
        raise UsageError(f"{endpoint.base_url} does not count the tokens of prompts, and there is no tokenizer: {_NAME_ONE}")


@asynccontextmanager
async def counting(run: Preparation, display: Display) -> AsyncIterator[Count]:
    """Who counts. A server that was started for sampling is started once more if it has to."""
    name = tokenizer_of(run.config)
    if name:
        yield _sure(local_counter(name))
        return
    async with open_server(run, display) as session:
        yield _sure(session.counter)


def _sure(counter: TokenCounter) -> Count:
    async def count(prompt: Messages) -> int:
        tokens = await counter(prompt)
        if tokens is None:
            raise UsageError(f"the server does not count the tokens of a prompt: {_NAME_ONE}")
        return tokens

    return count
