"""From chains and verdicts to numbers with error bars.

Chains of one problem share their ancestors, so a standard error is taken over problems, never over chains: treating 30 x 16
chains as independent would make it several times too small. Dead chains and verdicts that ended in an error count neither as
right nor as wrong.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from rsa.chain import Chain
from rsa.equivalence import Equivalence, vote
from rsa.plan import Place
from rsa.selection import ballot

__all__ = [
    "DIGITS",
    "Group",
    "Mark",
    "Member",
    "Recorded",
    "Subject",
    "busy_seconds",
    "estimate",
    "estimate_over_problems",
    "judged",
    "marked",
    "speaker",
]

DIGITS = 6
"""To which shares are rounded in results."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a summary needs of a verdict. `answer` is what votes (None: no answer, or one that tells nothing), `given` the
    answer as it was read."""

    answer: str | None
    status: str
    score: float
    solved: bool
    method: str = ""
    given: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a summary needs of a problem: which of its answers vote together, and by what accuracy is also given."""

    equivalence: Equivalence
    groups: Mapping[str, str] = field(default_factory=dict)


Group = tuple[str, int]
"""(problem, repeat)."""
Recorded = tuple[Group, Mapping[Place, Chain], Mapping[Place, Mark]]
"""A group with what is recorded of it: its chains (of which no texts but judgements are read) and their marks."""


def estimate(values: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Mean over problems of the mean over repeats, its standard error over problems, and a 95 % interval (Student's t)."""
    from scipy.special import stdtrit  # noqa: PLC0415 - a tenth of a second, needed only here

    means = [fmean(repeats) for _, repeats in sorted(values.items()) if repeats]
    if not means:
        return {"mean": None, "se": None, "ci95": None}
    mean = fmean(means)
    if len(means) == 1:
        return {"mean": round(mean, DIGITS), "se": None, "ci95": None}
    error = stdev(means) / math.sqrt(len(means))
    reach = float(stdtrit(len(means) - 1, 0.975)) * error
    interval = [round(max(0.0, mean - reach), DIGITS), round(min(1.0, mean + reach), DIGITS)]
    return {"mean": round(mean, DIGITS), "se": round(error, DIGITS), "ci95": interval}


def busy_seconds(spans: Iterable[tuple[float, float]]) -> float:
    """The time in which at least one chain was in flight: pauses between a run and its resumption do not count.

    `spans` are the starts and ends of chains, in seconds.
    """
    busy = 0.0
    until = 0.0
    for start, end in sorted(spans):
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    return busy


def estimate_over_problems(values: Mapping[Group, float]) -> dict[str, Any]:
    """`estimate` of one value for every repeat of every problem."""
    by_problem: dict[str, list[float]] = defaultdict(list)
    for (problem, _), value in values.items():
        by_problem[problem].append(value)
    return estimate(by_problem)


Member = tuple[Chain, Mark]
"""A member of a population with its mark."""


def marked(members: Iterable[Chain], marks: Mapping[Place, Mark]) -> list[Member]:
    """The members that have a mark, with it."""
    return [(member, marks[member.place]) for member in members if member.place in marks]


def judged(there: Iterable[Member]) -> list[Member]:
    """Those whose verdict is no error: one that is has no vote, and is neither right nor wrong."""
    return [member for member in there if member[1].status != "error"]


def speaker(there: Sequence[Member], equivalence: Equivalence) -> Member | None:
    """The member that speaks for the most frequent answer; None if no member gave one."""
    winner = vote((ballot(chain, mark.answer) for chain, mark in there), equivalence)
    return next((member for member in there if winner and member[0].slot == winner.slot), None)
