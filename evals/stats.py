"""From chains and verdicts to numbers with error bars.

Chains of one problem share their ancestors, so a standard error is taken over problems, never over chains: treating 30 x 16
chains as independent would make it several times too small. Dead chains and verdicts that ended in an error count neither as
right nor as wrong.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from rsa.chain import Chain, Status, Usage
from rsa.equivalence import Equivalence, vote
from rsa.plan import Place, Plan
from rsa.selection import ballot, population

__all__ = ["Mark", "Subject", "estimate", "summarise_strategy"]

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """What a summary needs of a verdict. `answer` is what votes; None is no answer, or one that tells nothing."""

    answer: str | None
    status: str
    score: float
    solved: bool
    method: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a summary needs of a problem: which of its answers vote together, and by what accuracy is also given."""

    equivalence: Equivalence
    groups: Mapping[str, str] = field(default_factory=dict)


Chains = Mapping[Place, Chain]
Marks = Mapping[Place, Mark]
Group = tuple[str, int]
"""(problem, repeat)."""


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


def summarise_strategy(
    plan: Plan, chains: Mapping[Group, Chains], marks: Mapping[Group, Marks], subjects: Mapping[str, Subject]
) -> list[dict[str, Any]]:
    """One object a step. `plan` is any plan of the strategy: only the roles in it are used."""
    return [_step(plan, step, chains, marks, subjects) for step in range(1, plan.steps + 1)]


Member = tuple[Chain, Mark]


def _step(
    plan: Plan,
    step: int,
    chains: Mapping[Group, Chains],
    marks: Mapping[Group, Marks],
    subjects: Mapping[str, Subject],
) -> dict[str, Any]:
    made = [chain for group in sorted(chains) for place, chain in sorted(chains[group].items()) if place[0] == step]
    members = {group: _marked(population(plan, step, chains[group]), marks.get(group, {})) for group in sorted(chains)}
    everyone = [mark for group in members.values() for _, mark in group]
    judged = {group: [member for member in there if member[1].status != "error"] for group, there in members.items()}
    alive = [chain for chain in made if not chain.dead]
    usage = Usage.total(chain.usage for chain in made)
    winners = {group: _majority(there, subjects[group[0]].equivalence) for group, there in judged.items() if there}
    return {
        "step": step,
        "problems": len({problem for (problem, _), there in judged.items() if there}),
        "chains": len(made),
        "accuracy": _over_problems(judged, _accuracy),
        "score": _over_problems(judged, lambda there: fmean(mark.score for _, mark in there)),
        "majority": estimate(_by_problem(winners)),
        "coverage": _over_problems(judged, lambda there: float(any(mark.solved for _, mark in there))),
        "groups": _by_groups(judged, subjects),
        "no_answer": _share(mark.status == "no_answer" for mark in everyone),
        "error": _share(mark.status == "error" for mark in everyone),
        "methods": dict(sorted(Counter(mark.method for mark in everyone).items())),
        "truncated": _share(chain.status is Status.TRUNCATED for chain in alive),
        "dead": _share(chain.dead for chain in made),
        "tokens": {"prompt": usage.prompt, "cached": usage.cached, "completion": usage.completion},
        "calls": sum(chain.attempts for chain in made),
        "seconds": round(math.fsum(chain.ended - chain.started for chain in made), 3),
    }


def _marked(members: Iterable[Chain], marks: Marks) -> list[Member]:
    return [(member, marks[member.place]) for member in members if member.place in marks]


def _accuracy(there: Sequence[Member]) -> float:
    return fmean(mark.solved for _, mark in there)


def _by_groups(
    judged: Mapping[Group, Sequence[Member]], subjects: Mapping[str, Subject]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Accuracy by every value of every property: `{"difficulty": {"hard": {"problems": 12, "mean": ...}}}`."""
    parts: dict[str, dict[str, dict[Group, Sequence[Member]]]] = defaultdict(lambda: defaultdict(dict))
    for group, there in judged.items():
        if there:
            for name, value in subjects[group[0]].groups.items():
                parts[name][value][group] = there
    return {
        name: {
            value: {"problems": len({problem for problem, _ in part}), **_over_problems(part, _accuracy)}
            for value, part in sorted(values.items())
        }
        for name, values in sorted(parts.items())
    }


def _by_problem(values: Mapping[Group, float]) -> dict[str, list[float]]:
    by_problem: dict[str, list[float]] = defaultdict(list)
    for (problem, _), value in values.items():
        by_problem[problem].append(value)
    return by_problem


def _over_problems(groups: Mapping[Group, Sequence[Member]], value: Callable[[Sequence[Member]], float]) -> dict[str, Any]:
    return estimate(_by_problem({group: value(there) for group, there in groups.items() if there}))


def _majority(there: Sequence[Member], equivalence: Equivalence) -> float:
    """1 if the member that speaks for the most frequent answer is right."""
    winner = vote((ballot(chain, mark.answer) for chain, mark in there), equivalence)
    return float(winner is not None and any(chain.slot == winner.slot and mark.solved for chain, mark in there))


def _share(flags: Iterable[bool]) -> float | None:
    flags = list(flags)
    return round(fmean(flags), _DIGITS) if flags else None
