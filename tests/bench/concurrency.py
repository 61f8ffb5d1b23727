"""Adaptive concurrency against fixed numbers, on real vLLM on the CPU with a tiny random model and room for 32 sequences.

Every repeat sends the same 1,000 calls (lengths from a seeded lognormal) under each setting, one setting after the other.
What is measured is the middle half of the replies, without the start and the last stragglers. It needs vLLM in the
environment that `make test-vllm` makes.
"""

import asyncio
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import rsa
from rsa.endpoint import Client
from rsa.serving import VLLM, serve
from tests.bench.rows import Unavailable

PYTHON = Path(".venv-vllm/bin/python")
REPEATS = 5
CALLS = 1000  # several times the largest number in flight, so that no setting has sent all before it is measured
SEQUENCES = 32
SETTINGS = {
    "fixed 8 in flight": {"concurrency": "fixed", "max_concurrency": 8},
    "fixed 32, the server's room": {"concurrency": "fixed", "max_concurrency": SEQUENCES},
    "fixed 256 in flight": {"concurrency": "fixed", "max_concurrency": 256},
}
ADAPTIVE = {"concurrency": "adaptive", "max_concurrency": 256}


@dataclass(frozen=True)
class Measured:
    tokens_a_second: float
    longest_queue: int
    limit: int


def measure() -> Iterator[dict[str, Any]]:
    if not PYTHON.is_file():
        raise Unavailable(f"{PYTHON} is not there: make test-vllm installs vLLM")
    runs = asyncio.run(_runs())
    ours = [each["adaptive"] for each in runs]
    for name in SETTINGS:
        theirs = [each[name] for each in runs]
        ratios = [a.tokens_a_second / b.tokens_a_second for a, b in zip(ours, theirs, strict=True)]
        yield {
            "name": f"vLLM, up to 256 in flight (settled at {median(each.limit for each in ours):g}; longest queue "
            f"{max(each.longest_queue for each in ours)} against {max(each.longest_queue for each in theirs)})",
            "baseline": name,
            "ours": round(median(each.tokens_a_second for each in ours)),
            "theirs": round(median(each.tokens_a_second for each in theirs)),
            "unit": "new tokens/s",
            "ratio": round(median(ratios), 2),
            "spread": [round(min(ratios), 2), round(max(ratios), 2)],
            "repeats": len(ratios),
        }


async def _runs() -> list[dict[str, Measured]]:
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "tiny"
        make = [PYTHON, "-m", "tests.integration.tiny_model", str(model)]
        await asyncio.to_thread(subprocess.run, make, check=True, capture_output=True)
        args = ("--dtype", "float32", "--max-num-seqs", str(SEQUENCES))
        engine = VLLM(str(model), context=2048, args=args, python=str(PYTHON))
        async with serve(engine, Path(folder) / "server.log") as url:
            llm = rsa.Endpoint(url, engine.served_name, extra_body={"ignore_eos": True})
            await _calls(llm, -1)  # warm
            return [
                {name: await _calls(replace(llm, **options), repeat) for name, options in _order(repeat)}
                for repeat in range(REPEATS)
            ]


def _order(repeat: int) -> list[tuple[str, dict[str, Any]]]:
    """All settings, each repeat in another order."""
    settings = list({**SETTINGS, "adaptive": ADAPTIVE}.items())
    random.Random(repeat).shuffle(settings)
    return settings


async def _calls(llm: rsa.Endpoint, repeat: int) -> Measured:
    draw = random.Random(repeat)
    lengths = [min(900, round(draw.lognormvariate(4, 0.6)) + 1) for _ in range(CALLS)]
    queues: list[int] = [0]
    async with llm.connect() as client:
        watching = asyncio.ensure_future(_watch(client, queues))
        replies = await asyncio.gather(*(_call(client, length, seed) for seed, length in enumerate(lengths)))
        watching.cancel()
        middle = sorted(replies)[CALLS // 4 : 3 * CALLS // 4]
        seconds = middle[-1][0] - middle[0][0]
        return Measured(sum(tokens for _, tokens in middle[1:]) / seconds, max(queues), client.gate.now)


async def _call(client: Client, length: int, seed: int) -> tuple[float, int]:
    """When the reply came, and its new tokens."""
    messages = [{"role": "user", "content": f"Question {seed}"}]
    completion = await client.complete(messages, rsa.Sampling(max_tokens=length), seed)
    return time.perf_counter(), completion.usage.completion or 0


async def _watch(client: Client, queues: list[int]) -> None:
    while True:
        load = await client.load()
        queues.append(load.waiting if load else 0)
        await asyncio.sleep(0.3)
