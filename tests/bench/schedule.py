"""The dataflow against two schedules with barriers and against what no schedule can beat, on a server with a GPU's clock.

Every repeat sends the same chains under each schedule over real HTTP, in virtual time: P=30 N=16 K=4, lengths from a seeded
lognormal with a mean of their own for each problem. The bound is what the prompts took to compute, plus as many steps as
the tokens need if all slots are always full, or as the longest path of chains that read each other has tokens, whichever is
more: that a cache may be full, and the way of a reply, are not in it. Only who knows all lengths beforehand can come close
to it where both are about the same.

About four minutes of one core. `STEPS=10` for other numbers of steps than 5, `SLOTS=64,128` for other numbers of slots.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import rsa
from evals.simulation.clock import run_virtually
from tests.bench.gpu_like import Settings, gpu_like
from tests.bench.rows import Goal, Row, paired
from tests.bench.schedules import Schedule, Work, barrier_per_problem, dataflow, generation, global_barrier, work_of
from tests.bench.virtual import SocketJumps

PROBLEMS, MEAN, REPEATS = 30, 60, 5
STEPS = int(os.environ.get("STEPS", "5"))
SLOTS = tuple(map(int, os.environ.get("SLOTS", "32,64,128,256,480").split(",")))
STEP = 0.0125  # seconds; this and the next two are assumed, not measured on a GPU
PREFILL = STEP / 1000  # seconds a prompt token: 80k tokens a second
LATENCY = STEP / 2
QUEUE = 1.1  # times the slots are in flight, so that the server finds its next sequence waiting
TIGHT = 0.5  # of the cache that would hold all slots full of mean chains
ROOMY = 10**9  # tokens
OURS, GLOBAL = "dataflow", "(a) one barrier for all"
BARRIERS: dict[str, Schedule] = {GLOBAL: global_barrier, "(b) a barrier per problem": barrier_per_problem}
SCHEDULES: dict[str, Schedule] = {OURS: dataflow, **BARRIERS}


@dataclass(frozen=True)
class Ran:
    """One run. Times are in seconds by the server's clock."""

    seconds: float
    bound: float
    occupancy: float
    cached: float


def measure() -> Iterator[Row]:
    for slots in SLOTS:
        runs = [_under_each(slots, work_of(seed, PROBLEMS, STEPS, MEAN)) for seed in range(REPEATS)]
        barrier = Goal(0.8) if 2 <= PROBLEMS * 16 / slots <= 8 else None
        yield from rows_of(f"{slots} slots, P={PROBLEMS} T={STEPS}", runs, barrier, Goal(1.05))
    kv = round(TIGHT * 128 * 6 * MEAN)  # a sequence has four candidates, a question and a reply
    tight = [_under_each(128, work_of(seed, PROBLEMS, STEPS, MEAN), kv) for seed in range(REPEATS)]
    yield from rows_of(f"128 slots, cache for {TIGHT:.0%} of them, P={PROBLEMS} T={STEPS}", tight)
    yield _kept_prefixes(64, round(TIGHT * 64 * 6 * MEAN))
    alone = [_under_each(64, work_of(seed, 1, 10, MEAN)) for seed in range(REPEATS)]
    yield from rows_of("64 slots, P=1 T=10", alone, None, Goal(1.05))


def _kept_prefixes(slots: int, kv: int) -> Row:
    """Whether prompts that begin alike follow each other before what they share has left a small cache."""
    works = [work_of(seed, PROBLEMS, STEPS, MEAN, "shared") for seed in range(REPEATS)]
    small, endless = (
        [
            100 * run_virtually(run(Settings(slots, STEP, PREFILL, size, LATENCY), work, dataflow), SocketJumps).cached
            for work in works
        ]
        for size in (kv, ROOMY)
    )
    name = f"{slots} slots, cache for {TIGHT:.0%} of them, P={PROBLEMS} T={STEPS}: prompt tokens out of it"
    return paired(f"{name}, candidate_order shared", "a cache without end", small, endless, "%")


def _under_each(slots: int, work: Work, kv: int = ROOMY) -> dict[str, Ran]:
    """One repeat: the same work under every schedule."""
    settings = Settings(slots, STEP, PREFILL, kv, LATENCY)
    return {name: run_virtually(run(settings, work, schedule), SocketJumps) for name, schedule in SCHEDULES.items()}


async def run(settings: Settings, work: Work, schedule: Schedule) -> Ran:
    limit = in_flight(settings.slots)
    options: dict[str, Any] = {"max_concurrency": limit, "concurrency": "fixed", "extra_body": {"ignore_eos": True}}
    async with gpu_like(settings) as (url, stats), rsa.Endpoint(url, "gpu-like", **options).connect() as client:
        await schedule(work, generation(client, work), limit)
    if stats.new_tokens != work.tokens:
        raise RuntimeError(f"the server made {stats.new_tokens} tokens, not {work.tokens}")
    return Ran(
        stats.seconds,
        stats.prefill_seconds + settings.step * max(work.tokens / settings.slots, work.path),
        stats.slot_seconds / settings.slots / stats.seconds,
        stats.cached_tokens / stats.prompt_tokens,
    )


def in_flight(slots: int) -> int:
    return slots + max(4, round((QUEUE - 1) * slots))


def rows_of(name: str, runs: list[dict[str, Ran]], barrier: Goal | None = None, bound: Goal | None = None) -> Iterator[Row]:
    """Ours against each of the others, and against the bound if there is a goal for that."""
    ours = [each[OURS] for each in runs]
    seconds = [ran.seconds for ran in ours]
    for other in BARRIERS:
        theirs = [each[other] for each in runs]
        occupancies = f"occupancy {_middle(ours, 'occupancy')} against {_middle(theirs, 'occupancy')}"
        cached = [_middle(ours, "cached"), _middle(theirs, "cached")]
        goal = barrier if other == GLOBAL else None
        against = [ran.seconds for ran in theirs]
        yield paired(f"{name} ({occupancies})", other, seconds, against, "s to the end", goal, cached_prompt_share=cached)
    if bound:
        yield paired(name, "lower bound", seconds, [ran.bound for ran in ours], "s to the end", bound)


def _middle(runs: list[Ran], of: str) -> float:
    return round(median(getattr(ran, of) for ran in runs), 2)
