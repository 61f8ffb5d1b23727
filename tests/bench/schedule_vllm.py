"""`VLLM=1 python -m tests.bench schedule`: the schedules on real vLLM on the CPU, with a tiny random model.

A step there costs nearly in proportion to its batch, so that idle slots cost little. It needs vLLM in the environment that
`make test-vllm` makes, and takes about eight minutes on a quiet machine. Wall time is what is measured.
"""

import asyncio
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import rsa
from rsa.serving import VLLM, serve
from tests.bench.schedule import OURS, QUEUE, schedules
from tests.bench.schedules import Schedule, Work, generation, work_of

PYTHON = Path(".venv-vllm/bin/python")
SLOTS, PROBLEMS, STEPS, MEAN = 64, 30, 4, 48
REPEATS = 5


def measure() -> Iterator[dict[str, Any]]:
    if not PYTHON.is_file():
        raise SystemExit(f"{PYTHON} is not there: make test-vllm installs vLLM, then try again")
    runs = asyncio.run(_runs())
    for other in runs[0]:
        if other == OURS:
            continue
        ratios = [each[OURS] / each[other] for each in runs]
        yield {
            "name": f"vLLM on CPU, {SLOTS} slots, P={PROBLEMS} T={STEPS}",
            "baseline": other,
            "ours": round(median(each[OURS] for each in runs), 2),
            "theirs": round(median(each[other] for each in runs), 2),
            "unit": "s to the end",
            "ratio": round(median(ratios), 3),
            "spread": [round(min(ratios), 3), round(max(ratios), 3)],
            "repeats": len(ratios),
            "ratios": [round(ratio, 3) for ratio in ratios],
        }


async def _runs() -> list[dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "tiny"
        make = [str(PYTHON), "-m", "tests.integration.tiny_model", str(model)]
        await asyncio.to_thread(subprocess.run, make, check=True, capture_output=True)
        engine = VLLM(
            str(model), context=8192, args=("--dtype", "float32", "--max-num-seqs", str(SLOTS)), python=str(PYTHON)
        )
        async with serve(engine, Path(folder) / "server.log") as url:
            limit = round(QUEUE * SLOTS)
            options: dict[str, Any] = {"max_concurrency": limit, "concurrency": "fixed"}
            llm = rsa.Endpoint(url, engine.served_name, extra_body={"ignore_eos": True}, **options)
            await _run(llm, work_of(-1, 4, 2, MEAN), schedules()[OURS], limit)  # warm
            return [await _paired(llm, seed, limit) for seed in range(REPEATS)]


async def _paired(llm: rsa.Endpoint, seed: int, limit: int) -> dict[str, float]:
    work = work_of(seed, PROBLEMS, STEPS, MEAN)
    names = list(schedules())
    random.Random(seed).shuffle(names)
    return {name: await _run(llm, work, schedules()[name], limit, f"{name}: ") for name in names}


async def _run(llm: rsa.Endpoint, work: Work, schedule: Schedule, limit: int, mark: str = "") -> float:
    """Seconds to the end. The mark keeps vLLM's prefix cache from knowing prompts from the schedule before."""
    async with llm.connect() as client:
        began = time.perf_counter()
        await schedule(work, generation(client, work, mark), limit)
        return time.perf_counter() - began
