"""From what is recorded of a strategy to one object a step, as `summary.json` has it."""

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from evals.stats import DIGITS, Group, Mark, Member, Recorded, Subject, estimate_over_problems, judged, marked, speaker
from evals.story import StepStory
from rsa.chain import Chain, Status, Usage
from rsa.plan import Place, Plan
from rsa.selection import population
from rsa.strategies import Strategy

__all__ = ["summarise_strategy"]

_Values = dict[Group, float]


def summarise_strategy(
    strategy: Strategy, seed: int, groups: Iterable[Recorded], subjects: Mapping[str, Subject]
) -> list[dict[str, Any]]:
    """One object a step. `seed` is that of the run. `groups` come in order, none is kept."""
    plan = strategy.plan(seed, "")
    tallies = [_Tally(step) for step in range(1, plan.steps + 1)]
    for group, chains, marks in groups:
        own = strategy.plan(seed, *group) if plan.steps > 1 else plan  # of one step nobody reads another
        for tally in tallies:
            tally.take(own, group, chains, marks, subjects[group[0]])
    return [tally.result(subjects) for tally in tallies]


class _Tally:
    """What is known of one step so far."""

    def __init__(self, step: int) -> None:
        self.step = step
        self._statuses: Counter[Status] = Counter()
        self._usage = Usage()
        self._calls = 0
        self._shortened = 0
        self._taken = 0
        self._seconds = array("d")
        self._kinds: Counter[str] = Counter()
        self._methods: Counter[str] = Counter()
        self._accuracy: _Values = {}
        self._score: _Values = {}
        self._majority: _Values = {}
        self._coverage: _Values = {}
        self._story = StepStory(step)

    def take(
        self, plan: Plan, group: Group, chains: Mapping[Place, Chain], marks: Mapping[Place, Mark], subject: Subject
    ) -> None:
        """Take what is recorded of one repeat of a problem."""
        self._take_chains(chain for place, chain in sorted(chains.items()) if place[0] == self.step)
        members = marked(population(plan, self.step, chains), marks)
        self._take_members(group, members, subject)
        self._story.take(group, judged(members), plan, chains, marks, subject)

    def _take_chains(self, made: Iterable[Chain]) -> None:
        for chain in made:
            self._statuses[chain.status] += 1
            self._usage += chain.usage
            self._calls += chain.attempts
            self._shortened += chain.overflow is not None
            self._taken += chain.origin is not None
            self._seconds.append(chain.ended - chain.started)

    def _take_members(self, group: Group, members: Sequence[Member], subject: Subject) -> None:
        self._kinds.update(mark.status for _, mark in members)
        self._methods.update(mark.method for _, mark in members)
        there = judged(members)
        if there:
            best = speaker(there, subject.equivalence)
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
            "accuracy": estimate_over_problems(self._accuracy),
            "score": estimate_over_problems(self._score),
            "majority": estimate_over_problems(self._majority),
            "coverage": estimate_over_problems(self._coverage),
            "groups": _by_groups(self._accuracy, subjects),
            "no_answer": _share(self._kinds["no_answer"], members),
            "error": _share(self._kinds["error"], members),
            "methods": dict(sorted(self._methods.items())),
            "truncated": _share(self._statuses[Status.TRUNCATED], chains - dead),
            "dead": _share(dead, chains),
            "shortened": _share(self._shortened, chains - dead),
            "taken_over": self._taken,
            "tokens": {"prompt": usage.prompt, "cached": usage.cached, "completion": usage.completion},
            "calls": self._calls,
            "seconds": round(math.fsum(self._seconds), 3),
            "story": self._story.result(),
        }


def _by_groups(accuracy: _Values, subjects: Mapping[str, Subject]) -> dict[str, dict[str, dict[str, Any]]]:
    """Accuracy by every value of every property: `{"difficulty": {"hard": {"problems": 12, "mean": ...}}}`."""
    parts: dict[str, dict[str, _Values]] = defaultdict(lambda: defaultdict(dict))
    for group, share in accuracy.items():
        for name, value in subjects[group[0]].groups.items():
            parts[name][value][group] = share
    return {
        name: {
            value: {"problems": _problems(part), **estimate_over_problems(part)} for value, part in sorted(values.items())
        }
        for name, values in sorted(parts.items())
    }


def _problems(values: _Values) -> int:
    return len({problem for problem, _ in values})


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, DIGITS) if whole else None
