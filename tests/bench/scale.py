"""Runs of different sizes: the most memory, the CPU time a chain, the open files, and how long a resumed run indexes.

Chains of 30 KB come at once from a server in a process of its own, so what is measured is our own work. `SCALE=1000` makes
the larger run one of 1,000 problems, which takes 5 GB of disk; `SCALE_FOLDER` says where the runs go.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

SMALL, LARGE = 10, int(os.environ.get("SCALE", "40"))
CHAINS = 160  # a problem: N=16 K=4 T=10
BYTES = 30_000
SAMPLED = 0.2  # seconds


@dataclass(frozen=True)
class Cost:
    """What one command took. `cpu` and `wall` are in seconds, `memory` is in MB."""

    cpu: float
    wall: float
    memory: float
    files: int


def measure() -> list[dict[str, Any]]:
    """The larger run beside the smaller one, then what indexing takes; about a minute and a half."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("SCALE_FOLDER")) as folder, server() as url:
        small, large = (run(Path(folder), problems, url) for problems in (SMALL, LARGE))
        log = Path(folder) / str(LARGE) / "chains.jsonl"
        gigabytes = log.stat().st_size / 1e9
        nothing, resumed = (rsa_eval(Path(folder), "resume", str(problems)) for problems in (SMALL, LARGE))
    more = LARGE - SMALL
    return [
        row("peak memory", large.memory, small.memory, "MB"),
        row("CPU a chain, without the start", (large.cpu - small.cpu) / more / CHAINS * 1e3, 1.0, "ms", "the goal"),
        row("open files", large.files, small.files, "files"),
        row("resume of a run that is done, peak memory", resumed.memory, nothing.memory, "MB"),
        row("resume, a GB", (resumed.wall - nothing.wall) / gigabytes * LARGE / more, parsing(), "s", "json.loads alone"),
    ]


def row(name: str, ours: float, theirs: float, unit: str, baseline: str = f"{SMALL} problems") -> dict[str, Any]:
    ratio = round(ours / theirs, 2)
    return {
        "name": f"{LARGE} problems: {name}",
        "baseline": baseline,
        "ours": round(ours, 2),
        "theirs": round(theirs, 2),
        "unit": unit,
        "ratio": ratio,
        "spread": [ratio, ratio],
        "repeats": 1,
    }


@contextmanager
def server() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.instant_server", str(BYTES)]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        process.kill()


def run(folder: Path, problems: int, url: str) -> Cost:
    data = folder / f"{problems}.jsonl"
    rows = ({"id": f"p{number}", "question": f"Question {number}?", "answer": "12"} for number in range(problems))
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--n", "16", "--k", "4", "--steps", "10", "--scorer", "integer", "--max-tokens", "8192"]
    return rsa_eval(folder, "run", "--data", data.name, "--base-url", url, "--out", str(problems), *options)


def rsa_eval(folder: Path, *arguments: str) -> Cost:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = psutil.Popen(
        [sys.executable, "-m", "evals", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    seen: dict[str, float] = {"memory": 0.0, "files": 0}
    watcher = threading.Thread(target=watch, args=(process, seen))
    watcher.start()
    _, told = process.communicate()
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"rsa-eval {arguments[0]} ended with {process.returncode}: {told[-2000:]}")
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall, seen["memory"], int(seen["files"]))


def watch(process: psutil.Popen, seen: dict[str, float]) -> None:
    """Note the most memory and the most open files of a process until it ends."""
    status = Path(f"/proc/{process.pid}/status")
    while True:
        try:
            peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            seen["memory"] = max(seen["memory"], int(peak.split()[1]) / 1024)
            seen["files"] = max(seen["files"], process.num_fds())
        except (psutil.Error, OSError, StopIteration):  # it has ended
            return
        time.sleep(SAMPLED)


def parsing() -> float:
    """Seconds a GB that the parser alone takes on such records."""
    from tests.bench.instant_server import reply  # noqa: PLC0415

    line, count = reply(BYTES), 2000
    began = time.perf_counter()
    for _ in range(count):
        json.loads(line)
    return (time.perf_counter() - began) / count / len(line) * 1e9
