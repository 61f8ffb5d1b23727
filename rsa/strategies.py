"""The strategies: frozen values that turn a seed into a plan.

`steps` counts populations, as T does in the paper's Algorithm 1: `RSA(n=16, k=4, steps=10)` is one round of sampling and
nine of aggregation, 160 generations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import ClassVar, Literal, Protocol

from rsa.errors import UsageError
from rsa.keys import Key
from rsa.plan import Plan, Role, aggregation, samples, slotwise

__all__ = [
    "RSA",
    "STRATEGIES",
    "Majority",
    "Rejection",
    "Sample",
    "Select",
    "SelfAggregation",
    "SelfRefine",
    "Strategy",
]

Select = Literal["sample", "majority"]
"""How the last population becomes one answer: a uniformly chosen member, or the majority's answer."""


class Strategy(Protocol):
    """What a scheduler needs of a strategy."""

    name: ClassVar[str]
    select: ClassVar[Select]

    def plan(self, seed: int, problem: str, repeat: int = 0) -> Plan:
        """The graph of all its chains for one repeat of a problem."""


def label(strategy: Strategy) -> str:
    """The strategy's name with its parameters, as written into records: `rsa(n=16,k=4,steps=10)`."""
    values = ",".join(f"{f.name}={getattr(strategy, f.name)}" for f in fields(strategy))  # type: ignore[arg-type]
    return f"{strategy.name}({values})" if values else strategy.name


def _at_least_one(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise UsageError(f"{name} must be at least 1, not {value}")


@dataclass(frozen=True, slots=True)
class RSA:
    """Recursive Self-Aggregation (Algorithm 1): n chains, each later one reading k members of the population before."""

    n: int = 16
    k: int = 4
    steps: int = 10
    name: ClassVar[str] = "rsa"
    select: ClassVar[Select] = "sample"

    def __post_init__(self) -> None:
        _at_least_one(n=self.n, k=self.k, steps=self.steps)
        if self.k > self.n:
            raise UsageError(f"k={self.k} candidates cannot be drawn from a population of n={self.n}: lower k or raise n")

    def plan(self, seed: int, problem: str, repeat: int = 0) -> Plan:
        """n samples, then steps - 1 populations of n aggregations."""
        later = (
            aggregation(Key(seed, problem, repeat, step), parents=self.n, k=self.k, n=self.n)
            for step in range(2, self.steps + 1)
        )
        return Plan(seed, problem, repeat, (samples(self.n), *later))


@dataclass(frozen=True, slots=True)
class Sample:
    """One plain sample (T=1): what the model does without any scaling."""

    name: ClassVar[str] = "sample"
    select: ClassVar[Select] = "sample"

    def plan(self, seed: int, problem: str, repeat: int = 0) -> Plan:
        """One chain."""
        return Plan(seed, problem, repeat, (samples(1),))


@dataclass(frozen=True, slots=True)
class Majority:
    """n independent samples and a vote over their answers (self-consistency)."""

    n: int = 16
    name: ClassVar[str] = "majority"
    select: ClassVar[Select] = "majority"

    def __post_init__(self) -> None:
        _at_least_one(n=self.n)

    def plan(self, seed: int, problem: str, repeat: int = 0) -> Plan:
        """n chains that read nothing."""
        return Plan(seed, problem, repeat, (samples(self.n),))


@dataclass(frozen=True, slots=True)
class SelfRefine:
    """`n` independent lines of self-refinement: every chain rewrites the one in its slot (K=1)."""

    steps: int = 10
    n: int = 1
    name: ClassVar[str] = "self_refine"
    select: ClassVar[Select] = "sample"

    def __post_init__(self) -> None:
        _at_least_one(steps=self.steps, n=self.n)

    def plan(self, seed: int, problem: str, repeat: int = 0) -> Plan:
        """n samples, then steps - 1 populations of n refinements."""
        later = (slotwise(step, self.n, Role.AGGREGATE) for step in range(2, self.steps + 1))
        return Plan(seed, problem, repeat, (samples(self.n), *later))


@dataclass(frozen=True, slots=True)
class SelfAggregation:
    """Single-step aggregation: k samples and one chain that reads them all (N=K, T=2)."""

    k: int = 4
    name: ClassVar[str] = "self_aggregation"
    select: ClassVar[Select] = "sample"

    def __post_init__(self) -> None:
        _at_least_one(k=self.k)

    def plan(self, seed: int, problem: str, repeat: int = 0) -> Plan:
        """k samples and one aggregation."""
        child = aggregation(Key(seed, problem, repeat, 2), parents=self.k, k=self.k, n=1)
        return Plan(seed, problem, repeat, (samples(self.k), child))


@dataclass(frozen=True, slots=True)
class Rejection:
    """Self-verified best-of-n: the model judges each of its n samples; the accepted ones are the last population.

    The judgements are chains of step 2, so a run makes 2n generations. Where none is accepted, all samples stand.
    """

    n: int = 16
    name: ClassVar[str] = "rejection"
    select: ClassVar[Select] = "sample"

    def __post_init__(self) -> None:
        _at_least_one(n=self.n)

    def plan(self, seed: int, problem: str, repeat: int = 0) -> Plan:
        """n samples and one judgement of each."""
        return Plan(seed, problem, repeat, (samples(self.n), slotwise(2, self.n, Role.VERIFY)))


STRATEGIES: Mapping[str, type[Strategy]] = MappingProxyType(
    {cls.name: cls for cls in (RSA, Majority, SelfRefine, SelfAggregation, Rejection, Sample)}
)
"""Every strategy by its name."""
