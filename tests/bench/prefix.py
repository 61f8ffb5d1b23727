"""How many prompt tokens a prefix cache saves in each candidate order, by real vLLM's own counters (on the CPU, tiny random
model, blocks of 128 tokens, candidates of 600 tokens, N=16 K=4 and three steps).

It counts tokens, so the machine's load does not matter. It needs vLLM in the environment that `make test-vllm` makes.
"""

import asyncio
import re
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import rsa
from rsa.ordering import CANDIDATE_ORDERS
from rsa.serving import VLLM, serve
from tests.bench.concurrency import PYTHON

REPEATS = 3
STRATEGY = rsa.RSA(16, 4, 3)
SAMPLING = rsa.Sampling(max_tokens=600)
_COUNTER = re.compile(r"^vllm:prefix_cache_(hits|queries)_total\S* (\S+)$", re.MULTILINE)


def measure() -> Iterator[dict[str, Any]]:
    if not PYTHON.is_file():
        raise SystemExit(f"{PYTHON} is not there: make test-vllm installs vLLM, then try again")
    shares = asyncio.run(_shares())
    ours = shares["shared"]
    for order in ("draw", "index"):
        ratios = [mine / theirs for mine, theirs in zip(ours, shares[order], strict=True)]
        yield {
            "name": "prompt tokens out of the prefix cache, candidate_order shared",
            "baseline": f"candidate_order {order}",
            "ours": round(median(ours), 1),
            "theirs": round(median(shares[order]), 1),
            "unit": "%",
            "ratio": round(median(ratios), 2),
            "spread": [round(min(ratios), 2), round(max(ratios), 2)],
            "repeats": len(ratios),
        }


async def _shares() -> dict[str, list[float]]:
    """Percent of all prompt tokens, by order and repeat."""
    shares: dict[str, list[float]] = {order: [] for order in CANDIDATE_ORDERS}
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        make = [PYTHON, "-m", "tests.integration.tiny_model", model]
        await asyncio.to_thread(subprocess.run, make, check=True, capture_output=True)
        engine = VLLM(str(model), python=str(PYTHON), context=8192, args=("--dtype", "float32", "--max-num-seqs", "32"))
        async with serve(engine, Path(folder) / "server.log") as url:
            for repeat in range(REPEATS):
                for order in CANDIDATE_ORDERS:
                    shares[order].append(await _share(url, order, repeat))
    return shares


async def _share(url: str, order: str, repeat: int) -> float:
    llm = rsa.Endpoint(url, extra_body={"ignore_eos": True})
    before = await asyncio.to_thread(_counters, url)
    question = f"{order} {repeat}: what is seven times eight?"  # each begins in its own way: nothing is left from before
    await rsa.arun(question, llm, STRATEGY, seed=repeat, sampling=SAMPLING, need="population", candidate_order=order)
    after = await asyncio.to_thread(_counters, url)
    return 100 * (after["hits"] - before["hits"]) / (after["queries"] - before["queries"])


def _counters(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics", timeout=60) as response:
        return {name: float(value) for name, value in _COUNTER.findall(response.read().decode())}
