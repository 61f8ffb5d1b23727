"""A run from its configuration to its summary."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from evals.display import Display
from evals.interrupts import Interrupts
from evals.preparation import Preparation, api_key
from evals.provenance import provenance
from evals.report import write_report
from evals.rescoring import score_missing
from evals.scoring import score
from evals.store import AppendLog, ChainIndex, write_whole
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

__all__ = ["Outcome", "evaluate"]


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
    with interrupts.installed():
        async with _endpoint(run, display) as endpoint, _session(endpoint) as session:
            generation = _generation(run, session)
            _record_start(run, session, generation, arguments)
            interrupts.graceful = True
            problem = await _generate(run, generation, display, interrupts)
        return _conclude(run, session, problem)


@asynccontextmanager
async def _endpoint(run: Preparation, display: Display) -> AsyncIterator[Endpoint]:
    """The running server, or one that is started for the run."""
    config = run.config
    if config.serve is None:
        yield config.endpoint.build(config.endpoint.base_url or "", run.model or config.endpoint.model, api_key(config))
        return
    engine = config.serve.build(config.endpoint.model)
    display.note(f"Starting {engine.name}; its log is {run.directory.server_log}")
    async with serve(engine, run.directory.server_log) as base_url:
        yield config.endpoint.build(base_url, engine.served_name, api_key(config))


@asynccontextmanager
async def _session(endpoint: Endpoint) -> AsyncIterator[Session]:
    try:
        async with open_session(endpoint) as session:
            yield session
    except EndpointUnreachable as error:
        raise UsageError(str(error)) from error  # before the first chain a dead server is a mistake, not an accident


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


def _record_start(run: Preparation, session: Session, generation: Generation, arguments: Sequence[str]) -> None:
    """Write `run.yaml` and the problems once; a resumed run keeps them."""
    if run.directory.started:
        return
    config = run.config.model_dump(mode="json")
    config["sampling"]["max_tokens"] = generation.sampling.max_tokens
    if run.config.serve is None:
        config["endpoint"]["model"] = session.client.endpoint.model
    write_whole(run.directory.problems, run.dataset.lines().decode())
    run.directory.write_run(
        {
            "model": session.client.endpoint.model,
            "strategy": label(run.strategy),
            "config": config,
            "provenance": provenance(run.dataset, session.models, run.prompts, arguments),
        }
    )


async def _generate(run: Preparation, generation: Generation, display: Display, interrupts: Interrupts) -> RSAError | None:
    """Generate and score; gives what stopped it early, None if nothing did."""
    score_missing(run.directory, run.dataset.problems, run.strategy)
    index = ChainIndex(run.directory.chains)
    writer = _Writer(run, generation, display)
    problem: RSAError | None = None
    _begin(run, index, display)
    try:
        await execute(
            _jobs(run, index, writer), generation.client.endpoint.max_concurrency, stop=lambda: interrupts.stopping
        )
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if not interrupts.stopping or task is None:
            raise
        task.uncancel()
    except EndpointRefused as error:
        problem = RunFailed(f"the run stopped, because the endpoint refuses calls: {error}")
    except EndpointUnreachable as error:
        problem = Incomplete(f"{error}{log_tail(run.directory.server_log)}") if run.config.serve else error
    except RSAError as error:
        problem = error
    finally:
        writer.close()
    return problem


def _begin(run: Preparation, index: ChainIndex, display: Display) -> None:
    plan = run.strategy.plan(0, "")
    pairs = len(run.dataset.problems) * run.config.task.repeats
    display.begin({step: pairs * len(population) for step, population in enumerate(plan.populations, 1)}, index.by_step())


def _jobs(run: Preparation, index: ChainIndex, writer: "_Writer") -> Iterator[Job]:
    """Every repeat of every problem that has chains left to generate."""
    for repeat in range(run.config.task.repeats):
        for problem in run.dataset.problems:
            plan = run.strategy.plan(run.config.seed, problem.id, repeat)
            key = (problem.id, repeat, label(run.strategy))
            if index.count(key) < len(plan):
                yield Job(plan, partial(writer.generate, problem.asked(run.config.sampling.system)), index.load(key))


class _Writer:
    """Generates a chain, scores it and has both on the disk before any other chain reads it."""

    def __init__(self, run: Preparation, generation: Generation, display: Display) -> None:
        self._generation = generation
        self._display = display
        self._problems = {problem.id: problem for problem in run.dataset.problems}
        self._chains = AppendLog(run.directory.chains)
        self._verdicts = AppendLog(run.directory.verdicts)

    async def generate(self, question: Question, plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain:
        chain = await self._generation(question, plan, planned, parents)
        self._chains.append(chain.to_record())
        verdict = None
        if not chain.dead and planned.role is not Role.VERIFY:
            verdict = score(self._problems[chain.problem], chain)
            self._verdicts.append(verdict.to_record())
        await self._chains.flush()
        await self._verdicts.flush()
        self._display.chain(chain, verdict)
        return chain

    def close(self) -> None:
        self._chains.close()
        self._verdicts.close()


def _conclude(run: Preparation, session: Session, problem: RSAError | None) -> Outcome:
    summary = summarise(
        run.directory,
        run.task_name,
        session.client.endpoint.model or "",
        run.dataset.problems,
        run.config.task.repeats,
        run.strategy,
    )
    run.directory.write_summary(summary)
    write_report(run.directory, summary)
    if problem is None:
        problem = _too_many_dead(summary, run.config.max_dead) if summary["complete"] else Incomplete("interrupted")
    return Outcome(summary, problem)


def _too_many_dead(summary: dict[str, Any], allowed: float) -> Incomplete | None:
    counts: Counter[str] = Counter()
    for strategy in summary["strategies"].values():
        counts.update(dead=strategy["dead"], chains=strategy["chains"])
    if not counts["chains"] or counts["dead"] / counts["chains"] <= allowed:
        return None
    return Incomplete(
        f"{counts['dead']} of {counts['chains']} chains are dead, more than max_dead={allowed:g} allows; "
        "the reasons are in chains.jsonl under 'error'"
    )
