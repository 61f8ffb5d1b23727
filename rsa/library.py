"""Questions in, better answers out: `run` and `arun`."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

from rsa.arguments import check_choices, check_functions, check_sampling, check_strategy, check_types
from rsa.asking import Asked, are_several, are_texts, given_samples, plans_of, questions_of
from rsa.blocking import run_anywhere
from rsa.budget import Account, Budget
from rsa.chain import Chain
from rsa.compaction import COMPACTIONS
from rsa.demand import Need, answering
from rsa.endpoint import Sampling
from rsa.equivalence import Equivalence
from rsa.errors import UsageError
from rsa.generation import Generation
from rsa.inquiry import Inquiry, Outcome, affordable
from rsa.kinds import Kind, kind_of
from rsa.ordering import ordered
from rsa.prompts import Prompts
from rsa.result import Result
from rsa.scheduler import Job
from rsa.session import LLM, open_session
from rsa.strategies import RSA, Select, SelfAggregation, Strategy, label
from rsa.tokens import reply_limit

__all__ = ["Options", "aaggregate", "aggregate", "arun", "run"]


class Options(TypedDict, total=False):
    """The options of `arun`, which says what they mean, and of all functions beside it."""

    seed: int
    kind: str | Kind
    extract: Callable[[str], str | None] | None
    equivalence: Equivalence | Callable[[str, str], bool] | None
    sampling: Sampling | None
    select: Select | None
    need: Need
    prompts: str | Path
    compaction: str
    on_overflow: str
    candidate_order: str
    budget: Budget | None
    system: str | None
    on_chain: Callable[[Chain], None] | None


class _ForOne(Options, total=False):
    first: Sequence[str]


class _ForSeveral(Options, total=False):
    on_result: Callable[[int, Outcome], None] | None


@overload
async def arun(  # type: ignore[overload-overlap]  # a text is a sequence of texts as well, but one question
    question: Asked, llm: LLM, strategy: Strategy | None = None, **options: Unpack[_ForOne]
) -> Result: ...
@overload
async def arun(
    question: Sequence[Asked], llm: LLM, strategy: Strategy | None = None, **options: Unpack[_ForSeveral]
) -> list[Outcome]: ...
async def arun(
    question: Asked | Sequence[Asked],
    llm: LLM,
    strategy: Strategy | None = None,
    *,
    seed: int = 0,
    kind: str | Kind = "general",
    extract: Callable[[str], str | None] | None = None,
    equivalence: Equivalence | Callable[[str, str], bool] | None = None,
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
    on_result: Callable[[int, Outcome], None] | None = None,
) -> Result | list[Outcome]:
    """Answer one question, or several, with a strategy (by default the paper's `RSA(n=16, k=4, steps=10)`).

    A question is a text, or a conversation (a list of messages) whose last turn is the user's; it is sent as it is. A list
    of questions is several: they share the calls in flight and none waits for another. `llm` is an `rsa.Endpoint`, or an
    async function of messages and sampling (`rsa.Adapter`), perhaps as an `rsa.CallableEndpoint`.

    - `seed`: the same question, strategy and seed make the same plan. The question's text stands for the problem in all
      draws; a question that is asked again among several is a repeat with draws of its own.
    - `kind` (general, math, choice, gym, code, number, text, or an `rsa.Kind`): how later prompts name the problem and ask
      for the answer, and how `Result.answer` is read. `extract` reads it in another way (None: there is none), and
      `equivalence` says which answers are the same and vote together: a function of two, or an `rsa.Equivalence`.
    - `sampling`: how each chain is sampled.
    - `select`: how the last population becomes one answer, "sample" or "majority"; the strategy's own unless given.
    - `need`: with "answer" only those chains are generated that the answering one descends from, where it is known in
      advance (select "sample"): the same answer for about a fifth of the calls less at n=16, k=4, steps=10. "population"
      generates all.
    - `prompts`: a shipped preset or a folder (`rsa.prompts`). `compaction`: what of a candidate a prompt shows
      (`rsa.compaction`). `candidate_order`: how candidates stand in it (`rsa.ordering`). `on_overflow`: what becomes of
      prompts over the context window (`rsa.overflow`). `system`: a system message before every prompt.
    - `budget`: what all questions together may cost; where it ends the work early, a result is the best so far.
    - `first`: samples of one question that are there already; they take the place of the first of step 1.
    - `on_chain`: called with every chain as it is finished. `on_result`: called with the number of each of several
      questions and what became of it.

    For one question it gives a `Result`. For several it gives a list in their order, in which a question that could not be
    answered has the error instead of a result: `RunFailed` if every chain of its last population died, `BudgetSpent` if the
    budget allowed no answer at all. An error that stops all work, such as `EndpointUnreachable` in the middle, stands for
    every question that was not answered before it.

    Raises `UsageError` for bad arguments, `EndpointRefused` and `EndpointUnreachable` if the endpoint cannot be used, and
    for one question the errors above.
    """
    strategy = strategy or RSA()
    sampling = sampling or Sampling()
    check_strategy(strategy)
    check_sampling(sampling)
    selector = select or strategy.select
    check_types(seed=seed, kind=kind, prompts=prompts, budget=budget, system=system)
    check_choices(compaction=compaction, on_overflow=on_overflow, candidate_order=candidate_order)
    check_choices(select=selector, need=need)
    check_functions(extract=extract, equivalence=equivalence, on_chain=on_chain, on_result=on_result)
    reading = kind_of(kind, extract, equivalence)
    several = are_several(question)
    if several and first:
        raise UsageError("first: samples that are there belong to one question, but several are asked")
    if on_result and not several:
        raise UsageError("on_result tells of each of several questions, but one is asked: give a list, or use on_chain")
    questions = questions_of(question, reading, system)
    plans = (ordered(plan, candidate_order) for plan in plans_of(questions, strategy, seed))
    wording = Prompts(prompts)
    account = Account("these questions" if several else "this question", budget or Budget())
    async with open_session(llm) as session:
        limit = reply_limit(sampling.max_tokens, strategy.plan(seed, ""), session.context)
        generation = Generation(
            session.client,
            wording,
            replace(sampling, max_tokens=limit),
            COMPACTIONS[compaction],
            label(strategy),
            session.context,
            session.counter,
            on_overflow,
        )
        jobs = (
            Job(
                plan,
                partial(affordable, generation, asked, account),
                given_samples(first, strategy, plan, session.client.model),
                answering(plan, need, selector),
            )
            for plan, asked in zip(plans, questions, strict=True)
        )
        inquiry = Inquiry(jobs, reading, selector, account, on_chain, on_result)
        with account.deadline(session.client.wind_down):
            outcomes = await inquiry.outcomes(session.client.gate)
    return outcomes if several else _raised(outcomes[0])


def _raised(outcome: Outcome) -> Result:
    if isinstance(outcome, Result):
        return outcome
    raise outcome


@overload
def run(  # type: ignore[overload-overlap]  # as above
    question: Asked, llm: LLM, strategy: Strategy | None = None, **options: Unpack[_ForOne]
) -> Result: ...
@overload
def run(
    question: Sequence[Asked], llm: LLM, strategy: Strategy | None = None, **options: Unpack[_ForSeveral]
) -> list[Outcome]: ...
def run(question: Any, llm: LLM, strategy: Strategy | None = None, **options: Any) -> Result | list[Outcome]:
    """`arun` for synchronous code; also inside a running event loop, as in a notebook. Takes the same options."""
    work: Coroutine[Any, Any, Result | list[Outcome]] = arun(question, llm, strategy, **options)
    return run_anywhere(work)


async def aaggregate(question: Asked, texts: Sequence[str], llm: LLM, **options: Unpack[Options]) -> Result:
    """One better answer from texts that are there already, by one call (single-step aggregation). Options as for `arun`.

    Raises `UsageError` if there are no texts.
    """
    if not are_texts(texts) or not texts:
        raise UsageError("there is nothing to aggregate: give a list of one or more texts, none of them empty")
    return await arun(question, llm, SelfAggregation(len(texts)), first=texts, **options)


def aggregate(question: Asked, texts: Sequence[str], llm: LLM, **options: Unpack[Options]) -> Result:
    """`aaggregate` for synchronous code, as `run` is for `arun`."""
    return run_anywhere(aaggregate(question, texts, llm, **options))
