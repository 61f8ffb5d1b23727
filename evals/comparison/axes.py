"""What a budget may be counted in, and how much of each a strategy has used after each of its steps."""

import math
from array import array
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from evals.stats import busy_seconds
from rsa.budget import Prices
from rsa.chain import Chain, Usage
from rsa.plan import Place, Plan

__all__ = ["AXES", "Cost", "Load", "cumulated"]

AXES: Mapping[str, str] = MappingProxyType(
    {
        "generations": "generations a problem",
        "completion_tokens": "new tokens a problem",
        "prompt_tokens": "prompt tokens a problem",
        "uncached_prompt_tokens": "prompt tokens out of no cache, a problem",
        "total_tokens": "prompt and new tokens a problem",
        "price": "US dollars a problem",
        "depth": "calls one after the other",
        "seconds": "seconds a problem, at the load of the run",
    }
)
"""Every axis with its label. All but `depth` are means over the repeats of the problems."""

Cost = Mapping[str, float | None]
"""An amount on every axis that a group has of its own; None where the server did not count."""


def cumulated(plan: Plan, chains: Mapping[Place, Chain], prices: Prices | None, in_flight: float) -> list[Cost]:
    """What one repeat of a problem has used after each step: everything that the populations up to it took.

    A chain takes its own seconds divided by how many were `in_flight` at a time: the same chains cost the same in every
    strategy, whenever they were generated.
    """
    costs: list[Cost] = []
    usage, told, generations, seconds = Usage(0, 0, 0), Usage(), 0, 0.0
    for population in plan.populations:
        made = [chains[planned.place] for planned in population]
        usage = _added(usage, made)
        told += Usage.total(chain.usage for chain in made)
        generations += len(made)
        seconds += math.fsum(chain.ended - chain.started for chain in made) / in_flight
        cost = _cost(usage, generations, len(costs) + 1, prices.of(told) if prices else None)
        costs.append({**cost, "seconds": seconds})
    return costs


def _added(usage: Usage, made: Iterable[Chain]) -> Usage:
    """The usage so far with that of further chains. What a living chain does not tell is not known from then on."""

    def add(sofar: int | None, counts: Iterable[int | None]) -> int | None:
        for count in counts:
            sofar = None if sofar is None or count is None else sofar + count
        return sofar

    told = [chain.usage for chain in made if not (chain.dead and chain.usage == Usage())]
    return Usage(
        add(usage.prompt, (each.prompt for each in told)),
        add(usage.cached, (each.cached for each in told)),
        add(usage.completion, (each.completion for each in told)),
    )


def _cost(usage: Usage, generations: int, depth: int, price: float | None) -> Cost:
    prompt, cached, completion = usage.prompt, usage.cached, usage.completion
    counted = prompt is not None and completion is not None
    return {
        "generations": float(generations),
        "completion_tokens": completion,
        "prompt_tokens": prompt,
        "uncached_prompt_tokens": None if prompt is None or cached is None else prompt - cached,
        "total_tokens": (prompt or 0) + (completion or 0) if counted else None,
        "price": price if counted else None,  # a prompt of which nobody told what was cached is paid for as new
        "depth": float(depth),
    }


class Load:
    """How many chains were in flight at a time, on average, while a run worked, or several that share their chains."""

    def __init__(self) -> None:
        self._started = array("d")
        self._ended = array("d")

    def take(self, chains: Iterable[Chain]) -> None:
        """Take the times of those chains that were not taken over from another run, where they count."""
        for chain in chains:
            if chain.origin is None:
                self._started.append(chain.started)
                self._ended.append(chain.ended)

    @property
    def in_flight(self) -> float:
        """The number; at least 1."""
        spans = list(zip(self._started, self._ended, strict=True))
        busy = busy_seconds(spans)
        return max(1.0, math.fsum(end - start for start, end in spans) / busy) if busy else 1.0
