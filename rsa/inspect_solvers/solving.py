"""One sample: its chains on inspect_ai's model, and the answer in its state."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

import anyio
from inspect_ai.log import transcript
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.solver import TaskState
from inspect_ai.util import LimitExceededError, span

from rsa.chain import Chain
from rsa.compaction import COMPACTIONS
from rsa.demand import answering
from rsa.endpoint import CallableClient, CallableEndpoint, Sampling
from rsa.errors import BudgetSpent, RunFailed, UsageError
from rsa.generation import Generation
from rsa.inspect_solvers.calls import Calls, Conversation
from rsa.inspect_solvers.internals import active_generate_config
from rsa.inspect_solvers.options import Settings
from rsa.inspect_solvers.records import STORE_KEY, record_of, span_name, table_of
from rsa.ordering import ordered
from rsa.plan import Plan, PlannedChain
from rsa.result import Result, result_of
from rsa.scheduler import Job, execute
from rsa.strategies import label

__all__ = ["answered"]

_NO_TIME_LIMIT = 1e9  # seconds: inspect_ai has limits of its own
_CANCELLED = "a time limit or an interrupt ended the sample"
_RETRIES = 2  # for blank replies: inspect_ai has tried everything else again itself


async def answered(settings: Settings, state: TaskState, config: GenerateConfig) -> TaskState:
    """The state with the answer of a strategy to its last turn. `config` goes before what the eval says.

    Where a limit of inspect_ai or a cancellation ends the work, it passes on, and the state has the best answer so far.
    Raises `UsageError` for a sample that cannot be aggregated, and `RunFailed` if the last population is dead.
    """
    conversation = Conversation.of(state)
    _check_backend()
    seed = settings.seed if settings.seed is not None else active_generate_config().seed or 0
    plan = settings.strategy.plan(seed, str(state.sample_id), state.epoch - 1)
    work = _Work(settings, ordered(plan, settings.candidate_order), Calls(get_model(), conversation, config))
    async with span(label(settings.strategy), type="rsa"):
        try:
            await _in_full(work.generate())
        except (LimitExceededError, asyncio.CancelledError) as stop:
            with suppress(RunFailed, BudgetSpent):  # there is no answer so far
                work.settle(state, stop.message if isinstance(stop, LimitExceededError) else _CANCELLED)
            raise
        work.settle(state, None)
    return state


class _Work:
    """A strategy at work on one sample."""

    def __init__(self, settings: Settings, plan: Plan, calls: Calls) -> None:
        self._settings = settings
        self._calls = calls
        self._question = calls.conversation.question(settings.kind)
        self._chains: list[Chain] = []
        self._job = Job(plan, self._make, answering=answering(plan, settings.need, settings.select))
        self._client = CallableClient(
            CallableEndpoint(calls, str(calls.model), max_concurrency=len(plan), timeout=_NO_TIME_LIMIT, retries=_RETRIES)
        )
        self._generation = Generation(
            self._client,
            settings.prompts,
            Sampling(),
            COMPACTIONS[settings.compaction],
            label(settings.strategy),
            on_overflow=settings.on_overflow,
        )

    async def generate(self) -> None:
        """Make the chains. How many are on their way at a time is for inspect_ai to say."""
        await execute([self._job], self._client.gate, self._chains.append)

    async def _make(self, plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain:
        async with span(span_name(planned, parents), type="rsa_chain"):
            chain = await self._generation(self._question, plan, planned, parents)
            if chain.dead:
                transcript().info(f"This chain is dead: {chain.error}", source="rsa")
        return chain

    def settle(self, state: TaskState, stopped: str | None) -> None:
        """Put the record of the run and its answer into the state. `stopped` says what ended it early.

        Raises `RunFailed` or `BudgetSpent` where there is no answer; the record is there all the same.
        """
        result: Result | None = None
        try:
            result = result_of(self._job, self._chains, self._settings.kind, self._settings.select, stopped)
        finally:
            record = record_of(self._settings, self._job.plan, self._chains, result, stopped)
            record["calls"], record["usage"] = self._calls.number, self._calls.usage.model_dump(exclude_none=True)
            state.store.set(STORE_KEY, [*state.store.get(STORE_KEY, []), record])
            transcript().info(table_of(record, result), source="rsa")
        state.output = self._calls.output_of(result.chosen)
        state.messages.append(state.output.message)


def _check_backend() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise UsageError("the solvers of rsa need asyncio: unset INSPECT_ASYNC_BACKEND, or set it to asyncio") from None


async def _in_full(work: Coroutine[Any, Any, None]) -> None:
    """Await work. When this is cancelled the work is as well, and has ended before it is left.

    anyio cancels a task in a scope whenever it waits, also while it ends its own tasks: so the work is outside of the scope.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.gather(task, return_exceptions=True)
        raise
