"""From chains and verdicts to numbers with error bars.

Chains of one problem share their ancestors, so a standard error is taken over problems, never over chains: treating 30 x 16
chains as independent would make it several times too small. Dead chains and verdicts that ended in an error count neither as
right nor as wrong.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from rsa.answers import vote
from rsa.chain import Chain, Status, Usage
from rsa.plan import Place, Plan
from rsa.selection import population

__all__ = ["Mark", "estimate", "summarise_strategy"]

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """What a summary needs of a verdict. `answer` is in its normalised form; None is no answer."""

    answer: str | None
    status: str
    score: float
    solved: bool


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


def summarise_strategy(plan: Plan, chains: Mapping[Group, Chains], marks: Mapping[Group, Marks]) -> list[dict[str, Any]]:
    """One object a step. `plan` is any plan of the strategy: only the roles in it are used."""
    return [_step(plan, step, chains, marks) for step in range(1, plan.steps + 1)]


def _step(plan: Plan, step: int, chains: Mapping[Group, Chains], marks: Mapping[Group, Marks]) -> dict[str, Any]:
    made = [chain for group in sorted(chains) for place, chain in sorted(chains[group].items()) if place[0] == step]
    members = {group: _marks_of(population(plan, step, chains[group]), marks.get(group, {})) for group in sorted(chains)}
    everyone = [mark for group in members.values() for mark in group]
    judged = {group: [mark for mark in there if mark.status != "error"] for group, there in members.items()}
    alive = [chain for chain in made if not chain.dead]
    usage = Usage.total(chain.usage for chain in made)
    return {
        "step": step,
        "problems": len({problem for (problem, _), there in judged.items() if there}),
        "chains": len(made),
        "accuracy": _over_problems(judged, lambda there: fmean(mark.solved for mark in there)),
        "score": _over_problems(judged, lambda there: fmean(mark.score for mark in there))["mean"],
        "majority": _over_problems(judged, _majority_solved),
        "coverage": _over_problems(judged, lambda there: float(any(mark.solved for mark in there))),
        "no_answer": _share(mark.status == "no_answer" for mark in everyone),
        "error": _share(mark.status == "error" for mark in everyone),
        "truncated": _share(chain.status is Status.TRUNCATED for chain in alive),
        "dead": _share(chain.dead for chain in made),
        "tokens": {"prompt": usage.prompt, "cached": usage.cached, "completion": usage.completion},
        "calls": sum(chain.attempts for chain in made),
        "seconds": round(math.fsum(chain.ended - chain.started for chain in made), 3),
    }


def _marks_of(members: Iterable[Chain], marks: Marks) -> list[Mark]:
    return [marks[member.place] for member in members if member.place in marks]


def _over_problems(groups: Mapping[Group, Sequence[Mark]], value: Callable[[Sequence[Mark]], float]) -> dict[str, Any]:
    values: dict[str, list[float]] = defaultdict(list)
    for (problem, _), there in groups.items():
        if there:
            values[problem].append(value(there))
    return estimate(values)


def _majority_solved(there: Sequence[Mark]) -> float:
    winner = vote([mark.answer for mark in there])
    return float(winner is not None and next(mark.solved for mark in there if mark.answer == winner))


def _share(flags: Iterable[bool]) -> float | None:
    flags = list(flags)
    return round(fmean(flags), _DIGITS) if flags else None
