"""From chains and verdicts to numbers with error bars.

Chains of one problem share their ancestors, so a standard error is taken over problems, never over chains: treating 30 x 16
chains as independent would make it several times too small. Dead chains and verdicts that ended in an error count neither as
right nor as wrong.
"""

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from rsa.chain import Chain, Status, Usage
from rsa.equivalence import Equivalence, vote
from rsa.plan import Place, Plan
from rsa.selection import ballot, population

__all__ = [
    "Group",
    "Mark",
    "Recorded",
    "Subject",
    "busy_seconds",
    "estimate",
    "judged",
    "marked",
    "speaker",
    "summarise_strategy",
]

_DIGITS = 6


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
        return {"mean": round(mean, _DIGITS), "se": None, "ci95": None}
    error = stdev(means) / math.sqrt(len(means))
    reach = float(stdtrit(len(means) - 1, 0.975)) * error
    interval = [round(max(0.0, mean - reach), _DIGITS), round(min(1.0, mean + reach), _DIGITS)]
    return {"mean": round(mean, _DIGITS), "se": round(error, _DIGITS), "ci95": interval}


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


def summarise_strategy(plan: Plan, groups: Iterable[Recorded], subjects: Mapping[str, Subject]) -> list[dict[str, Any]]:
    """One object a step. `plan` is any plan of the strategy: its roles are used. `groups` come in order, none is kept."""
    tallies = [_Tally(step) for step in range(1, plan.steps + 1)]
    for group, chains, marks in groups:
        for tally in tallies:
            made = [chain for place, chain in sorted(chains.items()) if place[0] == tally.step]
            members = population(plan, tally.step, chains)
            tally.take_chains(made)
            tally.take_members(group, marked(members, marks), subjects)
    return [tally.result(subjects) for tally in tallies]


Member = tuple[Chain, Mark]
Values = dict[Group, float]


def marked(members: Iterable[Chain], marks: Mapping[Place, Mark]) -> list[Member]:
    """The members that have a mark, with it."""
    return [(member, marks[member.place]) for member in members if member.place in marks]


def judged(there: Iterable[Member]) -> list[Member]:
    """Those whose verdict is no error: one that is has no vote, and is neither right nor wrong."""
    return [member for member in there if member[1].status != "error"]


class _Tally:
    """What is known of one step so far."""

    def __init__(self, step: int) -> None:
        self.step = step
        self._statuses: Counter[Status] = Counter()
        self._usage = Usage()
        self._calls = 0
        self._shortened = 0
        self._seconds = array("d")
        self._kinds: Counter[str] = Counter()
        self._methods: Counter[str] = Counter()
        self._accuracy: Values = {}
        self._score: Values = {}
        self._majority: Values = {}
        self._coverage: Values = {}

    def take_chains(self, made: Iterable[Chain]) -> None:
        for chain in made:
            self._statuses[chain.status] += 1
            self._usage += chain.usage
            self._calls += chain.attempts
            self._shortened += chain.overflow is not None
            self._seconds.append(chain.ended - chain.started)

    def take_members(self, group: Group, members: Sequence[Member], subjects: Mapping[str, Subject]) -> None:
        self._kinds.update(mark.status for _, mark in members)
        self._methods.update(mark.method for _, mark in members)
        there = judged(members)
        if there:
            best = speaker(there, subjects[group[0]].equivalence)
            self._accuracy[group] = fmean(mark.solved for _, mark in there)
            self._score[group] = fmean(mark.score for _, mark in there)
            self._majority[group] = float(best is not None and best[1].solved)
            self._coverage[group] = float(any(mark.solved for _, mark in there))

    def result(self, subjects: Mapping[str, Subject]) -> dict[str, Any]:
        chains, dead = self._statuses.total(), self._statuses[Status.DEAD]
        members = self._kinds.total()
        usage = self._usage
        return {
            "step": self.step,
            "problems": _problems(self._accuracy),
            "chains": chains,
            "accuracy": _over_problems(self._accuracy),
            "score": _over_problems(self._score),
            "majority": _over_problems(self._majority),
            "coverage": _over_problems(self._coverage),
            "groups": _by_groups(self._accuracy, subjects),
            "no_answer": _share(self._kinds["no_answer"], members),
            "error": _share(self._kinds["error"], members),
            "methods": dict(sorted(self._methods.items())),
            "truncated": _share(self._statuses[Status.TRUNCATED], chains - dead),
            "dead": _share(dead, chains),
            "shortened": _share(self._shortened, chains - dead),
            "tokens": {"prompt": usage.prompt, "cached": usage.cached, "completion": usage.completion},
            "calls": self._calls,
            "seconds": round(math.fsum(self._seconds), 3),
        }


def _by_groups(accuracy: Values, subjects: Mapping[str, Subject]) -> dict[str, dict[str, dict[str, Any]]]:
    """Accuracy by every value of every property: `{"difficulty": {"hard": {"problems": 12, "mean": ...}}}`."""
    parts: dict[str, dict[str, Values]] = defaultdict(lambda: defaultdict(dict))
    for group, share in accuracy.items():
        for name, value in subjects[group[0]].groups.items():
            parts[name][value][group] = share
    return {
        name: {value: {"problems": _problems(part), **_over_problems(part)} for value, part in sorted(values.items())}
        for name, values in sorted(parts.items())
    }


def _problems(values: Values) -> int:
    return len({problem for problem, _ in values})


def _over_problems(values: Values) -> dict[str, Any]:
    by_problem: dict[str, list[float]] = defaultdict(list)
    for (problem, _), value in values.items():
        by_problem[problem].append(value)
    return estimate(by_problem)


def speaker(there: Sequence[Member], equivalence: Equivalence) -> Member | None:
    """The member that speaks for the most frequent answer; None if no member gave one."""
    winner = vote((ballot(chain, mark.answer) for chain, mark in there), equivalence)
    return next((member for member in there if winner and member[0].slot == winner.slot), None)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, _DIGITS) if whole else None
