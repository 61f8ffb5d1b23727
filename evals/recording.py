"""Makes the chains of a run, and has each on the disk before any other chain reads it."""

from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from types import TracebackType
from typing import Self

from evals.display import Display
from evals.index import ChainIndex
from evals.preparation import Preparation
from evals.scoring import Scoring, ScoringQueue, Verdict
from evals.spending import Accounts
from evals.store import AppendLog
from rsa.chain import Chain
from rsa.errors import CallAbandoned
from rsa.generation import Generation, Question
from rsa.plan import Plan, PlannedChain, Role

__all__ = ["Recorder"]


class Recorder:
    """Generates, records and has judged: a chain's verdict follows when it is there."""

    def __init__(
        self,
        run: Preparation,
        index: ChainIndex,
        generation: Generation,
        accounts: Accounts,
        scoring: Scoring,
        display: Display,
    ) -> None:
        self._index = index
        self._generation = generation
        self._accounts = accounts
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

    async def make(self, question: Question, plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain | None:
        """What the scheduler calls for each chain; None if it is left for another run."""
        purse = self._accounts.purse((plan.problem, plan.repeat))
        try:
            chain = await self._generation(question, plan, planned, parents, purse)
        except CallAbandoned:
            return None
        self._index.add(chain, self._chains.append(chain.to_record()))
        await self._chains.flush()
        self._display.chain(chain)
        if not chain.dead and planned.role is not Role.VERIFY:
            await self._queue.put(self._problems[chain.problem], chain)
        return chain

    async def _judged(self, chain: Chain, verdict: Verdict) -> None:
        self._verdicts.append(verdict.to_record())
        await self._verdicts.flush()
        self._display.judged(chain, verdict)
