"""vLLM for the benchmarks: on the CPU with a small model in the environment that `make test-vllm` makes, or as told.

`BENCH_PYTHON` is an interpreter that has vLLM, `BENCH_SHAPE` a shape of `tests.bench.dummy_model`, `BENCH_SLOTS` the number
of sequences that decode at a time, `BENCH_TOKENS` the mean length of replies, `BENCH_PROBLEMS` and `BENCH_REPEATS` what
they say, `BENCH_ARGS` further arguments of the server. tests/bench/gpu.sh sets them for a GPU.
"""

import asyncio
import os
import shlex
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rsa.serving import VLLM, serve
from tests.bench.rows import Unavailable

PYTHON = Path(os.environ.get("BENCH_PYTHON", ".venv-vllm/bin/python"))
SHAPE = os.environ.get("BENCH_SHAPE", "small")
CONTEXT = 8192 if SHAPE == "small" else 65_536
SERVED = "dummy"


def number(name: str, default: int) -> int:
    return int(os.environ.get(f"BENCH_{name}", str(default)))


def mark(run: int, part: int) -> str:
    """The beginning of all prompts of one part of a run, in words that the tokenizer knows."""
    return f"w{run:x} w{part:x} "


@asynccontextmanager
async def vllm_server(slots: int) -> AsyncIterator[tuple[str, Path]]:
    """A server for the length of the block: its address and its model's folder."""
    if not PYTHON.is_file():
        raise Unavailable(f"{PYTHON} is not there: make test-vllm installs vLLM")
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        make = [str(PYTHON), "-m", "tests.bench.dummy_model", str(model), SHAPE]
        await asyncio.to_thread(subprocess.run, make, check=True, capture_output=True)
        args = ("--load-format", "dummy", "--max-num-seqs", str(slots), *shlex.split(os.environ.get("BENCH_ARGS", "")))
        engine = VLLM(str(model), SERVED, context=CONTEXT, args=args, python=str(PYTHON))
        async with serve(engine, Path(folder) / "server.log") as url:
            yield url, model
