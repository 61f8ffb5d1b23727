"""What happens inside the populations of a strategy, step by step: how they agree, and what becomes of right parents."""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from evals.stats import DIGITS, Group, Mark, Member, Subject, estimate_over_problems
from rsa.chain import Chain
from rsa.plan import Place, Plan, Role

__all__ = ["StepStory"]


class StepStory:
    """The story of one step, told group by group.

    `flips` counts the chains of the step by how many of the chains that they read were right: it shows how often wrong
    parents give a right child and right parents a wrong one.
    """

    def __init__(self, step: int) -> None:
        self._step = step
        self._gaps: dict[Group, float] = {}
        self._distinct: list[float] = []
        self._entropy: list[float] = []
        self._consensus: list[float] = []
        self._lengths = array("q")
        self._children: Counter[tuple[int, int]] = Counter()
        self._right: Counter[tuple[int, int]] = Counter()

    def take(
        self,
        group: Group,
        members: Sequence[Member],
        plan: Plan,
        chains: Mapping[Place, Chain],
        marks: Mapping[Place, Mark],
        subject: Subject,
    ) -> None:
        """Take one repeat of a problem; `members` are the judged ones of the step's population, `plan` is its plan."""
        made = [chains[planned.place] for planned in plan.populations[self._step - 1] if planned.place in chains]
        self._lengths.extend(chain.usage.completion for chain in made if chain.usage.completion is not None)
        if not members:
            return
        solved = [mark.solved for _, mark in members]
        self._gaps[group] = float(any(solved)) - fmean(solved)
        self._take_answers([mark.answer for _, mark in members if mark.answer is not None], subject)
        for read, right in _readers(self._step, plan, chains, marks):
            self._children[read] += 1
            self._right[read] += right

    def _take_answers(self, answers: Sequence[str], subject: Subject) -> None:
        classes = subject.equivalence.classes(answers)
        counts = Counter(classes[answer] for answer in answers).values()
        self._distinct.append(len(counts))
        if counts:
            shares = [count / len(answers) for count in counts]
            self._entropy.append(-math.fsum(share * math.log2(share) for share in shares))
            self._consensus.append(max(shares))

    def result(self) -> dict[str, Any]:
        """The step's `story` in `summary.json`."""
        return {
            "gap": estimate_over_problems(self._gaps),
            "distinct": _mean(self._distinct),
            "entropy": _mean(self._entropy),
            "consensus": _mean(self._consensus),
            "new_tokens": self._new_tokens(),
            "flips": [
                {"right_parents": right, "parents": of, "children": count, "right": self._right[right, of]}
                for (right, of), count in sorted(self._children.items())
            ],
        }

    def _new_tokens(self) -> dict[str, float] | None:
        if not self._lengths:
            return None
        return {
            "mean": round(fmean(self._lengths), 2),
            "median": median(self._lengths),
            "most": max(self._lengths),
        }


def _readers(
    step: int, plan: Plan, chains: Mapping[Place, Chain], marks: Mapping[Place, Mark]
) -> Iterable[tuple[tuple[int, int], bool]]:
    """For each judged chain that read others: ((how many of them were right, how many it read), whether it is right).

    Chains whose prompt was shortened are left out, for what they read is not known here, and so are those that read a
    chain whose verdict is an error.
    """
    for planned in plan.populations[step - 1]:
        mark, chain = marks.get(planned.place), chains.get(planned.place)
        if planned.role is not Role.AGGREGATE or mark is None or chain is None:
            continue
        if mark.status == "error" or chain.overflow is not None:
            continue
        alive = [slot for slot in planned.line if (step - 1, slot) in chains and not chains[step - 1, slot].dead]
        parents = [marks.get((step - 1, slot)) for slot in alive[: planned.wanted]]
        judged = [parent for parent in parents if parent is not None and parent.status != "error"]
        if len(judged) == len(parents):
            yield (sum(parent.solved for parent in judged), len(judged)), mark.solved


def _mean(values: Sequence[float]) -> float | None:
    return round(fmean(values), DIGITS) if values else None
