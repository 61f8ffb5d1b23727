"""Which chain reads which: the whole graph of a run on one problem, known before the first token.

The paper draws the K parents of a chain uniformly and independently of what the chains say (section 3, Algorithm 1), so
a seed fixes the graph. Everything here is pure; nothing here calls a model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rsa.keys import Key

__all__ = ["Place", "Plan", "PlannedChain", "Role", "aggregation", "samples", "slotwise"]

Place = tuple[int, int]
"""Where a chain stands in its plan: (step, slot). Steps count from 1, slots from 0."""


class Role(StrEnum):
    """What a chain is asked to do."""

    SAMPLE = "sample"
    """Answer the plain question."""
    AGGREGATE = "aggregate"
    """Write a better solution from its parents; with one parent this is self-refinement."""
    VERIFY = "verify"
    """Judge its one parent."""


@dataclass(frozen=True, slots=True)
class PlannedChain:
    """One chain of a plan.

    `line` is the order in which slots of the population before stand in line to be its parents, and `wanted` how many it
    reads: the first `wanted` slots of the line whose chains are not dead. A dead parent is thus replaced by the next in
    line, whenever it died. `shown` is the order in which its prompt shows them, where that is not the line's, and `turn`
    its place among the chains of its step that could start at once, where that is not its slot (see `rsa.ordering`).
    """

    step: int
    slot: int
    role: Role
    line: tuple[int, ...] = ()
    wanted: int = 0
    shown: tuple[int, ...] = ()
    turn: int | None = None

    @property
    def place(self) -> Place:
        """(step, slot)."""
        return self.step, self.slot

    @property
    def parents(self) -> tuple[int, ...]:
        """The slots that it reads if no chain dies, in prompt order."""
        return self.in_prompt_order(self.line[: self.wanted])

    def in_prompt_order(self, slots: Sequence[int]) -> tuple[int, ...]:
        """Slots out of its line, as its prompt shows them: those that stand in for dead ones come last."""
        known = [slot for slot in self.shown if slot in slots]
        return (*known, *(slot for slot in slots if slot not in known))


@dataclass(frozen=True, slots=True)
class Plan:
    """The directed acyclic graph of all chains for one repeat of one problem."""

    seed: int
    problem: str
    repeat: int
    populations: tuple[tuple[PlannedChain, ...], ...]

    def __iter__(self) -> Iterator[PlannedChain]:
        for population in self.populations:
            yield from population

    def __len__(self) -> int:
        return sum(map(len, self.populations))

    @property
    def steps(self) -> int:
        """The number of populations, T."""
        return len(self.populations)

    @property
    def judging_steps(self) -> frozenset[int]:
        """The steps whose chains judge others and so carry no answers of their own."""
        return frozenset(chains[0].step for chains in self.populations if chains[0].role is Role.VERIFY)

    def session(self, step: int) -> str:
        """What tells a router that calls belong together: those of one step of this plan, which begin alike.

        Steps have little more than the question in common, so each may go where there is room when it begins.
        """
        return self.key(step, 0, "session").token()

    def key(self, step: int, slot: int, purpose: str) -> Key:
        """The key of a draw that belongs to one chain of this plan."""
        return Key(self.seed, self.problem, self.repeat, step, slot, purpose)


def samples(n: int) -> tuple[PlannedChain, ...]:
    """A first population of n independent samples."""
    return tuple(PlannedChain(1, slot, Role.SAMPLE) for slot in range(n))


def aggregation(key: Key, *, parents: int, k: int, n: int) -> tuple[PlannedChain, ...]:
    """A population of n chains that each draw k distinct members of the `parents` chains before (Algorithm 1, line 5)."""

    def line(slot: int) -> tuple[int, ...]:
        return Key(key.seed, key.problem, key.repeat, key.step, slot, "parents").permutation(parents)

    return tuple(PlannedChain(key.step, slot, Role.AGGREGATE, line(slot), k) for slot in range(n))


def slotwise(step: int, n: int, role: Role) -> tuple[PlannedChain, ...]:
    """A population in which every chain reads the one in its own slot, and no other may stand in for it."""
    return tuple(PlannedChain(step, slot, role, (slot,), 1) for slot in range(n))
