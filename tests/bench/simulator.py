"""How far off the simulator is: fitted to one run on real vLLM, it foretells that run and another one.

vLLM runs on the CPU with a tiny random model, whose replies end by chance. Run A is fitted; run B has another strategy,
other problems and twice as many calls in flight, and nothing of it is known but the lengths of its chains. It needs vLLM in
the environment that `make test-vllm` makes, and takes about nine minutes.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from evals.preparation import prepare_recorded
from evals.simulation.calibration import calibrate
from evals.simulation.costs import StepCosts
from evals.simulation.profiles import profile
from evals.simulation.scene import recorded
from evals.simulation.simulate import simulate
from rsa.endpoint.concurrency import Adaptive
from rsa.serving import VLLM, serve
from tests.bench.rows import Row, Unavailable, paired

PYTHON = Path(".venv-vllm/bin/python")
SEQUENCES = 128
A = {"problems": 20, "n": 8, "k": 2, "steps": 3, "in_flight": 16, "seed": 1}
B = {"problems": 8, "n": 16, "k": 4, "steps": 3, "in_flight": 32, "seed": 2}
REPEATS = 5
NAMES = {"A": "the run of whose chains half were fitted", "B": "another run: strategy, problems, calls in flight"}
SERVER = {"server.kv_tokens": 1_000_000, "server.max_num_seqs": SEQUENCES, "server.block": 128}


def measure() -> Iterator[Row]:
    if not PYTHON.is_file():
        raise Unavailable(f"{PYTHON} is not there: make test-vllm installs vLLM")
    repeats = [_foretold() for _ in range(REPEATS)]
    for of, name in NAMES.items():
        simulated, real = ([getattr(each, kind)[of] for each in repeats] for kind in ("simulated", "real"))
        more = {"median_error_of_a_chain": [round(each.chain_error, 3) for each in repeats]} if of == "A" else {}
        yield paired(name, "vLLM on CPU", simulated, real, "s simulated and real", **more)


@dataclass(frozen=True)
class Foretold:
    """Two runs, each with its seconds as they were and as they are foretold."""

    real: dict[str, float]
    simulated: dict[str, float]
    chain_error: float


def _foretold() -> Foretold:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_runs(Path(folder)))
        first, other = (recorded(prepare_recorded(Path(folder) / name)) for name in "AB")
    server = profile("h100", None, SERVER).build(StepCosts(1.0))
    found = calibrate(first, server, lambda: Adaptive.fixed(A["in_flight"]))
    fitted = replace(server, costs=found.costs)
    takes = simulate(other, fitted, 1, Adaptive.fixed(B["in_flight"])).seconds
    real = {"A": found.seconds, "B": other.seconds}
    return Foretold(real, {"A": found.seconds * (1 + found.seconds_error), "B": takes}, found.chain_error)


async def _runs(folder: Path) -> None:
    make = [str(PYTHON), "-m", "tests.integration.tiny_model", str(folder / "tiny")]
    await asyncio.to_thread(subprocess.run, make, check=True, capture_output=True)
    args = ("--dtype", "float32", "--max-num-seqs", str(SEQUENCES))
    engine = VLLM(str(folder / "tiny"), context=8192, args=args, python=str(PYTHON))
    async with serve(engine, folder / "server.log") as url:
        for name, sizes in (("warm", A | {"problems": 2}), ("A", A), ("B", B)):
            await asyncio.to_thread(_run, folder, name, url, sizes)


def _run(folder: Path, name: str, url: str, sizes: dict[str, int]) -> None:
    data = folder / f"{name}.jsonl"
    rows = ({"question": f"{name} {number}: what is {number} x 7?", "answer": "1"} for number in range(sizes["problems"]))
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = {"n": sizes["n"], "k": sizes["k"], "steps": sizes["steps"], "seed": sizes["seed"]}
    flags = [text for key, value in options.items() for text in (f"--{key}", str(value))]
    limits = ["--max-tokens", "300", "--max-concurrency", str(sizes["in_flight"]), "--concurrency", "fixed"]
    command = [sys.executable, "-m", "evals", "run", "--data", str(data), "--base-url", url, "--out", str(folder / name)]
    subprocess.run([*command, *flags, *limits], check=True, capture_output=True, text=True)
