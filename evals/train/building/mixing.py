"""How many problems of each source, which of them for validation, and which of them as aggregation prompts.

Everything here is pure, and every draw is keyed by what it is for.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rsa.keys import Key

__all__ = ["Modes", "amounts", "drawn", "modes"]

ItemT = TypeVar("ItemT")


def drawn(items: Iterable[ItemT], seed: int, purpose: str, name: Callable[[ItemT], str]) -> list[ItemT]:
    """The items in an order that depends on the seed, the purpose and each item's own name, and on nothing else."""
    return sorted(items, key=lambda item: (Key(seed, name(item), purpose=purpose).uniform(), name(item)))


def amounts(sizes: Sequence[int], shares: Sequence[float] | None, limit: int | None) -> list[int]:
    """How many problems to take of sources that have so many, at most `limit` in all.

    With `shares` as many as keep them exactly enough: to less than one problem. Without, every source's share is its size.
    """
    weights = [float(size) for size in sizes] if shares is None else list(shares)
    if not sum(sizes):
        return [0] * len(sizes)
    whole = sum(weights)
    parts = [weight / whole for weight in weights]
    most = min(math.floor(size / part + 1e-9) for size, part in zip(sizes, parts, strict=True) if part)
    total = min(most, limit or most)
    exact = [total * part for part in parts]
    taken = [min(size, math.floor(amount + 1e-9)) for size, amount in zip(sizes, exact, strict=True)]
    by_remainder = sorted(range(len(sizes)), key=lambda number: (taken[number] - exact[number], number))
    for number in by_remainder[: total - sum(taken)]:
        taken[number] = min(sizes[number], taken[number] + 1)
    return taken


@dataclass(frozen=True, slots=True)
class Modes:
    """Which problems become what: aggregation prompts, plain prompts, or nothing because the share leaves no room."""

    aggregate: frozenset[str]
    plain: frozenset[str]
    surplus: frozenset[str]

    def __or__(self, other: "Modes") -> "Modes":
        """What becomes of the problems of both."""
        return Modes(self.aggregate | other.aggregate, self.plain | other.plain, self.surplus | other.surplus)


def modes(draws: Mapping[str, int], share: float, seed: int) -> Modes:
    """What becomes of problems, by name, that have so many aggregation prompts each. A problem becomes one of the two.

    The share is that of aggregation prompts among all. It is kept, also where that leaves plain prompts out because too few
    problems have draws.
    """
    names = drawn(draws, seed, "mode", str)
    chosen: list[str] = []
    prompts, room = 0, len(names)
    for name in filter(draws.get, names):
        if prompts >= share * (prompts + len(names) - len(chosen)):
            break
        chosen.append(name)
        prompts += draws[name]
    if prompts < share * (prompts + len(names) - len(chosen)):  # there are not enough for all plain prompts
        room = round(prompts * (1 - share) / share)
    aggregate = frozenset(chosen)
    plain = frozenset([name for name in names if name not in aggregate][:room])
    return Modes(aggregate, plain, frozenset(names) - aggregate - plain)
