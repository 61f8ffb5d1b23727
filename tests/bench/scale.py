"""Runs of different sizes: memory, our CPU time a chain from first to last, open files, and how long a resumption reads.

Chains of 30 KB come at once from a server in a process of its own, so what is measured is our own work: prompts of 120 KB,
the calls, the log, the verdicts, the index. CPU time hardly depends on who else uses the machine. `SCALE=1000` makes the
larger run one of 1,000 problems, which takes 5 GB of disk and several minutes; `SCALE_FOLDER` says where the runs go.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.bench.instant_server import reply
from tests.bench.rows import Goal, Row, paired

SMALL, LARGE = 10, int(os.environ.get("SCALE", "100"))  # problems
CHAINS = 160  # a problem: N=16 K=4 T=10
BYTES = 30_000
SAMPLED = 0.1  # seconds


@dataclass
class Cost:
    """What one command took. `memory` is in MB, `progress` are (bytes of the log, CPU seconds) as time went on."""

    wall: float = 0.0
    memory: float = 0.0
    files: int = 0
    progress: list[tuple[int, float]] = field(default_factory=list)

    def cpu(self, begin: float, end: float) -> float:
        """CPU seconds from one share of the log to another."""
        whole = self.progress[-1][0]
        times = [next(cpu for size, cpu in self.progress if size >= share * whole) for share in (begin, end)]
        return times[1] - times[0]


def measure() -> Iterator[Row]:
    """The larger run beside the smaller one, then what indexing takes; about a minute and a half."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("SCALE_FOLDER")) as folder, server() as url:
        small, large = (run(Path(folder), problems, url) for problems in (SMALL, LARGE))
        gigabytes = large.progress[-1][0] / 1e9
        nothing, resumed = (rsa_eval(Path(folder), "resume", str(problems)) for problems in (SMALL, LARGE))
    less = f"{SMALL} problems"
    quarters = [large.cpu(at, at + 0.23) / 0.23 / LARGE / CHAINS * 1e3 for at in (0.02, 0.75)]
    middle = large.cpu(0.02, 0.98) / 0.96 / LARGE / CHAINS * 1e3
    reading = (resumed.wall - nothing.wall) / gigabytes * LARGE / (LARGE - SMALL)
    yield row("peak memory", less, large.memory, small.memory, "MB", Goal(500, of="ours"))
    yield row("CPU a chain", "the goal", middle, 1.0, "ms", Goal(1.0, of="ours"))
    yield row("CPU a chain, last quarter", "first quarter", quarters[1], quarters[0], "ms", Goal(1.1))
    yield row("open files", less, large.files, small.files, "files")
    yield row("resume of a run that is done, peak memory", less, resumed.memory, nothing.memory, "MB")
    yield row("resume, a GB", "json.loads alone", reading, parsing(), "s")


def row(name: str, baseline: str, ours: float, theirs: float, unit: str, goal: Goal | None = None) -> Row:
    return paired(f"{LARGE} problems: {name}", baseline, [ours], [theirs], unit, goal)


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
    out = arguments[arguments.index("--out") + 1] if "--out" in arguments else arguments[-1]
    cost, began = Cost(), time.perf_counter()
    process = psutil.Popen(
        [sys.executable, "-m", "evals", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    watcher = threading.Thread(target=watch, args=(process, folder / out / "chains.jsonl", cost))
    watcher.start()
    _, told = process.communicate()
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"rsa-eval {arguments[0]} ended with {process.returncode}: {told[-2000:]}")
    cost.wall = time.perf_counter() - began
    return cost


def watch(process: psutil.Popen, log: Path, cost: Cost) -> None:
    """Note memory, open files and progress of a process until it ends."""
    status = Path(f"/proc/{process.pid}/status")
    while True:
        try:
            peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            cost.memory = max(cost.memory, int(peak.split()[1]) / 1024)
            cost.files = max(cost.files, process.num_fds())
            times = process.cpu_times()
            cost.progress.append((log.stat().st_size if log.exists() else 0, times.user + times.system))
        except (psutil.Error, OSError, StopIteration):  # it has ended
            return
        time.sleep(SAMPLED)


def parsing() -> float:
    """Seconds a GB that the parser alone takes on such records."""
    line, count = reply(BYTES), 2000
    began = time.perf_counter()
    for _ in range(count):
        json.loads(line)
    return (time.perf_counter() - began) / count / len(line) * 1e9
