"""How long the rest of a strategy takes: an estimate from what is finished, and none before that says enough.

Two things can be what it waits for. Work: the chains that are left, each as long as chains of its step take on average, at
the rate of those that are finished. Order: a chain waits for the slowest that it reads, and problems are worked on in their
order, so that where there are few of them the last ones find themselves alone. The longer of the two counts.
"""

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass

from evals.display.progress import Progress
from evals.display.vitals import Vitals

__all__ = ["seconds_left"]

_ENOUGH_CHAINS = 8  # in all, before anything is said
_ENOUGH_OF_STEP = 4  # before a step's own chains say how long they take
_ENOUGH_SECONDS = 5.0
_SLOWEST = 1.3  # standard deviations by which the slowest of a few chains is slower than the average
_MANY = 8  # groups for each that is worked on at a time: then only work counts


@dataclass(frozen=True, slots=True)
class _Took:
    """What a chain of a step takes on average, and the slowest of a few."""

    mean: float
    slowest: float


def seconds_left(progress: Progress, vitals: Vitals, now: float) -> float | None:
    """The estimate in seconds; None as long as it would be a guess. Seconds in which the server was gone are no work."""
    took = {number: _took(progress, number) for number, step in progress.steps.items() if step.left}
    known = {number: each for number, each in took.items() if each}
    whole = progress.whole()
    worked = now - progress.began - vitals.waited
    if not took:
        return 0.0
    if len(known) < len(took) or whole.finished < max(_ENOUGH_CHAINS, vitals.in_flight) or worked < _ENOUGH_SECONDS:
        return None
    work = sum(progress.steps[number].left * each.mean for number, each in known.items())
    half_done = min(work, vitals.in_flight * whole.seconds / whole.finished) / 2  # of those in flight
    done = whole.seconds + half_done
    return max((work - half_done) * worked / done, _in_order(progress, known, vitals.limit)) if done else None


def _took(progress: Progress, number: int) -> _Took | None:
    """A step of which little is known is judged by the nearest that reads candidates as well."""
    later = (each for each in progress.steps if each > 1)
    for near in [number] if number == 1 else sorted(later, key=lambda each: (abs(each - number), each)):
        step = progress.steps[near]
        if step.finished >= min(_ENOUGH_OF_STEP, step.planned):
            mean = step.seconds / step.finished
            return _Took(mean, mean + _SLOWEST * math.sqrt(max(0.0, step.squares / step.finished - mean * mean)))
    return None


def _in_order(progress: Progress, took: Mapping[int, _Took], places: int) -> float:
    """How long it takes with so many places in flight if every step waits for the slowest of the one before."""
    whole = sum(each.slowest for each in took.values())
    busy = sum(each.mean for each in took.values()) / whole if whole else 1.0  # the share of its places that a group uses
    populations = next(iter(progress.steps.values())).populations
    lines = math.ceil(places / (busy * max(progress.sizes.values()))) if places else populations
    if populations > _MANY * lines:
        return 0.0
    lefts = [
        sum(each.slowest * (1 - done[number] / progress.sizes[number]) for number, each in took.items())
        for done in progress.groups.values()
    ]
    lefts += [whole] * (populations - len(lefts))
    ends = [0.0] * min(lines, populations)
    for left in sorted(lefts):  # those that are furthest began first
        heapq.heapreplace(ends, ends[0] + left)
    return max(ends)
