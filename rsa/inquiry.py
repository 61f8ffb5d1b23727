"""Questions at work with one strategy: what has come of each so far, told as soon as it is there."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from rsa.budget import Account, Purse
from rsa.chain import Chain
from rsa.errors import BudgetSpent, CallAbandoned, RSAError, RunFailed
from rsa.generation import Generation, Question
from rsa.kinds import Kind
from rsa.plan import Plan, PlannedChain
from rsa.result import Result, is_complete, result_of
from rsa.scheduler import Job, Limit, execute
from rsa.strategies import Select

__all__ = ["Inquiry", "Outcome", "affordable"]

Outcome = Result | RSAError
"""What became of one of several questions: its result, or the error that `rsa.run` of that question alone would raise."""


class Inquiry:
    """Works on a job for each question, which are taken up when there is room.

    The `on_` functions are told every chain, and every outcome with the number of its job.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        kind: Kind,
        select: Select,
        account: Account,
        on_chain: Callable[[Chain], None] | None,
        on_result: Callable[[int, Outcome], None] | None,
    ) -> None:
        self._coming = self._taken_up(jobs)
        self._kind = kind
        self._select = select
        self._account = account
        self._on_chain = on_chain
        self._on_result = on_result
        self._jobs: dict[int, Job] = {}  # those without an outcome, and their chains: plans of many questions take room
        self._chains: dict[int, list[Chain]] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._callers: RSAError | None = None

    def _taken_up(self, jobs: Iterable[Job]) -> Iterator[Job]:
        for number, job in enumerate(jobs):
            self._jobs[number] = job
            self._chains[number] = list(job.recorded.values())
            self._numbers[job.plan.problem, job.plan.repeat] = number
            yield job

    async def outcomes(self, limit: Limit) -> list[Outcome]:
        """The outcomes in the order of the jobs.

        An error that stops all work is raised if nothing was answered before it; otherwise it is the outcome of every
        question that was not.
        """
        stopped: RSAError | None = None
        try:
            await execute(self._coming, limit, self._take, lambda: self._account.told() is not None)
        except RSAError as error:
            if error is self._callers or not any(isinstance(outcome, Result) for outcome in self._outcomes.values()):
                raise
            stopped = error
        for _ in self._coming:  # those that were never begun
            pass
        for number in list(self._jobs):
            self._settle(number, stopped or self._outcome(number))
        return [self._outcomes[number] for number in sorted(self._outcomes)]

    def _take(self, chain: Chain) -> None:
        try:
            self._count(chain)
        except RSAError as error:  # out of the caller's own functions: no outcome of a question
            self._callers = error
            raise

    def _count(self, chain: Chain) -> None:
        number = self._numbers[chain.problem, chain.repeat]
        self._chains[number].append(chain)
        if self._on_chain:
            self._on_chain(chain)
        job = self._jobs[number]
        if chain.step == job.plan.steps and is_complete(job, self._chains[number]):
            self._settle(number, self._outcome(number))

    def _outcome(self, number: int) -> Outcome:
        try:
            return result_of(self._jobs[number], self._chains[number], self._kind, self._select, self._account.told())
        except (RunFailed, BudgetSpent) as error:
            return error

    def _settle(self, number: int, outcome: Outcome) -> None:
        del self._jobs[number], self._chains[number]
        self._outcomes[number] = outcome
        if self._on_result:
            self._on_result(number, outcome)


async def affordable(
    generation: Generation,
    question: Question,
    account: Account,
    plan: Plan,
    planned: PlannedChain,
    parents: Sequence[Chain],
) -> Chain | None:
    """The chain; None if the budget does not allow it."""
    try:
        return await generation(question, plan, planned, parents, Purse([account]))
    except CallAbandoned:
        return None
