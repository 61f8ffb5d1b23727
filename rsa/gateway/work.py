"""One request at work: its chains on the shared client, and the answers that come of them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from rsa.budget import Account, Bill, Purse
from rsa.chain import Chain
from rsa.compaction import COMPACTIONS
from rsa.errors import BudgetSpent, CallAbandoned, CallFailed, RunFailed
from rsa.gateway.config import GatewayConfig
from rsa.gateway.problems import ApiError, without_addresses
from rsa.gateway.progress import Progress
from rsa.gateway.runs import Run
from rsa.generation import Generation
from rsa.plan import Place, Plan, PlannedChain
from rsa.prompts import Prompts
from rsa.result import Result, result_of
from rsa.scheduler import Generate, Job, execute
from rsa.session import Session
from rsa.tokens import reply_limit

__all__ = ["Piece", "Work"]

_LOG = logging.getLogger("rsa.gateway")


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to tell while it goes on: a piece of the answer's text or of its reasoning, or progress."""

    text: str = ""
    reasoning: str = ""
    progress: str = ""


class _Purse(Purse):
    """Also knows whether a call for its chain is on its way, and not only waits for something."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        super().__init__(accounts)
        self._bills: set[Bill] = set()

    @property
    def sending(self) -> bool:
        return any(bill.sent for bill in self._bills)

    @asynccontextmanager
    async def call(self, prompt: int, completion: int) -> AsyncIterator[Bill]:
        async with super().call(prompt, completion) as bill:
            self._bills.add(bill)
            try:
                yield bill
            finally:
                self._bills.remove(bill)


class Work:
    """Makes the answers to one ask.

    `deadline` is a time of the running loop: what is complete by then answers. `record` is called with every chain, and
    `tell` with pieces as they come, where the ask wants a stream.
    """

    def __init__(
        self,
        run: Run,
        session: Session,
        prompts: Prompts,
        config: GatewayConfig,
        deadline: float,
        record: Callable[[Chain], None],
        tell: Callable[[Piece], None],
    ) -> None:
        self._run = run
        self._ask = run.ask
        self._session = session
        self._prompts = prompts
        self._on_overflow = config.defaults.on_overflow
        self._seconds = config.limits.seconds
        self._deadline = deadline
        self._record = record
        self._tell = tell
        self._failures: dict[Place, CallFailed] = {}
        self._progress = Progress(self._ask.plan, self._ask.question.kind, run.answering)
        self._account = Account("this request", self._ask.budget)
        self._under_way: dict[asyncio.Future[Chain], _Purse] = {}
        self._dropped: set[asyncio.Future[Chain]] = set()
        self._heard: Place | None = None  # the chain whose text was passed on while it was written
        self._timed_out: str | None = None

    async def answer(self) -> tuple[Chain, ...]:
        """The chains that answer, the chosen one first.

        Raises an `ApiError` where the time is over before anything could answer, or a streamed answer broke off, and the
        errors of `rsa.arun`.
        """
        ask, generation = self._ask, self._generation()
        job = Job(ask.plan, self._maker(generation), {}, self._run.answering)
        try:
            async with asyncio.timeout_at(self._deadline):
                with self._account.deadline(self._drop_what_waits):
                    await execute([job], self._session.client.gate, self._take, lambda: self._account.told() is not None)
        except TimeoutError:
            self._timed_out = f"the time limit of {self._seconds:g} seconds is over"
        result = self._result(job)
        if self._heard not in (None, result.chosen.place):
            raise ApiError(504, f"{result.stopped}: the answer was cut off", "time_limit")
        if ask.stream and self._heard is None:
            self._tell(Piece(result.text, result.chosen.reasoning or ""))
        members = self._members(result)
        self._run.stopped = result.stopped
        if len(members) < ask.choices:
            self._run.note = (
                f"n={ask.choices} answers were asked for, but only {len(members)} chains of the last step are alive"
            )
        return members

    def _drop_what_waits(self) -> None:
        """The budget's seconds are over: calls on their way may end, and no other is sent."""
        for made, purse in self._under_way.items():
            if not purse.sending:
                self._dropped.add(made)
                made.cancel()

    def _result(self, job: Job) -> Result:
        told = self._account.told() or self._timed_out
        try:
            return result_of(job, self._run.chains, self._ask.question.kind, self._ask.select, told)
        except BudgetSpent as error:
            if self._timed_out or self._account.seconds_left <= 0:
                remedy = "ask for less (rsa.n, rsa.steps, max_tokens) or allow more time"
                raise ApiError(504, f"{told}, before anything could answer: {remedy}", "time_limit") from error
            raise
        except RunFailed as error:
            raise error from self._failures.get(min(self._failures, default=(0, 0)))

    def _members(self, result: Result) -> tuple[Chain, ...]:
        """As many as are asked for: the chosen one, then others of its population in drawn order."""
        step = result.chosen.step
        by_slot = {member.slot: member for member in result.population if member is not result.chosen}
        line = self._ask.plan.key(step, 0, "select").permutation(max(by_slot, default=0) + 1)
        others = [by_slot[slot] for slot in line if slot in by_slot]
        return (result.chosen, *others)[: self._ask.choices]

    def _take(self, chain: Chain) -> None:
        self._record(chain)
        if not self._ask.stream:
            return
        told = self._progress.add(chain)
        if self._heard is None and not chain.dead:  # so that a request of which nothing comes gets a status of its own
            self._tell(Piece(progress=told))

    def _generation(self) -> Generation:
        ask, session = self._ask, self._session
        limit = reply_limit(ask.sampling.max_tokens, ask.plan, session.context)
        return Generation(
            session.client,
            self._prompts,
            replace(ask.sampling, max_tokens=limit),
            COMPACTIONS[ask.compaction],
            ask.label,
            session.context,
            session.counter,
            self._on_overflow,
            on_failure=self._note_failure,
        )

    def _note_failure(self, planned: PlannedChain, error: CallFailed) -> None:
        self._failures[planned.place] = error
        _LOG.warning("run %s: the chain of step %d in slot %d is dead: %s", self._run.id, planned.step, planned.slot, error)

    def _maker(self, generation: Generation) -> Generate:
        """Makes the chains; those of the step that answers with the fields that are for it alone."""
        final = replace(generation, own=self._ask.last) if self._ask.last else generation
        judging = self._ask.plan.judging_steps
        answers_in = max(step for step in range(1, self._ask.plan.steps + 1) if step not in judging)

        def make(plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Coroutine[Any, Any, Chain | None]:
            return self._make(final if planned.step == answers_in else generation, plan, planned, parents)

        return make

    async def _make(
        self, generation: Generation, plan: Plan, planned: PlannedChain, parents: Sequence[Chain]
    ) -> Chain | None:
        """The chain; None if the budget does not allow it."""

        def hear(text: str, reasoning: str) -> None:
            self._heard = planned.place
            self._tell(Piece(text, reasoning))

        live = self._ask.stream and self._run.answering is not None and planned.step == plan.steps
        purse = _Purse([self._account])
        made = asyncio.ensure_future(generation(self._ask.question, plan, planned, parents, purse, hear if live else None))
        self._under_way[made] = purse
        self._run.under_way.add(planned.place)
        try:
            chain = await made
        except CallAbandoned:
            return None
        except asyncio.CancelledError:
            if made in self._dropped:
                return None
            raise
        finally:
            del self._under_way[made]
            self._run.under_way.discard(planned.place)
            made.cancel()
        if chain.dead and self._heard == chain.place:  # what was passed on cannot be taken back
            self._record(chain)
            raise ApiError(
                502, f"the answer broke off: {without_addresses(chain.error or '')}; ask again", "upstream_failed"
            )
        return chain
