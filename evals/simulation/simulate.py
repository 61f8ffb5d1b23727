"""A whole run in virtual time: the product's own scheduler in front of simulated servers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from evals.simulation.clock import run_virtually
from evals.simulation.fleet import Fleet
from evals.simulation.replica import Call, Server, Stats
from rsa.chain import Chain, Status, Usage
from rsa.endpoint.concurrency import Adaptive
from rsa.plan import Plan, PlannedChain
from rsa.scheduler import Generate, Job, execute

__all__ = ["CallOf", "Simulated", "Work", "simulate"]

CallOf = Callable[[PlannedChain, Sequence[int]], Call]
"""Makes the call of a chain that reads these slots."""


class Work(Protocol):
    """What there is to do."""

    def plans(self) -> Iterator[Plan]:
        """The plans, in the order in which they are taken up."""

    def of(self, plan: Plan) -> CallOf:
        """What makes the calls of one plan."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """How a run went on so many replicas. `seconds` are from its first call to its last reply."""

    replicas: int
    seconds: float
    calls: int
    stats: Stats

    @property
    def tokens_a_second(self) -> float:
        """New tokens a second of all replicas."""
        return self.stats.new / self.seconds

    @property
    def running(self) -> float:
        """Sequences that one replica runs at a time, on average."""
        return self.stats.running / self.seconds / self.replicas

    @property
    def hits(self) -> float:
        """The share of prompt tokens that came out of the prefix cache."""
        return self.stats.cached / self.stats.prompt

    def kv_used(self, server: Server) -> float:
        """The mean share of the KV cache that sequences hold."""
        return self.stats.held / self.seconds / self.replicas / server.kv_tokens


def simulate(
    work: Work, server: Server, replicas: int, limit: Adaptive, on_chain: Callable[[Chain], None] = lambda _: None
) -> Simulated:
    """Run all plans with as many calls in flight as the limit allows, which follows the servers' queues unless it is steady.

    `on_chain` is given every chain with its times, in the order of their ends. Raises `UsageError` where a chain does not
    fit the KV cache of a replica.
    """
    return run_virtually(_run(work, server, replicas, limit, on_chain))


async def _run(work: Work, server: Server, replicas: int, limit: Adaptive, on_chain: Callable[[Chain], None]) -> Simulated:
    fleet = Fleet(server, replicas, limit)
    calls, ended = 0, 0.0

    def done(chain: Chain) -> None:
        nonlocal calls, ended
        calls, ended = calls + 1, chain.ended
        on_chain(chain)

    async with fleet.watched():
        await execute((Job(plan, _generate(work, plan, fleet)) for plan in work.plans()), fleet.gate, done)
    return Simulated(replicas, ended, calls, fleet.stats)


def _generate(work: Work, plan: Plan, fleet: Fleet) -> Generate:
    call_of = work.of(plan)

    async def generate(plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain:
        call = call_of(planned, [parent.slot for parent in parents])
        chain = _chain(plan, planned, parents, Usage(call.prompt_tokens, None, call.new), fleet.now)
        await fleet.complete(call)
        return replace(chain, ended=fleet.now)

    return generate


def _chain(plan: Plan, planned: PlannedChain, parents: Sequence[Chain], usage: Usage, now: float) -> Chain:
    return Chain(
        problem=plan.problem,
        repeat=plan.repeat,
        strategy="",
        step=planned.step,
        slot=planned.slot,
        parents=tuple(parent.slot for parent in parents),
        model="",
        seed=0,
        prompt_sha256="",
        text="",
        finish_reason="stop",
        status=Status.OK,
        usage=usage,
        started=now,
    )
