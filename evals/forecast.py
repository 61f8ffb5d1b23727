"""What a run would cost, before anything is spent: `rsa-eval plan`."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from evals.config import RunConfig
from evals.console import output, write_json
from evals.preparation import api_key
from evals.problems import Problem
from evals.scoring import check_golds
from evals.tasks import load_task, scorer_of
from rsa.endpoint import Messages
from rsa.errors import RSAError
from rsa.generation import template_for
from rsa.kinds import kind_named
from rsa.plan import Plan, Role
from rsa.prompts import Prompts
from rsa.session import open_session
from rsa.strategies import label
from rsa.tokens import TokenCounter, local_counter, reply_limit

__all__ = ["Forecast", "forecast", "show_forecast"]

_BYTES_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Tokens:
    """Prompt and new tokens of a whole run."""

    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The size of a run. `longest` is the worst-case longest prompt with its reply, `counted_by` who counted the tokens."""

    strategy: str
    problems: int
    repeats: int
    calls: int
    max_tokens: int
    mean_tokens: int
    worst_case: Tokens
    expected: Tokens
    longest: int
    context: int | None
    counted_by: str
    first_prompt: str

    @property
    def fits(self) -> bool | None:
        """Whether the longest prompt and its reply fit the context window; None if that is not known."""
        return None if self.context is None else self.longest <= self.context


@dataclass(frozen=True, slots=True)
class _Counting:
    by: str
    count: TokenCounter
    context: int | None


def show_forecast(config: RunConfig, mean_tokens: int | None, as_json: bool) -> None:
    """Print the forecast of a configuration."""
    found = asyncio.run(forecast(config, mean_tokens))
    if as_json:
        write_json({**asdict(found), "fits": found.fits})
        return
    console = output()
    fits = {True: "fits", False: "DOES NOT FIT", None: "context window not known"}[found.fits]
    window = f" of {found.context:,}" if found.context else ""
    console.print(f"strategy        {found.strategy}, {found.problems} problems x {found.repeats}")
    console.print(f"calls           {found.calls:,}, each with at most {found.max_tokens:,} new tokens")
    sizes = (("worst case", found.max_tokens, found.worst_case), ("expected", found.mean_tokens, found.expected))
    for name, each, tokens in sizes:
        console.print(f"{name:<16}{tokens.prompt:,} prompt + {tokens.completion:,} new tokens, at {each:,} a chain")
    console.print(f"longest prompt  {found.longest:,} tokens with its reply{window}: {fits}")
    console.print(f"tokens counted  {found.counted_by}")
    console.print(f"first prompt\n{found.first_prompt}", soft_wrap=True)


async def forecast(config: RunConfig, mean_tokens: int | None) -> Forecast:
    """The forecast of a run, for chains of so many new tokens; None: of half of what they may have."""
    strategy = config.strategy.build()
    prompts = Prompts(config.prompts)
    dataset = load_task(config.task, config.seed)
    problems = dataset.problems
    check_golds(problems, scorer_of(config.task), dataset.source)
    plan = strategy.plan(config.seed, problems[0].id)
    async with AsyncExitStack() as stack:
        counting = await _counter(config, stack)
        max_tokens = reply_limit(config.sampling.max_tokens, plan, counting.context)
        mean = min(mean_tokens or max(1, max_tokens // 2), max_tokens)
        questions = [
            await _count(counting, problem.asked(config.sampling.system).before, problem.question) for problem in problems
        ]
        frames = await _frames(plan, prompts, problems[0], counting)
    runs = config.task.repeats

    def tokens(each: int) -> Tokens:
        reading = sum(frame + wanted * each for wanted, frame in frames)
        prompt = runs * sum(len(plan) * question + reading for question in questions)
        return Tokens(prompt, runs * len(problems) * len(plan) * each)

    longest = max(questions) + max(frame + wanted * max_tokens for wanted, frame in frames) + max_tokens
    return Forecast(
        label(strategy),
        len(problems),
        runs,
        runs * len(problems) * len(plan),
        max_tokens,
        mean,
        tokens(max_tokens),
        tokens(mean),
        longest,
        counting.context,
        counting.by,
        problems[0].question,
    )


async def _frames(plan: Plan, prompts: Prompts, problem: Problem, counting: _Counting) -> list[tuple[int, int]]:
    """For each chain how many candidates it reads, and the tokens of its prompt without question and candidates."""
    known: dict[tuple[Role, int], int] = {}
    for chain in plan:
        if (chain.role, chain.wanted) not in known:
            known[chain.role, chain.wanted] = await _frame(chain.role, chain.wanted, prompts, problem, counting)
    return [(chain.wanted, known[chain.role, chain.wanted]) for chain in plan]


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
    name = config.endpoint.tokenizer or _folder_to_serve(config)
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


def _folder_to_serve(config: RunConfig) -> str | None:
    model = (config.serve.model or config.endpoint.model) if config.serve else None
    return model if model and Path(model).is_dir() else None
