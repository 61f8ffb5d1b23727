"""Other orders of dispatch than the scheduler's own, tried in its place: only for the benchmark, with `ORDERS=1`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from unittest.mock import patch

from rsa.chain import Chain
from rsa.plan import Plan, PlannedChain
from rsa.scheduler import Generate, Job, _Progress
from tests.bench.schedules import Schedule, Work, dataflow

PRIOR = 4  # chains' worth of belief that a problem is like the others
CAUTION = 6.0  # a path is longer than its mean, since a chain waits for the slowest of its parents; and means are guesses


@dataclass
class Seen:
    """How long the chains of each problem were so far."""

    tokens: Counter[str] = field(default_factory=Counter)
    chains: Counter[str] = field(default_factory=Counter)

    def add(self, problem: str, tokens: int) -> None:
        for name in (problem, ""):
            self.tokens[name] += tokens
            self.chains[name] += 1

    def mean(self, problem: str) -> float:
        """What to expect of a further chain of a problem, in tokens."""
        overall = self.tokens[""] / self.chains[""] if self.chains[""] else 1.0
        return (self.tokens[problem] + PRIOR * overall) / (self.chains[problem] + PRIOR)


def expected_path(progress: _Progress, chain: PlannedChain, seen: Seen) -> float:
    """The steps that are left, times what a chain of this problem took so far: tokens."""
    plan = progress.job.plan
    return (plan.steps - chain.step + 1) * seen.mean(plan.problem)


class FewestSteps:
    """Ready chains of all problems, those of the earliest step first."""

    def __init__(self, jobs: Iterator[Job], seen: Seen, problems: int, limit: int) -> None:
        self._jobs, self._seen, self._problems, self._limit = jobs, seen, problems, limit
        self._opened: list[_Progress] = []
        self._ready: dict[int, list[PlannedChain]] = {}
        self._left: dict[int, int] = {}

    def add(self, progress: _Progress, chains: Iterable[PlannedChain]) -> None:
        ready = self._ready.setdefault(progress.number, [])
        ready.extend(chains)
        ready.sort(key=lambda chain: (chain.step, chain.slot), reverse=True)

    def next(self) -> tuple[_Progress, PlannedChain] | None:
        while self.wants_more() and (job := next(self._jobs, None)):
            progress = _Progress(len(self._opened), job)
            self._opened.append(progress)
            self._left[progress.number] = len(job.plan)
            self.add(progress, progress.begin())
        waiting = [self._opened[number] for number, ready in self._ready.items() if ready]
        if not waiting:
            return None
        progress = self.first_of(waiting)
        self._left[progress.number] -= 1
        return progress, self._ready[progress.number].pop()

    def wants_more(self) -> bool:
        """Whether a further problem should be opened."""
        return True

    def first_of(self, waiting: Sequence[_Progress]) -> _Progress:
        return min(waiting, key=lambda each: (self.head(each).step, each.number))

    def head(self, progress: _Progress) -> PlannedChain:
        return self._ready[progress.number][-1]


class LongestPath(FewestSteps):
    """Ready chains of all problems, those first whose problem has the longest expected path before it."""

    def first_of(self, waiting: Sequence[_Progress]) -> _Progress:
        return min(waiting, key=lambda each: (-expected_path(each, self.head(each), self._seen), each.number))


class LongestPathAtTheEnd(LongestPath):
    """The oldest problem first, as long as what is left of the run is long beside every path; then as above."""

    def wants_more(self) -> bool:
        if not any(self._ready.values()):
            return True
        return len(self._opened) < self._problems and self._urgent(self._opened[0].job.plan.steps * self._seen.mean(""))

    def first_of(self, waiting: Sequence[_Progress]) -> _Progress:
        if any(self._urgent(expected_path(each, self.head(each), self._seen)) for each in waiting):
            return super().first_of(waiting)
        return min(waiting, key=lambda each: each.number)

    def _urgent(self, path: float) -> bool:
        """Whether a path of so many tokens may be what the end of the run has to wait for."""
        chains = len(self._opened[0].job.plan)
        open_work = sum(left * self._seen.mean(self._opened[at].job.plan.problem) for at, left in self._left.items())
        work = open_work + (self._problems - len(self._opened)) * chains * self._seen.mean("")
        return CAUTION * path >= work / self._limit


def ordered(feed: type[FewestSteps]) -> Schedule:
    """The dataflow with another order of dispatch."""

    async def run(work: Work, generate: Generate, limit: int) -> None:
        seen = Seen()

        async def noted(plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain | None:
            chain = await generate(plan, planned, parents)
            if chain:
                seen.add(plan.problem, chain.usage.completion or 0)
            return chain

        with patch("rsa.scheduler._Feed", lambda jobs: feed(jobs, seen, len(work.plans), limit)):
            await dataflow(work, noted, limit)

    return run


ORDERS = {
    "fewest finished steps first": ordered(FewestSteps),
    "longest expected path first": ordered(LongestPath),
    "longest expected path first, near the end": ordered(LongestPathAtTheEnd),
}
