"""What a strategy has to do, and how much of it is recorded already when it begins."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evals.index import ChainIndex
from evals.stats import Group
from evals.store import read_log
from rsa.chain import Status
from rsa.plan import Plan

__all__ = ["Outset", "outset"]


@dataclass(frozen=True, slots=True)
class Outset:
    """`sizes` are the chains of a population by step, `populations` how many of them each step has.

    `recorded` says of every population that has chains, by its group and step, how many of them ended how; `judged` and
    `right` count the verdicts by step.
    """

    sizes: Mapping[int, int]
    populations: int
    recorded: Mapping[tuple[Group, int], Counter[Status]] = field(default_factory=dict)
    judged: Mapping[int, int] = field(default_factory=dict)
    right: Mapping[int, int] = field(default_factory=dict)


def outset(plan: Plan, populations: int, index: ChainIndex, verdicts: Path) -> Outset:
    """How a strategy with such plans begins on the chains of `index` and the verdicts of a log."""
    sizes = {step: len(population) for step, population in enumerate(plan.populations, 1)}
    recorded = index.by_population()
    judged: Counter[int] = Counter()
    right: Counter[int] = Counter()
    for _, _, verdict in read_log(verdicts) if recorded else ():
        judged[verdict["step"]] += 1
        right[verdict["step"]] += verdict["solved"]
    return Outset(sizes, populations, recorded, judged, right)
