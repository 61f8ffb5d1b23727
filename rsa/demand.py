"""Which chains of a plan an answer needs.

The graph of a plan is known before the first token, so an answer that one chain of the last population gives needs that
chain's ancestors only: at N=16, K=4, T=10 about four fifths of all chains.
"""

from collections.abc import Collection, Sequence
from typing import Literal

from rsa.plan import Place, Plan
from rsa.strategies import Select

__all__ = ["Need", "answering", "answering_line", "needed"]

Need = Literal["answer", "population"]
"""What is generated: what the answering chain descends from, or every chain."""


def answering(plan: Plan, need: Need, select: Select) -> tuple[int, ...] | None:
    """Who stands in line to answer, where that is known in advance and nothing else is needed; None where all chains are."""
    known = need == "answer" and select == "sample" and plan.steps not in plan.judging_steps
    return answering_line(plan) if known else None


def answering_line(plan: Plan) -> tuple[int, ...]:
    """The slots of the last population in the order in which they stand in line to answer, for a uniformly drawn answer.

    The first whose chain is not dead answers. That is the chain which `rsa.selection.choose` draws.
    """
    return plan.key(plan.steps, 0, "select").permutation(len(plan.populations[-1]))


def needed(plan: Plan, line: Sequence[int], dead: Collection[Place]) -> set[Place]:
    """The places whose chains the first living slot in line descends from, itself included, as far as is known who is dead.

    A chain that is not finished counts as living: each that turns out dead may add others, and takes none away that a
    living chain has read.
    """
    planned = {chain.place: chain for chain in plan}
    found: set[Place] = set()
    unseen = _in_line(plan.steps, line, 1, dead)
    while unseen:
        place = unseen.pop()
        if place not in found:
            found.add(place)
            chain = planned[place]
            unseen += _in_line(chain.step - 1, chain.line, chain.wanted, dead)
    return found


def _in_line(step: int, line: Sequence[int], wanted: int, dead: Collection[Place]) -> list[Place]:
    """The first living ones in line, as many as are wanted, and the dead ones before them."""
    places: list[Place] = []
    living = 0
    for slot in line:
        if living == wanted:
            break
        places.append((step, slot))
        living += places[-1] not in dead
    return places
