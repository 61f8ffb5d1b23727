"""A run from its configuration to its summary."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Any, Self

from evals.display import Display
from evals.interrupts import Interrupts
from evals.preparation import Preparation, api_key, identity_sha256
from evals.problems import Problem
from evals.provenance import provenance
from evals.report import write_report
from evals.rescoring import score_missing
from evals.scoring import Scoring, ScoringQueue, Verdict
from evals.store import AppendLog, ChainIndex, ChainKey
from evals.summary import summarise
from rsa.chain import Chain
from rsa.compaction import COMPACTIONS
from rsa.endpoint import Endpoint
from rsa.errors import EndpointRefused, EndpointUnreachable, Incomplete, RSAError, RunFailed, UsageError
from rsa.generation import Generation, Question
from rsa.plan import Plan, PlannedChain, Role
from rsa.scheduler import Job, execute
from rsa.serving import log_tail, serve
from rsa.session import Session, open_session
from rsa.strategies import label
from rsa.tokens import local_counter, reply_limit

__all__ = ["Outcome", "evaluate", "write_results"]

_HEARTBEAT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `problem` says why it is not complete, None if it is."""

    summary: dict[str, Any]
    problem: RSAError | None = None


async def evaluate(run: Preparation, arguments: Sequence[str], display: Display) -> Outcome:
    """Run what is not recorded yet, and write the summary of all that is.

    Raises `UsageError` if the run cannot start at all; whatever stops it later is told by the outcome.
    """
    interrupts = Interrupts(lambda: display.note("Stopping: waiting for the chains in flight. Ctrl-C again stops now."))
    outcome: Outcome | None = None
    with interrupts.installed(), run.scoring() as scoring:
        try:
            if run.model:
                score_missing(run.directory, run.dataset.problems, run.strategy, scoring)
            index = ChainIndex(run.directory.chains)
            if run.model and not any(_unfinished(run, index)):
                return _conclude(run, run.model, scoring, None)
            async with _endpoint(run, display) as endpoint, _session(endpoint) as session:
                generation = _generation(run, session)
                model = session.client.endpoint.model or ""
                _record_start(run, session, generation, scoring, arguments)
                _announce(generation, display)
                interrupts.graceful = True
                problem = await _generate(run, index, generation, scoring, display, interrupts)
                interrupts.graceful = False
                outcome = _conclude(run, model, scoring, problem)
        except asyncio.CancelledError:
            if not interrupts.stopping:
                raise
            interrupts.forgive()
            if outcome is None:  # still starting
                raise Incomplete("interrupted") from None
    return outcome


@asynccontextmanager
async def _endpoint(run: Preparation, display: Display) -> AsyncIterator[Endpoint]:
    """The running server, or one that is started for the run."""
    config = run.config
    model, key = run.model or config.endpoint.model, api_key(config.endpoint.api_key_env)
    if config.serve is None:
        yield config.endpoint.build(config.endpoint.base_url or "", model, key)
        return
    engine = config.serve.build(model if config.serve.model else config.endpoint.model)
    display.note(f"Starting {engine.name}; its log is {run.directory.server_log}")
    async with serve(engine, run.directory.server_log) as base_url:
        yield config.endpoint.build(base_url, engine.served_name, key)


def _announce(generation: Generation, display: Display) -> None:
    window = f" in a context of {generation.context}" if generation.context else ""
    limit = generation.sampling.max_tokens
    display.note(f"{generation.client.endpoint.model}: at most {limit} new tokens a chain{window}")


@asynccontextmanager
async def _session(endpoint: Endpoint) -> AsyncIterator[Session]:
    async with AsyncExitStack() as stack:
        try:
            session = await stack.enter_async_context(open_session(endpoint))
        except EndpointUnreachable as error:
            raise UsageError(str(error)) from error  # before the first chain a dead server is a mistake, not an accident
        yield session


def _generation(run: Preparation, session: Session) -> Generation:
    config = run.config
    if run.model and run.model != session.client.endpoint.model:
        raise UsageError(
            f"{run.directory.path} was made with the model {run.model}, but the server has {session.client.endpoint.model}"
        )
    max_tokens = reply_limit(config.sampling.max_tokens, run.strategy.plan(0, ""), session.context)
    counter = local_counter(config.endpoint.tokenizer) if config.endpoint.tokenizer else session.counter
    return Generation(
        session.client,
        run.prompts,
        config.sampling.build(max_tokens),
        COMPACTIONS[config.compaction],
        label(run.strategy),
        session.context,
        counter,
    )


def _record_start(
    run: Preparation, session: Session, generation: Generation, scoring: Scoring, arguments: Sequence[str]
) -> None:
    """Write `run.yaml`, the problems and the prompts once; a resumed run keeps them."""
    if run.directory.started:
        return
    sampling = run.config.sampling.model_copy(update={"max_tokens": generation.sampling.max_tokens})
    endpoint = run.config.endpoint
    if run.config.serve is None:
        endpoint = endpoint.model_copy(update={"model": session.client.endpoint.model})
    resolved = replace(run, config=run.config.model_copy(update={"sampling": sampling, "endpoint": endpoint}))
    run.directory.freeze(run.dataset, run.prompts)
    run.directory.write_run(
        {
            "model": session.client.endpoint.model,
            "strategy": label(run.strategy),
            "identity_sha256": identity_sha256(resolved),
            "config": resolved.config.model_dump(mode="json"),
            "provenance": provenance(run.dataset, session.models, run.prompts, scoring.versions, arguments),
        }
    )


async def _generate(
    run: Preparation,
    index: ChainIndex,
    generation: Generation,
    scoring: Scoring,
    display: Display,
    interrupts: Interrupts,
) -> RSAError | None:
    """Generate and score; gives what stopped it early, None if nothing did."""
    _begin(run, index, display)
    try:
        async with _Writer(run, generation, scoring, display) as writer:
            heartbeat = asyncio.ensure_future(_heartbeat(writer, display))
            try:
                limit = generation.client.endpoint.max_concurrency
                await execute(_jobs(run, index, writer.generate), limit, stop=lambda: interrupts.stopping)
            finally:
                heartbeat.cancel()
    except asyncio.CancelledError:
        if not interrupts.stopping:
            raise
        interrupts.forgive()
    except EndpointRefused as error:
        return RunFailed(f"the run stopped, because the endpoint refuses calls: {error}")
    except EndpointUnreachable as error:
        return Incomplete(f"{error}{log_tail(run.directory.server_log)}") if run.config.serve else error
    except RSAError as error:
        return error
    return None


async def _heartbeat(writer: "_Writer", display: Display) -> None:
    """Say from time to time that chains are on their way, for those that take minutes."""
    while True:
        await asyncio.sleep(_HEARTBEAT_SECONDS)
        display.beat(writer.in_flight)


def _begin(run: Preparation, index: ChainIndex, display: Display) -> None:
    plan = run.strategy.plan(0, "")
    pairs = len(run.dataset.problems) * run.config.task.repeats
    display.begin({step: pairs * len(population) for step, population in enumerate(plan.populations, 1)}, index.by_step())


Generating = Callable[[Question, Plan, PlannedChain, Sequence[Chain]], Awaitable[Chain]]


def _jobs(run: Preparation, index: ChainIndex, generate: Generating) -> Iterator[Job]:
    """Every repeat of every problem that has chains left to generate."""
    for key, plan, problem in _unfinished(run, index):
        yield Job(plan, partial(generate, problem.asked(run.config.sampling.system)), index.load(key))


def _unfinished(run: Preparation, index: ChainIndex) -> Iterator[tuple[ChainKey, Plan, Problem]]:
    for repeat in range(run.config.task.repeats):
        for problem in run.dataset.problems:
            plan = run.strategy.plan(run.config.seed, problem.id, repeat)
            key = (problem.id, repeat, label(run.strategy))
            if index.count(key) < len(plan):
                yield key, plan, problem


class _Writer:
    """Generates a chain and has it on the disk before any other chain reads it; its verdict follows when it is there."""

    def __init__(self, run: Preparation, generation: Generation, scoring: Scoring, display: Display) -> None:
        self.in_flight = 0
        self._generation = generation
        self._display = display
        self._problems = {problem.id: problem for problem in run.dataset.problems}
        self._logs = AsyncExitStack()
        self._chains = self._logs.enter_context(closing(AppendLog(run.directory.chains)))
        self._verdicts = self._logs.enter_context(closing(AppendLog(run.directory.verdicts)))
        self._queue = ScoringQueue(scoring, self._judged)

    async def __aenter__(self) -> Self:
        await self._logs.enter_async_context(self._queue)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._logs.__aexit__(kind, error, traceback)

    async def generate(self, question: Question, plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain:
        """What the scheduler calls for each chain."""
        self.in_flight += 1
        try:
            chain = await self._generation(question, plan, planned, parents)
        finally:
            self.in_flight -= 1
        self._chains.append(chain.to_record())
        await self._chains.flush()
        if chain.dead or planned.role is Role.VERIFY:
            self._display.chain(chain, None)
        else:
            await self._queue.put(self._problems[chain.problem], chain)
        return chain

    async def _judged(self, chain: Chain, verdict: Verdict) -> None:
        self._verdicts.append(verdict.to_record())
        await self._verdicts.flush()
        self._display.chain(chain, verdict)


def write_results(run: Preparation, model: str, scoring: Scoring) -> dict[str, Any]:
    """Write `summary.json` and `report.html` of all that is recorded, and give the summary."""
    task = run.config.task
    summary = summarise(run.directory, run.task_name, model, run.dataset, task.repeats, run.strategy, scoring.equivalence)
    run.directory.write_summary(summary)
    write_report(run.directory, summary)
    return summary


def _conclude(run: Preparation, model: str, scoring: Scoring, problem: RSAError | None) -> Outcome:
    summary = write_results(run, model, scoring)
    if problem is None:
        problem = _too_many_failures(summary, run.config.max_dead) if summary["complete"] else Incomplete("interrupted")
    return Outcome(summary, problem)


def _too_many_failures(summary: dict[str, Any], allowed: float) -> Incomplete | None:
    """Why a run that is done still counts as incomplete, if it does."""
    dead, chains = (sum(strategy[name] for strategy in summary["strategies"].values()) for name in ("dead", "chains"))
    if chains and dead / chains > allowed:
        return Incomplete(
            f"{dead} of {chains} chains are dead, more than max_dead={allowed:g} allows; "
            "the reasons are in chains.jsonl under 'error'; to generate them again resume with --retry-dead"
        )
    errors = summary["errors"]
    if chains and errors["verdicts"] / chains > allowed:
        return Incomplete(
            f"{errors['verdicts']} verdicts of {chains} chains ended in an error, more than max_dead={allowed:g} allows; "
            f"one is: {errors['example']}. When that is repaired, judge again with rsa-eval score"
        )
    return None
