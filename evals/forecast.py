"""What a run would cost, before anything is spent: `rsa-eval plan`."""

import asyncio
from dataclasses import asdict, dataclass

from evals.config import RunConfig
from evals.console import output, write_json
from evals.problems import Dataset
from evals.scoring import check_golds
from evals.sizes import sizes
from evals.tasks import load_task, scorer_of
from rsa.strategies import label

__all__ = ["Forecast", "forecast", "show_forecast"]


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


async def forecast(config: RunConfig, mean_tokens: int | None, dataset: Dataset | None = None) -> Forecast:
    """The forecast of a run, for chains of so many new tokens; None: of half of what they may have.

    `dataset` are the problems of the task, where they were read before.
    """
    strategy = config.strategy.build()
    dataset = dataset or load_task(config.task, config.seed)
    problems = dataset.problems
    check_golds(problems, scorer_of(config.task), dataset.source)
    plan = strategy.plan(config.seed, problems[0].id)
    known = await sizes(config, plan, problems)
    mean = min(mean_tokens or max(1, known.max_tokens // 2), known.max_tokens)
    frames = [(chain.wanted, known.frames[chain.role, chain.wanted]) for chain in plan]
    runs = config.task.repeats

    def tokens(each: int) -> Tokens:
        reading = sum(frame + wanted * each for wanted, frame in frames)
        prompt = runs * sum(len(plan) * question + reading for question in known.questions.values())
        return Tokens(prompt, runs * len(problems) * len(plan) * each)

    longest = max(frame + wanted * known.max_tokens for wanted, frame in frames) + known.max_tokens
    return Forecast(
        label(strategy),
        len(problems),
        runs,
        runs * len(problems) * len(plan),
        known.max_tokens,
        mean,
        tokens(known.max_tokens),
        tokens(mean),
        max(known.questions.values()) + longest,
        known.context,
        known.counted_by,
        problems[0].question,
    )
