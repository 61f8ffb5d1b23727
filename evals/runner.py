"""Runs from their configuration to their summary: one, or several that share a server and their chains."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from evals.display import Display, Outset, outset, spent, vitals
from evals.index import ChainIndex, run_index
from evals.interrupts import Interrupts
from evals.preparation import Preparation, identity_sha256
from evals.problems import Problem
from evals.provenance import provenance
from evals.recording import Recorder
from evals.rescoring import score_missing
from evals.results import too_many_failures, write_results
from evals.scoring import Scoring
from evals.server import open_server
from evals.sharing import Sibling, take_over
from evals.spending import Accounts
from evals.stats import Group
from rsa.chain import Chain
from rsa.compaction import COMPACTIONS
from rsa.endpoint import Client
from rsa.errors import EndpointRefused, Incomplete, RSAError, RunFailed, UsageError
from rsa.generation import Generation, Question
from rsa.plan import Plan, PlannedChain
from rsa.scheduler import Job, execute
from rsa.session import Session
from rsa.strategies import label
from rsa.tokens import local_counter, reply_limit

__all__ = ["Outcome", "evaluate"]

_BEAT_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `problem` says why it is not complete, None if it is."""

    summary: dict[str, Any]
    problem: RSAError | None = None


def evaluate(runs: Sequence[Preparation], command: Sequence[str], display: Display) -> list[Outcome]:
    """Run what is not recorded yet, and write the summary of all that is.

    Runs have the same endpoint and come one after the other; the first that is stopped is the last. A chain that an earlier
    run has recorded is taken over, not generated again. Raises `UsageError` if a run cannot start at all; whatever stops it
    later is told by its outcome.
    """
    gc.freeze()  # or to look through all that was imported, again and again, is a fourteenth of a run's CPU
    try:
        return asyncio.run(_evaluate(runs, command, display))
    finally:
        gc.unfreeze()


async def _evaluate(runs: Sequence[Preparation], command: Sequence[str], display: Display) -> list[Outcome]:
    interrupts = Interrupts(lambda: display.note("Stopping: waiting for the chains in flight. Ctrl-C again stops now."))
    series = _Series(runs, command, display, interrupts)
    with interrupts.installed():
        try:
            async with AsyncExitStack() as stack:
                for run in runs:
                    await series.evaluate(run, stack)
                    if not series.outcomes[-1].summary["complete"]:
                        break
        except asyncio.CancelledError:
            if not interrupts.stopping:
                raise
            interrupts.forgive()
            if not series.outcomes or series.begun > len(series.outcomes):  # the last one is still starting
                raise Incomplete("interrupted") from None
    return series.outcomes


@dataclass(slots=True)
class _Series:
    """Runs one after the other. The server is asked when the first of them has something to generate."""

    runs: Sequence[Preparation]
    command: Sequence[str]
    display: Display
    interrupts: Interrupts
    begun: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    _session: Session | None = None
    _siblings: list[Sibling] = field(default_factory=list)

    async def evaluate(self, run: Preparation, stack: AsyncExitStack) -> None:
        """Evaluate the next run. What it needs of the server stays open until `stack` is closed."""
        self.begun += 1
        with run.scoring() as scoring:
            index = run_index(run)
            if run.model:
                score_missing(run.directory, run.dataset.problems, index, scoring)
            problem = None
            if not run.model or any(_unfinished(run, index)):
                run, problem = await self._generate(run, index, scoring, stack)
            self.outcomes.append(_conclude(run, scoring, index, problem))
        self._siblings.append((run, index))

    async def _generate(
        self, run: Preparation, index: ChainIndex, scoring: Scoring, stack: AsyncExitStack
    ) -> tuple[Preparation, RSAError | None]:
        """The run as it was started, and what stopped it early, if anything did."""
        if self._session is None:
            self._session = await stack.enter_async_context(open_server(run, self.display))
            self.interrupts.on_first.append(self._session.client.wind_down)
        generation = _generation(run, self._session, self._reply_limit(run, self._session))
        run = _started(run, self._session, generation, scoring, self.command)
        if not take_over(run, index, self._siblings):
            score_missing(run.directory, run.dataset.problems, index, scoring)
        _announce(generation, self.display)
        self.interrupts.graceful = True
        client, title = self._session.client, self._title(run)
        problem = await _generate(run, index, client, generation, scoring, self.display, self.interrupts, title)
        self.interrupts.graceful = False
        return run, problem

    def _title(self, run: Preparation) -> str | None:
        return f"{self.begun} of {len(self.runs)}: {label(run.strategy)}" if len(self.runs) > 1 else None

    def _reply_limit(self, run: Preparation, session: Session) -> int:
        """How long a reply may be: for all runs the same where it is left open, so that they can share chains."""
        wanted = run.config.sampling.max_tokens
        limits = [each.config.sampling.max_tokens or _own_limit(each, session) for each in self.runs]
        return min(limits) if wanted is None else _own_limit(run, session)


def _own_limit(run: Preparation, session: Session) -> int:
    return reply_limit(run.config.sampling.max_tokens, run.strategy.plan(0, ""), session.context)


def _announce(generation: Generation, display: Display) -> None:
    window = f" in a context of {generation.context}" if generation.context else ""
    limit = generation.sampling.max_tokens
    display.note(f"{generation.client.model}: at most {limit} new tokens a chain{window}")


def _generation(run: Preparation, session: Session, max_tokens: int) -> Generation:
    config = run.config
    if run.model and run.model != session.client.endpoint.model:
        raise UsageError(
            f"{run.directory.path} was made with the model {run.model}, but the server has {session.client.endpoint.model}"
        )
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


def _started(
    run: Preparation, session: Session, generation: Generation, scoring: Scoring, command: Sequence[str]
) -> Preparation:
    """The run with what the server settled. `run.yaml`, the problems and the prompts are written once; a resumed run keeps
    them."""
    if run.directory.started:
        return run
    sampling = run.config.sampling.model_copy(update={"max_tokens": generation.sampling.max_tokens})
    endpoint = run.config.endpoint
    if run.config.serve is None:
        endpoint = endpoint.model_copy(update={"model": session.client.endpoint.model})
    config = run.config.model_copy(update={"sampling": sampling, "endpoint": endpoint})
    resolved = replace(run, config=config, model=session.client.endpoint.model)
    run.directory.freeze(run.dataset, run.prompts)
    run.directory.write_run(
        {
            "model": resolved.model,
            "strategy": label(run.strategy),
            "identity_sha256": identity_sha256(resolved),
            "config": config.model_dump(mode="json"),
            "provenance": provenance(run.dataset, session.models, run.prompts, scoring.versions, command),
        }
    )
    return resolved


async def _generate(
    run: Preparation,
    index: ChainIndex,
    client: Client,
    generation: Generation,
    scoring: Scoring,
    display: Display,
    interrupts: Interrupts,
    title: str | None,
) -> RSAError | None:
    """Generate and score; gives what stopped it early, None if nothing did."""
    max_tokens = generation.sampling.max_tokens or 0
    accounts = Accounts(run.config, index, max_tokens, run.directory.spending)
    faults, waited = client.faults.copy(), client.seconds_waited

    def stopping() -> bool:
        return interrupts.stopping or accounts.over

    display.begin(_outset(run, index), lambda: vitals(client, accounts.whole, stopping), title)
    try:
        async with _beating(display), Recorder(run, index, generation, accounts, scoring, display) as recorder:
            jobs = _jobs(run, index, recorder.make)
            with accounts.whole.deadline(client.wind_down):
                await execute(jobs, client.gate, stop=stopping)
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
        display.end()
        accounts.save()
        _tell_faults(client.faults - faults, client.seconds_waited - waited, display)
        _tell_spending(accounts, display)
    told = accounts.told()
    return Incomplete(told, "with a higher budget") if told and any(_unfinished(run, index)) else None


def _tell_faults(faults: Counter[str], waited: float, display: Display) -> None:
    if faults:
        kinds = ", ".join(f"{count} x {kind}" for kind, count in faults.most_common())
        gone = f"; the server was gone for {waited:.0f} s" if waited >= 1 else ""
        display.note(f"Attempts that failed: {kinds}{gone}")


def _tell_spending(accounts: Accounts, display: Display) -> None:
    if told := spent(accounts.whole):
        display.note(told)


@asynccontextmanager
async def _beating(display: Display) -> AsyncIterator[None]:
    """Have the display show from time to time how things are."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            display.beat()

    beating = asyncio.ensure_future(beat())
    try:
        yield
    finally:
        beating.cancel()


def _outset(run: Preparation, index: ChainIndex) -> Outset:
    populations = len(run.dataset.problems) * run.config.task.repeats
    return outset(run.strategy.plan(0, ""), populations, index, run.directory.verdicts)


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
                yield group, run.plan(*group), problem


def _conclude(run: Preparation, scoring: Scoring, index: ChainIndex, problem: RSAError | None) -> Outcome:
    try:
        summary = write_results(run, scoring, index)
    except Incomplete as error:
        raise problem or error from error  # the same full disk, say, that stopped the run
    if problem is None:
        problem = too_many_failures(summary, run.config.max_dead) if summary["complete"] else Incomplete("interrupted")
    return Outcome(summary, problem)
