"""A run from its configuration to its summary."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from evals.answers import Answers, lines, short
from evals.directory import write_parts
from evals.display import Display
from evals.index import ChainIndex, VerdictIndex, run_index
from evals.interrupts import Interrupts
from evals.preparation import Preparation, api_key, identity_sha256
from evals.problems import Problem
from evals.provenance import provenance
from evals.recording import Recorder
from evals.report import write_report
from evals.rescoring import score_missing
from evals.scoring import Scoring
from evals.spending import Accounts
from evals.stats import Group, Subject
from evals.summary import recorded, summarise
from rsa.chain import Chain
from rsa.compaction import COMPACTIONS
from rsa.endpoint import Client, Endpoint
from rsa.errors import EndpointRefused, EndpointUnreachable, Incomplete, RSAError, RunFailed, UsageError
from rsa.generation import Generation, Question
from rsa.plan import Plan, PlannedChain
from rsa.scheduler import Job, execute
from rsa.serving import serve
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
            index = run_index(run)
            if run.model:
                score_missing(run.directory, run.dataset.problems, index, scoring)
            if run.model and not any(_unfinished(run, index)):
                return _conclude(run, run.model, scoring, index, None)
            ended = asyncio.get_running_loop().create_future()
            async with _endpoint(run, display, ended) as endpoint, _session(endpoint) as session:
                ended.add_done_callback(partial(_server_ended, session.client))
                interrupts.on_first.append(session.client.wind_down)
                generation = _generation(run, session)
                model = session.client.endpoint.model or ""
                _record_start(run, session, generation, scoring, arguments)
                _announce(generation, display)
                interrupts.graceful = True
                problem = await _generate(run, index, generation, scoring, display, interrupts)
                interrupts.graceful = False
                outcome = _conclude(run, model, scoring, index, problem)
        except asyncio.CancelledError:
            if not interrupts.stopping:
                raise
            interrupts.forgive()
            if outcome is None:  # still starting
                raise Incomplete("interrupted") from None
    return outcome


@asynccontextmanager
async def _endpoint(run: Preparation, display: Display, ended: asyncio.Future[str]) -> AsyncIterator[Endpoint]:
    """The running server, or one that is started for the run. Should that end early, `ended` gets what is known of it."""
    config = run.config
    model, key = run.model or config.endpoint.model, api_key(config.endpoint.api_key_env)
    if config.serve is None:
        yield config.endpoint.build(config.endpoint.base_url or "", model, key)
        return
    engine = config.serve.build(model if config.serve.model else config.endpoint.model)
    display.note(f"Starting {engine.name}; its log is {run.directory.server_log}")
    async with serve(engine, run.directory.server_log, ended.set_result) as base_url:
        yield config.endpoint.build(base_url, engine.served_name, key)


def _server_ended(client: Client, ended: asyncio.Future[str]) -> None:
    if not ended.cancelled():
        client.wind_down(EndpointUnreachable(ended.result()))


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
        config.on_overflow,
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
    client = generation.client
    max_tokens = generation.sampling.max_tokens or 0
    accounts = Accounts(run.config, index, max_tokens, run.directory.spending)
    try:
        async with Recorder(run, index, generation, accounts, scoring, display) as recorder:
            heartbeat = asyncio.ensure_future(_heartbeat(recorder, client, display))
            try:
                jobs = _jobs(run, index, recorder.make)
                with accounts.whole.deadline(client.wind_down):
                    await execute(jobs, client.gate, stop=lambda: interrupts.stopping or accounts.over)
            finally:
                heartbeat.cancel()
    except asyncio.CancelledError:
        if not interrupts.stopping:
            raise
        interrupts.forgive()
        return Incomplete("interrupted")
    except EndpointRefused as error:
        return RunFailed(f"the run stopped, because the endpoint refuses calls: {error}")
    except RSAError as error:
        return error
    finally:
        accounts.save()
        _tell_faults(client, display)
    told = accounts.told()
    return Incomplete(told, "with a higher budget") if told and any(_unfinished(run, index)) else None


def _tell_faults(client: Client, display: Display) -> None:
    if client.faults:
        kinds = ", ".join(f"{count} x {kind}" for kind, count in client.faults.most_common())
        waited = f"; the server was gone for {client.seconds_waited:.0f} s" if client.seconds_waited >= 1 else ""
        display.note(f"Attempts that failed: {kinds}{waited}")


async def _heartbeat(recorder: Recorder, client: Client, display: Display) -> None:
    """Say from time to time that chains are on their way, for those that take minutes, or that the server is gone."""
    gone = False
    while True:
        await asyncio.sleep(_HEARTBEAT_SECONDS)
        if client.gone != gone:
            gone = client.gone
            waiting = f"The server does not answer: waiting up to {client.endpoint.patience:g} s for it"
            display.note(waiting if gone else "The server is back")
        display.beat(recorder.in_flight)


def _begin(run: Preparation, index: ChainIndex, display: Display) -> None:
    plan = run.strategy.plan(0, "")
    pairs = len(run.dataset.problems) * run.config.task.repeats
    display.begin({step: pairs * len(population) for step, population in enumerate(plan.populations, 1)}, index.by_step())


Making = Callable[[Question, Plan, PlannedChain, Sequence[Chain]], Awaitable[Chain | None]]


def _jobs(run: Preparation, index: ChainIndex, make: Making) -> Iterator[Job]:
    """Every repeat of every problem that has chains left to generate."""
    for group, plan, problem in _unfinished(run, index):
        yield Job(plan, partial(make, problem.asked(run.config.sampling.system)), index.load(group))


def _unfinished(run: Preparation, index: ChainIndex) -> Iterator[tuple[Group, Plan, Problem]]:
    for repeat in range(run.config.task.repeats):
        for problem in run.dataset.problems:
            group = (problem.id, repeat)
            if index.count(group) < len(index.layout.places):  # to make a plan takes some milliseconds
                yield group, run.strategy.plan(run.config.seed, *group), problem


def write_results(run: Preparation, model: str, scoring: Scoring, index: ChainIndex) -> dict[str, Any]:
    """Write `answers.jsonl`, `summary.json` and `report.html` of all that is recorded, and give the summary."""
    index.refresh()
    verdicts = VerdictIndex(run.directory.verdicts, index.layout)
    repeats = run.config.task.repeats
    subjects = {problem.id: Subject(scoring.equivalence(problem), problem.groups) for problem in run.dataset.problems}
    answers = Answers(run.strategy, run.config.seed, subjects)
    groups = answers.noting(recorded(index, verdicts))
    summary = summarise(groups, verdicts, run.task_name, model, run.dataset, repeats, run.strategy, subjects)
    found = answers.all(subjects, repeats)
    summary["short"] = short(found)
    write_parts(run.directory.answers, lines(found))
    run.directory.write_summary(summary)
    write_report(run.directory, summary)
    return summary


def _conclude(run: Preparation, model: str, scoring: Scoring, index: ChainIndex, problem: RSAError | None) -> Outcome:
    try:
        summary = write_results(run, model, scoring, index)
    except Incomplete as error:
        raise problem or error from error  # the same full disk, say, that stopped the run
    if problem is None:
        problem = _too_many_failures(summary, run.config.max_dead) if summary["complete"] else Incomplete("interrupted")
    return Outcome(summary, problem)


def _too_many_failures(summary: dict[str, Any], allowed: float) -> Incomplete | None:
    """Why a run that is done still counts as incomplete, if it does."""
    dead, chains = (sum(strategy[name] for strategy in summary["strategies"].values()) for name in ("dead", "chains"))
    if chains and dead / chains > allowed:
        return Incomplete(
            f"{dead} of {chains} chains are dead, more than max_dead={allowed:g} allows; "
            "the reasons are in chains.jsonl under 'error'; to generate them again resume with --retry-dead",
            "--retry-dead",
        )
    errors = summary["errors"]
    if chains and errors["verdicts"] / chains > allowed:
        return Incomplete(
            f"{errors['verdicts']} verdicts of {chains} chains ended in an error, more than max_dead={allowed:g} allows; "
            f"one is: {errors['example']}. When that is repaired, judge again with rsa-eval score"
        )
    return None
