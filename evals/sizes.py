"""How long the prompts of a run are, as far as that is known before anything is generated."""

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from evals.config import EngineConfig, RunConfig
from evals.preparation import api_key
from evals.problems import Problem
from rsa.endpoint import Messages
from rsa.errors import RSAError
from rsa.generation import template_for
from rsa.kinds import kind_named
from rsa.plan import Plan, Role
from rsa.prompts import Prompts
from rsa.session import open_session
from rsa.tokens import TokenCounter, local_counter, reply_limit

__all__ = ["Sizes", "sizes", "tokenizer_of"]

_BYTES_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Sizes:
    """Tokens of questions by problem, and of templates without question and candidates by role and number of candidates.

    `max_tokens` is how long a reply may be, `context` the model's window, `counted_by` who counted.
    """

    questions: Mapping[str, int]
    frames: Mapping[tuple[Role, int], int]
    max_tokens: int
    context: int | None
    counted_by: str


@dataclass(frozen=True, slots=True)
class _Counting:
    by: str
    count: TokenCounter
    context: int | None


async def sizes(config: RunConfig, plan: Plan, problems: Iterable[Problem]) -> Sizes:
    """The sizes for the problems of a run, whose strategy plans as `plan` says."""
    prompts, problems = Prompts(config.prompts), list(problems)
    async with AsyncExitStack() as stack:
        counting = await _counter(config, stack)
        questions = {
            problem.id: await _count(counting, problem.asked(config.sampling.system).before, problem.question)
            for problem in problems
        }
        frames = {
            (role, wanted): await _frame(role, wanted, prompts, problems[0], counting)
            for role, wanted in dict.fromkeys((chain.role, chain.wanted) for chain in plan)
        }
    limit = reply_limit(config.sampling.max_tokens, plan, counting.context)
    return Sizes(questions, frames, limit, counting.context, counting.by)


async def _frame(role: Role, wanted: int, prompts: Prompts, problem: Problem, counting: _Counting) -> int:
    if role is Role.SAMPLE:
        return 0
    text = prompts.render(template_for(role, wanted), "", [""] * wanted, kind_named(problem.kind))
    return await _count(counting, (), text)


async def _count(counting: _Counting, before: Messages, text: str) -> int:
    messages = (*before, {"role": "user", "content": text})
    count = await counting.count(messages)
    return _estimate(messages) if count is None else count


def _estimate(messages: Messages) -> int:
    return sum(len(str(message["content"]).encode()) // _BYTES_A_TOKEN + 1 for message in messages)


async def _counter(config: RunConfig, stack: AsyncExitStack) -> _Counting:
    """Who counts: a named tokenizer, the folder to be served, the running server, or nobody (4 bytes a token)."""

    async def estimate(messages: Messages) -> int:
        return _estimate(messages)

    context = config.endpoint.context or (config.serve.context if config.serve else None)
    name = tokenizer_of(config)
    if name:
        return _Counting(f"by the tokenizer of {name}", local_counter(name), context)
    reason = "no server and no endpoint.tokenizer to ask"
    if config.endpoint.base_url:
        key = api_key(config.endpoint.api_key_env)
        endpoint = config.endpoint.build(config.endpoint.base_url, config.endpoint.model, key)
        try:
            session = await stack.enter_async_context(open_session(endpoint))
            context = session.context
            if await session.counter(({"role": "user", "content": "?"},)) is not None:
                return _Counting("by the server", session.counter, context)
            reason = "this server does not count"
        except RSAError as error:
            reason = str(error)
    return _Counting(f"estimated, 4 bytes each ({reason})", estimate, context)


def tokenizer_of(config: EngineConfig) -> str | None:
    """The tokenizer that can be loaded here: the one that is named, or that of a folder which is served."""
    served = (config.serve.model or config.endpoint.model) if config.serve else None
    return config.endpoint.tokenizer or (served if served and Path(served).is_dir() else None)
