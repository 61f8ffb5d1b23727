"""What a budget may be counted in, and how much of each a strategy has used after each of its steps."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from evals.stats import busy_seconds
from rsa.budget import Prices
from rsa.chain import Chain, Usage
from rsa.plan import Place, Plan

__all__ = ["AXES", "Cost", "Spans", "cumulated"]

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


def cumulated(plan: Plan, chains: Mapping[Place, Chain], prices: Prices | None) -> list[Cost]:
    """What one repeat of a problem has used after each step: everything that the populations up to it took."""
    costs: list[Cost] = []
    usage, told, generations = Usage(0, 0, 0), Usage(), 0
    for population in plan.populations:
        made = [chains[planned.place] for planned in population]
        usage = _added(usage, made)
        told += Usage.total(chain.usage for chain in made)
        generations += len(made)
        costs.append(_cost(usage, generations, len(costs) + 1, prices.of(told) if prices else None))
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


class Spans:
    """When chains were in flight, by step, to know how long a run worked on its steps."""

    def __init__(self, steps: int) -> None:
        self._spans: list[list[tuple[float, float]]] = [[] for _ in range(steps)]

    def take(self, chains: Iterable[Chain]) -> None:
        """Take the times of chains."""
        for chain in chains:
            self._spans[chain.step - 1].append((chain.started, chain.ended))

    def seconds(self) -> list[float]:
        """For each step the time in which at least one chain of it, or of a step before, was in flight."""
        upto = [self._spans[: number + 1] for number in range(len(self._spans))]
        return [busy_seconds(span for spans in several for span in spans) for several in upto]
