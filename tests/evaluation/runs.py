"""What the tests of whole runs share: four problems, and ways to read a run directory."""

import subprocess
import sys
import time
from pathlib import Path

from evals.store import read_log

PROBLEMS = [{"id": f"p{number}", "question": f"Question {number}?", "answer": str(number % 3)} for number in range(4)]
PLANNED = 4 * 4 * 3


def chains(directory: Path) -> dict[tuple, dict]:
    found = [record for _, _, record in read_log(directory / "chains.jsonl")]
    by_place = {(record["problem"], record["repeat"], record["step"], record["slot"]): record for record in found}
    assert len(by_place) == len(found), "a recorded chain was generated twice"
    return by_place


def identity(directory: Path) -> dict[tuple, tuple]:
    return {
        place: (tuple(record["parents"]), record["seed"], record["prompt_sha256"], record["text"])
        for place, record in chains(directory).items()
    }


def begin(arguments, folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "evals", *arguments],
        cwd=folder,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
