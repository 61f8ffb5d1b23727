"""The dataflow against two schedules with barriers and against what no schedule can beat, on a server with a GPU's clock.

Every repeat sends the same chains under each schedule, one after the other in a changing order, over real HTTP: P=30 N=16
K=4, lengths from a seeded lognormal with a mean of their own for each problem. The steps of the server are as long as makes
the bound `SECONDS`. Makespans go by the server's clock, which waits where the machine is too busy to keep it. The bound is
what the prompts took to compute, plus as many steps as the tokens need if all slots are always full, or as the longest
path of chains that read each other has tokens, whichever is more; that the cache may be full is not in it.

About four minutes. `STEPS=10` for other numbers of steps than 5, `ORDERS=1` adds other orders of dispatch as baselines,
`VLLM=1` is another bench: the same schedules on real vLLM on the CPU, where a step costs nearly in proportion to its batch.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import aiohttp

import rsa
from tests.bench.gpu_like import Settings, Stats
from tests.bench.schedules import Schedule, Work, barrier_per_problem, dataflow, generation, global_barrier, work_of

PROBLEMS, STEPS, MEAN = 30, int(os.environ.get("STEPS", "5")), 60
SECONDS = float(os.environ.get("SECONDS", "3"))
REPEATS = {32: 2, 64: 5, 128: 2, 256: 2, 480: 2}  # slots -> paired repeats
ALONE = 5
QUEUE = (
    1.25  # times the slots are in flight, so that the server finds its next sequence waiting, as with a limit that adapts
)
PREFILL = 0.001  # of a step for each prompt token: 80k tokens/s where a step takes 12.5 ms, which is assumed, not measured
TIGHT = 0.5  # of the cache that would hold all slots full of mean chains
OURS = "dataflow"
SCHEDULES: dict[str, Schedule] = {
    OURS: dataflow,
    "(a) one barrier for all": global_barrier,
    "(b) a barrier per problem": barrier_per_problem,
}


@dataclass(frozen=True)
class Ran:
    """One run. Times are in seconds by the server's clock."""

    seconds: float
    bound: float
    occupancy: float
    cached: float
    slip: float


def measure() -> Iterator[dict[str, Any]]:
    if os.environ.get("VLLM"):
        from tests.bench.schedule_vllm import measure as on_vllm  # noqa: PLC0415

        yield from on_vllm()
    else:
        with server() as url:
            yield from asyncio.run(_measure(url))


def schedules() -> dict[str, Schedule]:
    if not os.environ.get("ORDERS"):
        return SCHEDULES
    from tests.bench.orders import ORDERS  # noqa: PLC0415

    return {**SCHEDULES, **ORDERS}


async def _measure(url: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for slots, repeats in REPEATS.items():
        runs = [await _paired(url, slots, _work(seed), seed) for seed in range(repeats)]
        rows += rows_of(f"{slots} slots, P={PROBLEMS} T={STEPS}", runs)
    tight = [await _paired(url, 128, _work(seed), seed, TIGHT) for seed in range(2)]
    rows += rows_of(f"128 slots, cache for {TIGHT:.0%} of them, P={PROBLEMS} T={STEPS}", tight, bound=False)
    alone = [await _paired(url, 64, work_of(seed, 1, 10, MEAN), seed) for seed in range(ALONE)]
    return rows + rows_of("64 slots, P=1 T=10", alone)


def _work(seed: int) -> Work:
    return work_of(seed, PROBLEMS, STEPS, MEAN)


@contextmanager
def server() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-m", "tests.bench.gpu_like"], text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


async def _paired(url: str, slots: int, work: Work, seed: int, cache: float | None = None) -> dict[str, Ran]:
    """One repeat: the same work under every schedule."""
    step = (SECONDS if cache is None else SECONDS / 2) / max(work.tokens / slots, work.path)
    kv = 10**9 if cache is None else round(cache * slots * 6 * MEAN)  # a prompt has four candidates and a question
    settings = Settings(slots, step, PREFILL * step, kv)
    names = list(schedules())
    random.Random(seed).shuffle(names)
    return {name: await _run(url, settings, work, schedules()[name]) for name in names}


async def _run(url: str, settings: Settings, work: Work, schedule: Schedule) -> Ran:
    limit = round(QUEUE * settings.slots)
    options: Mapping[str, Any] = {"max_concurrency": limit, "concurrency": "fixed", "extra_body": {"ignore_eos": True}}
    async with aiohttp.ClientSession() as session, rsa.Endpoint(f"{url}/v1", "gpu-like", **options).connect() as client:
        await (await session.post(f"{url}/configure", json=asdict(settings))).read()
        await schedule(work, generation(client, work), limit)
        stats = Stats(**json.loads(await (await session.get(f"{url}/stats")).text()))
    if stats.new_tokens != work.tokens:
        raise RuntimeError(f"the server made {stats.new_tokens} tokens, not {work.tokens}")
    return Ran(
        stats.seconds,
        stats.prefill_seconds + settings.step * max(work.tokens / settings.slots, work.path),
        stats.slot_seconds / settings.slots / stats.seconds,
        stats.cached_tokens / stats.prompt_tokens,
        stats.wall / stats.seconds,
    )


def rows_of(name: str, runs: list[dict[str, Ran]], *, bound: bool = True) -> list[dict[str, Any]]:
    """Ours against each of the others, and against the bound."""
    ours = [each[OURS] for each in runs]
    shown = f"{name} (occupancy {median(ran.occupancy for ran in ours):.2f}"
    rows = [
        row(
            f"{shown} against {median(each[other].occupancy for each in runs):.2f})",
            other,
            ours,
            [each[other] for each in runs],
        )
        for other in runs[0]
        if other != OURS
    ]
    return [*rows, row(f"{shown})", "lower bound", ours, ours, lambda ran: ran.bound)] if bound else rows


def row(
    name: str, baseline: str, ours: list[Ran], theirs: list[Ran], other: Callable[[Ran], float] = lambda ran: ran.seconds
) -> dict[str, Any]:
    ratios = [a.seconds / other(b) for a, b in zip(ours, theirs, strict=True)]
    return {
        "name": name,
        "baseline": baseline,
        "ours": round(median(ran.seconds for ran in ours), 2),
        "theirs": round(median(map(other, theirs)), 2),
        "unit": "s to the end",
        "ratio": round(median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "repeats": len(ratios),
        "over_bound": [round(median(ran.seconds / ran.bound for ran in runs), 3) for runs in (ours, theirs)],
        "cached_prompt_share": [round(median(ran.cached for ran in runs), 3) for runs in (ours, theirs)],
        "wall_over_clock": [round(max(ran.slip for ran in runs), 3) for runs in (ours, theirs)],
    }
