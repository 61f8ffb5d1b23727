"""The schedules of `tests.bench.schedule` on real vLLM, by the clock on the wall.

On a CPU a step costs nearly in proportion to its batch, so that idle slots cost little: there it shows only that the
dataflow is never worse. About ten minutes on a quiet machine; `tests.bench.vllm_server` says what can be set.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Any

import rsa
from tests.bench.rows import Goal, Row, paired
from tests.bench.schedule import BARRIERS, OURS, SCHEDULES, in_flight
from tests.bench.schedules import Schedule, Work, generation, work_of
from tests.bench.vllm_server import SERVED, SHAPE, mark, number, vllm_server

SLOTS, PROBLEMS, STEPS, MEAN = number("SLOTS", 64), number("PROBLEMS", 30), 4, number("TOKENS", 48)
REPEATS = number("REPEATS", 10)


def measure() -> Iterator[Row]:
    runs = asyncio.run(_runs())
    for other in BARRIERS:
        ours, theirs = ([each[name] for each in runs] for name in (OURS, other))
        name = f"vLLM, {SHAPE} model, {SLOTS} slots, P={PROBLEMS} T={STEPS}"
        yield paired(name, other, ours, theirs, "s to the end", Goal(1.0))


async def _runs() -> list[dict[str, float]]:
    limit = in_flight(SLOTS)
    options: dict[str, Any] = {"max_concurrency": limit, "concurrency": "fixed", "extra_body": {"ignore_eos": True}}
    async with vllm_server(SLOTS) as (url, _):
        llm = rsa.Endpoint(url, SERVED, **options)
        await _run(llm, work_of(-1, 4, 2, MEAN), SCHEDULES[OURS], limit)  # warm
        return [await _paired(llm, seed, limit) for seed in range(REPEATS)]


async def _paired(llm: rsa.Endpoint, seed: int, limit: int) -> dict[str, float]:
    work = work_of(seed, PROBLEMS, STEPS, MEAN)
    names = list(SCHEDULES)
    random.Random(seed).shuffle(names)
    return {name: await _run(llm, work, SCHEDULES[name], limit, mark(seed, place)) for place, name in enumerate(names)}


async def _run(llm: rsa.Endpoint, work: Work, schedule: Schedule, limit: int, before: str = "") -> float:
    """Seconds to the end. What stands before each prompt keeps the prefix cache from knowing those of another schedule."""
    async with llm.connect() as client:
        began = time.perf_counter()
        await schedule(work, generation(client, work, before), limit)
        return time.perf_counter() - began
