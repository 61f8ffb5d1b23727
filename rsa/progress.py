"""How far one plan is: which of its chains are ready, which wait for a parent, and how long they take."""

import heapq
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rsa.chain import Chain
from rsa.demand import needed
from rsa.plan import Place, Plan, PlannedChain

__all__ = ["Generate", "Job", "Pace", "Progress"]

Generate = Callable[[Plan, PlannedChain, Sequence[Chain]], Awaitable[Chain | None]]
"""Makes one chain from its parents. A failed call is a dead chain; None leaves the chain, and all that would read it, for
another run; what it raises stops the run."""


@dataclass(frozen=True, slots=True)
class Job:
    """One plan to run. `recorded` are its chains that earlier runs finished: they are read, never generated again.

    With `answering`, the slots of the last population in the order in which they stand in line to answer, only those chains
    are generated that the answer needs (see `rsa.demand`).
    """

    plan: Plan
    generate: Generate
    recorded: Mapping[Place, Chain] = field(default_factory=dict)
    answering: Sequence[int] | None = None


@dataclass(slots=True)
class Pace:
    """How long chains take: so many took so many seconds, all together."""

    seconds: float = 0.0
    chains: int = 0

    def add(self, seconds: float) -> None:
        """Take a chain that is done."""
        self.seconds += seconds
        self.chains += 1


class Progress:
    """One job under way. Of its texts it holds those that a chain may still read. Times are in seconds, by any clock."""

    def __init__(self, job: Job) -> None:
        self.plan = job.plan
        self.generate = job.generate
        self.pace = Pace()
        self._answering = job.answering
        self._finished: list[dict[int, Chain]] = [{} for _ in job.plan.populations]
        self._waiting = [
            {chain.slot: chain for chain in population if chain.place not in job.recorded}
            for population in job.plan.populations
        ]
        self._unstarted = [len(waiting) for waiting in self._waiting]
        self.unstarted = sum(self._unstarted)
        """How many chains have not started."""
        self._ready: list[tuple[int, int, PlannedChain]] = []
        self._began: dict[Place, float] = {}
        self._dead = {place for place, chain in job.recorded.items() if chain.dead}
        self._needed = self._demand()
        for (step, slot), chain in job.recorded.items():
            if step < job.plan.steps and self._unstarted[step]:
                self._finished[step - 1][slot] = chain
        self._release_all()

    @property
    def next_step(self) -> int | None:
        """The step of the chain that would start next; None if none is ready."""
        return self._ready[0][0] if self._ready else None

    @property
    def idle(self) -> bool:
        """Whether nothing is ready and nothing on its way: the job is done, or what is left of it is for another run."""
        return not self._ready and not self._began

    @property
    def started(self) -> int:
        """How many chains were started here."""
        return self.pace.chains + len(self._began)

    def waited(self, now: float) -> float:
        """How long the chains on their way have taken so far, all together."""
        return sum(now - began for began in self._began.values())

    def start(self, now: float) -> tuple[PlannedChain, tuple[Chain, ...]]:
        """Take the next ready chain, of the earliest step there is, with its parents in prompt order."""
        _, _, planned = heapq.heappop(self._ready)
        self._began[planned.place] = now
        self._unstarted[planned.step - 1] -= 1
        self.unstarted -= 1
        if planned.step == 1:
            return planned, ()
        population = self._finished[planned.step - 2]
        parents = _parents(planned, population) or ()
        if not self._unstarted[planned.step - 1]:
            population.clear()
        return planned, parents

    def end(self, planned: PlannedChain, chain: Chain | None, now: float) -> float:
        """Take a chain that was started, None if it is left for another run; gives how long it took."""
        seconds = now - self._began.pop(planned.place)
        if chain:
            self.pace.add(seconds)
            self._take(chain)
        return seconds

    def _take(self, chain: Chain) -> None:
        if chain.step < self.plan.steps and self._unstarted[chain.step]:  # somebody will read it
            self._finished[chain.step - 1][chain.slot] = chain
            self._release(chain.step + 1)
        if chain.dead and self._needed is not None:
            self._dead.add(chain.place)
            self._needed = self._demand()
            self._release_all()

    def _demand(self) -> set[Place] | None:
        """The places that are needed, as far as is known who is dead; None if all are."""
        return None if self._answering is None else needed(self.plan, self._answering, self._dead)

    def _release_all(self) -> None:
        for step in range(1, self.plan.steps + 1):
            self._release(step)

    def _release(self, step: int) -> None:
        """Make ready what waits for nobody any more."""
        waiting = self._waiting[step - 1]
        population = self._finished[step - 2] if step > 1 else {}
        wanted = (planned for planned in waiting.values() if self._needed is None or planned.place in self._needed)
        for planned in [planned for planned in wanted if _parents(planned, population) is not None]:
            del waiting[planned.slot]
            turn = planned.slot if planned.turn is None else planned.turn
            heapq.heappush(self._ready, (step, turn, planned))


def _parents(planned: PlannedChain, population: Mapping[int, Chain]) -> tuple[Chain, ...] | None:
    """The first living chains in line; None while one is not finished that might be among them."""
    alive: list[int] = []
    for slot in planned.line:
        if len(alive) == planned.wanted:
            break
        if slot not in population:
            return None
        if not population[slot].dead:
            alive.append(slot)
    return tuple(population[slot] for slot in planned.in_prompt_order(alive))
