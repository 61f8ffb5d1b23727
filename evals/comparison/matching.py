"""The accuracy of a strategy at a given budget, read off its curve.

Between two points it is interpolated linearly, problem by problem; past the last one it stays, for a strategy that is given
more than it can use does not use it. Below the first point a strategy cannot run.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from evals.comparison.curves import Curve, Point

__all__ = ["Meeting", "accuracy_at", "end", "meeting", "of_problems"]


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where two curves are compared: at budget `at`. `held`: one ends before the other begins, and is taken as it ends."""

    at: float
    held: bool


def end(curve: Curve, axis: str) -> float:
    """The largest budget of a curve."""
    return curve.points[-1].cost[axis]


def meeting(ours: Curve, theirs: Curve, axis: str) -> Meeting:
    """The largest budget that both can use; where there is none, the most that the one with the larger budgets can use."""
    at = min(end(ours, axis), end(theirs, axis))
    if at >= max(ours.points[0].cost[axis], theirs.points[0].cost[axis]):
        return Meeting(at, held=False)
    return Meeting(max(end(ours, axis), end(theirs, axis)), held=True)


def accuracy_at(curve: Curve, axis: str, budget: float) -> dict[str, float]:
    """Each problem's accuracy at a budget, over its repeats. `budget` must not be below that of the first point."""
    reached = [point for point in curve.points if point.cost[axis] <= budget]
    beyond = [point for point in curve.points if point.cost[axis] > budget]
    last = reached[-1]
    if not beyond:
        return of_problems(last.accuracy)
    return of_problems(_between(last, beyond[0], axis, budget))


def _between(before: Point, after: Point, axis: str, budget: float) -> dict[tuple[str, int], float]:
    weight = (budget - before.cost[axis]) / (after.cost[axis] - before.cost[axis])
    return {
        group: (1 - weight) * before.accuracy[group] + weight * after.accuracy[group]
        for group in before.accuracy
        if group in after.accuracy
    }


def of_problems(accuracy: Mapping[tuple[str, int], float]) -> dict[str, float]:
    """The mean over the repeats of each problem."""
    repeats: dict[str, list[float]] = defaultdict(list)
    for (problem, _), value in accuracy.items():
        repeats[problem].append(value)
    return {problem: fmean(values) for problem, values in repeats.items()}
