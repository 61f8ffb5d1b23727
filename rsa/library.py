"""One question in, one better answer out: `run` and `arun`."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from rsa.asking import Asked, given_samples, question_of, subject_of
from rsa.budget import Account, Budget, Purse
from rsa.chain import Chain, Usage
from rsa.compaction import COMPACTIONS
from rsa.demand import Need, answering_line, needed
from rsa.endpoint import Endpoint, Sampling
from rsa.errors import BudgetSpent, CallAbandoned, RunFailed, UsageError
from rsa.generation import Generation
from rsa.kinds import Kind, kind_named
from rsa.ordering import CANDIDATE_ORDERS, ordered
from rsa.overflow import OVERFLOWS
from rsa.picture import result_html, result_words
from rsa.plan import Plan, PlannedChain
from rsa.prompts import Prompts
from rsa.scheduler import Job, execute
from rsa.selection import choose, last_population
from rsa.session import open_session
from rsa.strategies import RSA, Select, SelfAggregation, Strategy, label
from rsa.text import did_you_mean
from rsa.tokens import reply_limit

__all__ = ["Result", "aaggregate", "aggregate", "arun", "result_of", "run"]

_GLANCE_SECONDS = 0.2
_CHOICES: Mapping[str, Collection[str]] = MappingProxyType(
    {
        "compaction": COMPACTIONS,
        "on_overflow": OVERFLOWS,
        "candidate_order": CANDIDATE_ORDERS,
        "select": get_args(Select),
        "need": get_args(Need),
    }
)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one question.

    `text` is the answering chain's text and `answer` what could be read out of it (None: nothing in the asked form).
    `usage` sums the tokens of every chain. `chains` are all that were generated, with the dead ones, ordered by step and
    slot; `chosen` is the one that answers, and `population` are the living members of its population that were generated:
    with need="population" all of them, with need="answer" mostly it alone. Where a budget ended the work early, `stopped`
    says so, and the population is the last one of which everything that was needed is there (or what there is of the first).
    `kind` is how answers were read. It prints as one line, and a notebook shows its graph.
    """

    text: str
    answer: str | None
    usage: Usage
    chosen: Chain = field(repr=False)
    population: tuple[Chain, ...] = field(repr=False)
    chains: tuple[Chain, ...] = field(repr=False)
    kind: Kind = field(repr=False)
    stopped: str | None = None

    @property
    def votes(self) -> dict[str, int]:
        """How many members of the population gave each answer, the most frequent first; equal answers under one name."""
        given = [answer for member in self.population if (answer := self.kind.extract(member.text)) is not None]
        classes = self.kind.equivalence.classes(given)
        return dict(Counter(classes[answer] for answer in given).most_common())

    def __str__(self) -> str:
        votes = self.votes
        own = self.kind.equivalence.classes([*votes, self.answer])[self.answer] if self.answer is not None else ""
        agreeing = votes.get(own, 0)
        return result_words(self.answer, agreeing, sum(votes.values()), self.chains, self.usage.completion)

    def _repr_html_(self) -> str:
        """What a notebook shows: the line of `str`, and who read whom as a graph."""
        answers = {chain.place: None if chain.dead else self.kind.extract(chain.text) for chain in self.chains}
        classes = self.kind.equivalence.classes(answer for answer in answers.values() if answer is not None)
        named = {place: None if answer is None else classes[answer] for place, answer in answers.items()}
        return result_html(str(self), self.chains, named, self.chosen.place)


async def arun(
    question: Asked,
    llm: Endpoint,
    strategy: Strategy | None = None,
    *,
    seed: int = 0,
    kind: str = "general",
    sampling: Sampling | None = None,
    select: Select | None = None,
    need: Need = "answer",
    prompts: str | Path = "default",
    compaction: str = "answer",
    on_overflow: str = "fail",
    candidate_order: str = "draw",
    budget: Budget | None = None,
    system: str | None = None,
    first: Sequence[str] = (),
    on_chain: Callable[[Chain], None] | None = None,
) -> Result:
    """Answer one question with a strategy (by default the paper's `RSA(n=16, k=4, steps=10)`).

    The question is a text, or a conversation whose last turn is the user's; it is sent as it is. `kind` (general, math,
    choice, gym, code, number) decides how later prompts name the problem and ask for the answer, and how `Result.answer` is
    read. `select` is the strategy's own unless given. With need="answer" only those chains are generated that the answering
    one descends from, where it is known in advance (select "sample"): the same answer for about a fifth of the calls less at
    n=16, k=4, steps=10; need="population" generates all.
    The same question, strategy and seed make the same plan; the question's text stands for the problem in all draws.
    `on_overflow` names a rule of `rsa.overflow` for prompts over the context window, `candidate_order` one of `rsa.ordering`
    for how candidates stand in a prompt. `budget` bounds what the answer may
    cost; where it ends the work early, the result is the best so far. `first` are samples that are there already: they take
    the place of the first of step 1. `on_chain` is called with every chain as it is finished.

    Raises `UsageError` for bad arguments, `EndpointRefused` and `EndpointUnreachable` if the endpoint cannot be used,
    `RunFailed` if every chain of the last population died, and `BudgetSpent` if the budget allows no answer at all.
    """
    strategy = strategy or RSA()
    if not isinstance(llm, Endpoint):
        raise UsageError(f"the model is given as an rsa.Endpoint, such as rsa.Endpoint({str(llm)!r})")
    if not hasattr(strategy, "plan"):
        raise UsageError(f"{strategy!r} is not a strategy, such as rsa.RSA(n=16, k=4, steps=10)")
    if not isinstance(budget, Budget | None):
        raise UsageError(f"budget is given as an rsa.Budget, such as rsa.Budget(calls=100), not {budget!r}")
    _check_choices(compaction=compaction, on_overflow=on_overflow, candidate_order=candidate_order, select=select, need=need)
    asked = question_of(question, kind_named(kind), system)
    plan = ordered(strategy.plan(seed, subject_of(asked)), candidate_order)
    given = given_samples(first, strategy, plan, llm.model or "")
    selector = select or strategy.select
    known = need == "answer" and selector == "sample" and plan.steps not in plan.judging_steps
    answering = answering_line(plan) if known else None
    chains: list[Chain] = list(given.values())

    def take(chain: Chain) -> None:
        chains.append(chain)
        if on_chain:
            on_chain(chain)

    async with open_session(llm) as session:
        sampling = sampling or Sampling()
        limit = reply_limit(sampling.max_tokens, plan, session.context)
        generation = Generation(
            session.client,
            Prompts(prompts),
            replace(sampling, max_tokens=limit),
            COMPACTIONS[compaction],
            label(strategy),
            session.context,
            session.counter,
            on_overflow,
        )
        account = Account("this question", budget or Budget())
        job = Job(plan, partial(_affordable, partial(generation, asked), account), given, answering)
        with account.deadline(session.client.wind_down):
            await execute([job], session.client.gate, take, lambda: account.told() is not None)
    return result_of(job, chains, asked.kind, selector, account.told())


def _check_choices(**given: str | None) -> None:
    """See that each option is one of its names, or open."""
    for option, name in given.items():
        if name is not None and name not in _CHOICES[option]:
            raise UsageError(f"{option}: there is no {name!r}{did_you_mean(name, _CHOICES[option])}")


async def _affordable(
    generate: Callable[..., Awaitable[Chain]], account: Account, plan: Plan, planned: PlannedChain, parents: Sequence[Chain]
) -> Chain | None:
    """The chain; None if the budget does not allow it."""
    try:
        return await generate(plan, planned, parents, Purse([account]))
    except CallAbandoned:
        return None


def result_of(job: Job, chains: Sequence[Chain], kind: Kind, select: Select, told: str | None) -> Result:
    """What the chains of a job come to; `told` says why they are not all there, if something ended the work early.

    Raises `BudgetSpent` if the work ended before anything could answer, and `RunFailed` if the last population is dead.
    """
    plan = job.plan
    ordered = tuple(sorted(chains, key=lambda chain: chain.place))
    made = {chain.place: chain for chain in ordered}
    dead = {place for place, chain in made.items() if chain.dead}
    wanted = [chain.place for chain in plan] if job.answering is None else needed(plan, job.answering, dead)
    step, members = last_population(plan, made, wanted)
    stopped = told if any(place not in made for place in wanted) else None
    if stopped and not members:
        raise BudgetSpent(f"{stopped}, before anything could answer: raise it")
    if not members or (step < plan.steps and not stopped):
        error = next((chain.error for chain in ordered if chain.error), "no reason recorded")
        raise RunFailed(f"every chain of the last population is dead, so there is no answer; the first error was: {error}")
    chosen = choose(plan, members, kind, select, step)
    usage = Usage.total(chain.usage for chain in ordered)
    return Result(chosen.text, kind.extract(chosen.text), usage, chosen, members, ordered, kind, stopped)


def run(question: Asked, llm: Endpoint, strategy: Strategy | None = None, **options: Any) -> Result:
    """`arun` for synchronous code; also inside a running event loop, as in a notebook. Takes the same options."""
    return _run_anywhere(arun(question, llm, strategy, **options))


async def aaggregate(question: Asked, texts: Sequence[str], llm: Endpoint, **options: Any) -> Result:
    """One better answer from texts that are there already, by one call (single-step aggregation). Options as for `arun`.

    Raises `UsageError` if there are no texts.
    """
    if not texts:
        raise UsageError("there is nothing to aggregate: give the texts of one or more solutions")
    return await arun(question, llm, SelfAggregation(len(texts)), first=texts, **options)


def aggregate(question: Asked, texts: Sequence[str], llm: Endpoint, **options: Any) -> Result:
    """`aaggregate` for synchronous code, as `run` is for `arun`."""
    return _run_anywhere(aaggregate(question, texts, llm, **options))


ValueT = TypeVar("ValueT")


def _run_anywhere(work: Coroutine[Any, Any, ValueT]) -> ValueT:
    """Run a coroutine to its end; in a thread with a loop of its own where this thread runs a loop already."""
    try:
        caller = asyncio.current_task()
    except RuntimeError:
        return asyncio.run(work)
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[ValueT]]] = Future()

    async def supervised() -> ValueT:
        task = asyncio.ensure_future(work)
        started.set_result((asyncio.get_running_loop(), task))
        return await task

    with ThreadPoolExecutor(max_workers=1) as pool:
        outcome = pool.submit(asyncio.run, supervised())
        try:
            return _awaited(outcome, caller)
        except (KeyboardInterrupt, asyncio.CancelledError):
            loop, task = started.result()
            loop.call_soon_threadsafe(task.cancel)
            raise


def _awaited(outcome: Future[ValueT], caller: asyncio.Task[Any] | None) -> ValueT:
    """The outcome. A Ctrl-C that asyncio takes for itself only cancels the caller, which cannot act on it while it waits."""
    before = caller.cancelling() if caller else 0
    while not wait([outcome], _GLANCE_SECONDS).done:
        if caller and caller.cancelling() > before:
            raise asyncio.CancelledError
    return outcome.result()
