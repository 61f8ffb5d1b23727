"""In which order a prompt shows its candidates, so that the prompts of one step have long prefixes in common.

A server with a prefix cache computes a common beginning of prompts once. Subsets are drawn uniformly and the chains of a
population are exchangeable, so an order that is read off slot numbers alone leaves the law of every single prompt as it is:
given its subset, every order stays equally likely over plans. Only how alike the prompts of one step are changes.

| order | candidates stand | share of candidates in a common prefix at N=16, K=4 |
|---|---|---|
| draw | as they were drawn (the paper) | 10 % |
| index | by slot | 19 % |
| shared | so that prefixes are shared: greedily, ties by a seeded permutation of the slots | 32 % |

Measured on vLLM with 600-token candidates (`python -m tests.bench prefix`): 7, 18 and 32 % of candidate tokens came out of
the cache. `draw` is the default, because with `shared` the prompts of a step are more alike than in the paper.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from rsa.plan import Plan, PlannedChain

__all__ = ["CANDIDATE_ORDERS", "ordered"]

Subset = tuple[int, ...]
Ordering = Callable[[Sequence[Subset], Sequence[int]], list[Subset]]
"""Orders each subset. The permutation of the slots, given second, breaks ties. Subsets come back in their order."""


def ordered(plan: Plan, order: str) -> Plan:
    """The plan with the candidates of its prompts in an order of `CANDIDATE_ORDERS`; who reads whom stays as it is.

    Chains that share prefixes get turns one after the other, in which they start when several could.
    """
    arrange = CANDIDATE_ORDERS[order]
    if arrange is None:
        return plan
    return replace(plan, populations=tuple(_arranged(plan, population, arrange) for population in plan.populations))


def _arranged(plan: Plan, population: tuple[PlannedChain, ...], arrange: Ordering) -> tuple[PlannedChain, ...]:
    slots = 1 + max((slot for chain in population for slot in chain.line), default=-1)
    if not slots or all(chain.wanted < 2 for chain in population):
        return population
    ties = plan.key(population[0].step, 0, "order").permutation(slots)
    orders = arrange([chain.line[: chain.wanted] for chain in population], ties)
    rank = {slot: place for place, slot in enumerate(ties)}
    turns = sorted(range(len(population)), key=lambda number: [rank[slot] for slot in orders[number]])
    turn_of = {number: turn for turn, number in enumerate(turns)}
    return tuple(replace(chain, shown=orders[number], turn=turn_of[number]) for number, chain in enumerate(population))


def _by_index(subsets: Sequence[Subset], ties: Sequence[int]) -> list[Subset]:  # noqa: ARG001 - there are none
    return [tuple(sorted(subset)) for subset in subsets]


def _by_shared_prefixes(subsets: Sequence[Subset], ties: Sequence[int]) -> list[Subset]:
    """The slot that most subsets have goes first in all of them, and so on within those, then among the rest."""
    rank = {slot: place for place, slot in enumerate(ties)}
    orders: list[list[int]] = [[] for _ in subsets]

    def place(members: list[int], left: Mapping[int, frozenset[int]]) -> None:
        while members:
            counts = Counter(slot for member in members for slot in left[member])
            if not counts:
                return
            best = min(counts, key=lambda slot: (-counts[slot], rank[slot]))
            inside = [member for member in members if best in left[member]]
            for member in inside:
                orders[member].append(best)
            place(inside, {member: left[member] - {best} for member in inside})
            members = [member for member in members if best not in left[member]]

    place(list(range(len(subsets))), {number: frozenset(subset) for number, subset in enumerate(subsets)})
    return [tuple(order) for order in orders]


CANDIDATE_ORDERS: Mapping[str, Ordering | None] = MappingProxyType(
    {"draw": None, "index": _by_index, "shared": _by_shared_prefixes}
)
"""Every order by its name."""
