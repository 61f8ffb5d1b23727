"""The calls of a run as far as a server's time depends on them: which prompts begin alike, and how long everything is."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from evals.simulation.memory import Segment
from evals.simulation.replica import Call
from rsa.keys import Key
from rsa.plan import Plan, PlannedChain, Role

__all__ = ["Length", "Lengths", "Lognormal", "Resampled", "Workload"]

BETWEEN, WITHIN = 0.4, 0.5
"""Sigmas of lognormal lengths: of the problems' means, and of the chains of one problem."""


@dataclass(frozen=True, slots=True)
class Length:
    """New tokens of a chain, and how many of them a later prompt shows."""

    new: int
    shown: int


Lengths = Callable[[Plan, PlannedChain], Length]
"""How long a chain is: the same, whoever asks and in which order."""


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Lengths around a mean, which holds before those that are too long are cut at `most`. Every problem has a mean of its
    own; prompts show chains whole."""

    mean: float
    most: int
    seed: int = 0

    def __call__(self, plan: Plan, chain: PlannedChain) -> Length:
        """The length of a chain."""
        problem = Key(self.seed, plan.problem, purpose="simulated problem")
        own = Key(self.seed, plan.problem, plan.repeat, chain.step, chain.slot, "simulated length")
        middle = math.log(self.mean) - (BETWEEN**2 + WITHIN**2) / 2
        tokens = round(math.exp(middle + BETWEEN * _normal(problem) + WITHIN * _normal(own)))
        tokens = max(1, min(self.most, tokens))
        return Length(tokens, tokens)


def _normal(key: Key) -> float:
    return NormalDist().inv_cdf(max(key.uniform(), 1e-12))


@dataclass(frozen=True, slots=True)
class Resampled:
    """Lengths that were recorded, by problem and step: each chain draws one of its own step of its own problem.

    A problem that is not among them stands for a drawn one that is, and a step for the last one before it.
    """

    recorded: Mapping[str, Mapping[int, Sequence[Length]]]
    seed: int = 0

    def __call__(self, plan: Plan, chain: PlannedChain) -> Length:
        """The length of a chain."""
        names = sorted(self.recorded)
        problem = plan.problem
        if problem not in self.recorded:
            problem = names[int(Key(self.seed, plan.problem, purpose="simulated problem").uniform() * len(names))]
        steps = self.recorded[problem]
        found = steps[max((step for step in steps if step <= chain.step), default=min(steps))]
        own = Key(self.seed, plan.problem, plan.repeat, chain.step, chain.slot, "simulated length")
        return found[int(own.uniform() * len(found))]


@dataclass(frozen=True, slots=True)
class Workload:
    """A run's plans with the tokens of its questions and of its templates (by role and candidates), and the lengths.

    Words of a template count in front of its candidates, wherever they stand.
    """

    plans: Callable[[], Iterator[Plan]]
    questions: Mapping[str, int]
    frames: Mapping[tuple[Role, int], int]
    lengths: Lengths

    def of(self, plan: Plan) -> Callable[[PlannedChain, Sequence[int]], Call]:
        """What makes the calls of one plan, from a chain and the slots that it reads."""
        lengths = {chain.place: self.lengths(plan, chain) for chain in plan}
        question = self.questions[plan.problem]

        def call(chain: PlannedChain, parents: Sequence[int]) -> Call:
            parts = [Segment((plan.problem, chain.role), question + self.frames[chain.role, chain.wanted])]
            for number, slot in enumerate(parents, 1):
                shown = lengths[chain.step - 1, slot].shown
                parts.append(Segment((plan.problem, plan.repeat, chain.step, *parents[:number]), shown))
            return Call(tuple(parts), lengths[chain.place].new, plan.session(chain.step))

        return call
