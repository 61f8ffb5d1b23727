"""From one run to its curves: what accuracy it reaches at what budget.

| strategy | one point for every | the answer is |
|---|---|---|
| rsa, self_aggregation | step: all chains up to it | a uniformly drawn member of the population |
| self_refine | step: one line, for its lines know nothing of each other | that line's |
| sample | the one sample | the sample |
| majority | number of samples (resampled) | the vote |
| rejection | number of samples and their judgements (resampled) | a uniformly drawn accepted sample |

With `votes` the populations of the first two rows get a second curve, on which they vote and are paid for as a whole.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean

from evals.comparison.axes import AXES, Cost, cumulated
from evals.comparison.resampling import rejection_by_size, sizes, vote_by_size
from evals.records import Records
from evals.stats import Group, Mark, Member, judged, marked, speaker
from rsa.budget import Prices
from rsa.chain import Chain
from rsa.equivalence import Equivalence
from rsa.plan import Place, Plan
from rsa.selection import accepts, population
from rsa.strategies import Majority, Rejection, Select, SelfRefine, Strategy

__all__ = ["Curve", "Point", "curves_of"]


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a curve: step `step`, of so many samples as `n` says, None for all.

    `accuracy` is that of each repeat of each problem, `cost` the mean over them on the axes that are known.
    """

    step: int
    n: int | None
    cost: Mapping[str, float]
    accuracy: Mapping[Group, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """What a strategy reaches as its budget grows. `missing` counts repeats of problems that are not whole, and left out."""

    name: str
    select: Select
    points: tuple[Point, ...]
    missing: int = 0


@dataclass(frozen=True, slots=True)
class _Whole:
    """One repeat of a problem of which everything is there. `members` are those of each step's population."""

    name: str
    plan: Plan
    chains: Mapping[Place, Chain]
    members: Sequence[Sequence[Member]]
    equivalence: Equivalence


@dataclass(slots=True)
class _Series:
    """A curve in the making. `read` gives the accuracy at each of the `places` (step, n), of which a `share` is paid for."""

    name: str
    select: Select
    places: Sequence[tuple[int, int | None]]
    share: Sequence[float]
    read: Callable[[_Whole], Sequence[float]]
    _accuracy: list[dict[Group, float]] = field(init=False)
    _costs: list[dict[str, list[float | None]]] = field(init=False)

    def __post_init__(self) -> None:
        self._accuracy = [{} for _ in self.places]
        self._costs = [defaultdict(list) for _ in self.places]

    def take(self, group: Group, whole: _Whole, by_step: Sequence[Cost]) -> None:
        for number, value in enumerate(self.read(whole)):
            self._accuracy[number][group] = value
            for axis, amount in by_step[self.places[number][0] - 1].items():
                part = 1.0 if axis == "depth" else self.share[number]
                self._costs[number][axis].append(None if amount is None else amount * part)

    def points(self) -> Iterator[Point]:
        for (step, n), accuracy, costs in zip(self.places, self._accuracy, self._costs, strict=True):
            if accuracy:
                known = {axis: _mean(amounts) for axis, amounts in costs.items()}
                yield Point(step, n, {axis: amount for axis in AXES if (amount := known.get(axis)) is not None}, accuracy)


def curves_of(records: Records, prices: Prices | None, *, votes: bool, in_flight: float = 1.0) -> list[Curve]:
    """The curves of a run, over those repeats of problems that are whole and have a verdict at every step.

    `in_flight` is how many chains were on their way at a time.
    """
    run = records.run
    plan = run.strategy.plan(0, "")
    series = _series(run.strategy, plan, records.name, votes)
    missing = len(run.dataset.problems) * run.config.task.repeats - len(records.chains.groups)
    for group, chains, marks in records.groups():
        members = _members(plan, chains, marks)
        if members is None:
            missing += 1
            continue
        name = f"{run.config.seed},{group}"
        whole = _Whole(name, plan, chains, members, records.subjects[group[0]].equivalence)
        costs = cumulated(plan, chains, prices, in_flight)
        for each in series:
            each.take(group, whole, costs)
    return [Curve(each.name, each.select, tuple(each.points()), missing) for each in series]


def _series(strategy: Strategy, plan: Plan, name: str, votes: bool) -> list[_Series]:
    n = len(plan.populations[0])
    if isinstance(strategy, Majority | Rejection):
        wanted = sizes(n)
        read = partial(_votes if isinstance(strategy, Majority) else _rejections, wanted)
        places = [(plan.steps, size) for size in wanted]
        return [_Series(name, strategy.select, places, [size / n for size in wanted], read)]
    steps = [(step, None) for step in range(1, plan.steps + 1)]
    line = 1 / n if isinstance(strategy, SelfRefine) else 1.0
    series = [_Series(name, strategy.select, steps, [line] * len(steps), _drawn)]
    if votes and len(plan.populations[-1]) > 1:
        series.append(_Series(f"{name} + vote", "majority", steps, [1.0] * len(steps), _voted))
    return series


def _members(plan: Plan, chains: Mapping[Place, Chain], marks: Mapping[Place, Mark]) -> list[list[Member]] | None:
    """The judged members of each step's population; None unless all chains and verdicts are there and every step has one."""
    if any(planned.place not in chains for planned in plan):
        return None
    living = (place for place, chain in chains.items() if not chain.dead and place[0] not in plan.judging_steps)
    if any(place not in marks for place in living):  # the run was killed, and resuming it or scoring again judges them
        return None
    members = [judged(marked(population(plan, step, chains), marks)) for step in range(1, plan.steps + 1)]
    return members if all(members) else None


def _drawn(whole: _Whole) -> list[float]:
    return [fmean(mark.solved for _, mark in members) for members in whole.members]


def _voted(whole: _Whole) -> list[float]:
    best = [speaker(members, whole.equivalence) for members in whole.members]
    return [float(found is not None and found[1].solved) for found in best]


def _votes(wanted: Sequence[int], whole: _Whole) -> list[float]:
    samples = whole.members[0]
    found = vote_by_size(samples, whole.equivalence, _among(wanted, samples), whole.name)
    return [*found[:-1], _voted(whole)[-1]]  # of all of them nothing has to be estimated


def _rejections(wanted: Sequence[int], whole: _Whole) -> list[float]:
    samples = whole.members[0]
    judgements = {slot: chain for (step, slot), chain in whole.chains.items() if step > 1 and not chain.dead}
    accepted = [chain.slot in judgements and accepts(judgements[chain.slot].text) for chain, _ in samples]
    found = rejection_by_size(accepted, [mark.solved for _, mark in samples], _among(wanted, samples), whole.name)
    return [*found[:-1], _drawn(whole)[-1]]


def _among(wanted: Sequence[int], samples: Sequence[Member]) -> list[int]:
    """The wanted sizes where some of the samples died: no more than there are."""
    return [min(size, len(samples)) for size in wanted]


def _mean(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return fmean(known) if len(known) == len(amounts) else None
