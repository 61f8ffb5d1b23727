"""Disks that are full, at every moment of a run."""

import json
import shutil
from collections import Counter

import pytest

from tests.chaos.disk import PAGE, small_disk
from tests.chaos.invariants import check, identity, records, timeless
from tests.evaluation.runs import PLANNED

pytestmark = pytest.mark.timeout(400)  # dozens of runs

LARGE = 8 << 20
ROOMS = (*range(24), 64, 128, 256, 512)
"""The last file is the report, which is larger than all others together."""
FILLING = """
import os
from contextlib import suppress
from pathlib import Path


def judge(attempt):
    disk = Path(attempt.question.split("|")[1])
    state = os.statvfs(disk)
    if not (disk / "filled").exists():
        (disk / "filled").touch()
        with suppress(OSError), (disk / "filler").open("ab") as filler:
            filler.write(b"0" * (state.f_bavail * state.f_bsize - {leave}))
    return attempt.answer in attempt.golds
"""


@pytest.fixture
def disk():
    try:
        with small_disk(LARGE) as mounted:
            yield mounted
    except OSError as error:
        pytest.skip(f"no disk can be mounted here ({error})")


def stopped_by(done):
    """Which file the disk did not take, out of the message."""
    if done.code == 2 and "No space left on device" in done.errors:
        return "the run directory"
    assert done.code == 3, (done.code, done.errors)
    assert "Traceback" not in done.errors, done.errors
    assert "make space, then resume" in done.errors, done.errors
    line = next(line for line in done.errors.splitlines() if "cannot be written" in line)
    return line.removeprefix("rsa-eval: ").split(" cannot be written")[0].rpartition("/")[2]


def go_on(launcher, folder, start, directory):
    command = ("resume", str(directory)) if (directory / "run.yaml").exists() else start
    done = launcher.run(folder, *command)
    assert done.code == 0, (done.code, done.errors)
    check(directory, complete=True)


def test_a_run_on_a_disk_of_any_size_stops_clearly_and_goes_on(chaos, start, launcher, folder, disk, tally):
    """From a disk that cannot hold the first file to one that only misses the report."""
    assert launcher.run(folder, *start, "--out", "whole").code == 0
    hit = Counter()

    def attempt(pages):
        directory = disk.path / f"run{pages}"
        command = (*start, "--out", str(directory))
        disk.fill(leave=pages * PAGE)
        done = launcher.run(folder, *command, "--max-concurrency", "4")
        disk.empty()
        if done.code == 0:
            return True
        hit[stopped_by(done)] += 1
        check(directory, complete=False)
        go_on(launcher, folder, command, directory)
        assert identity(directory) == identity(folder / "whole")
        assert timeless(directory) == timeless(folder / "whole")
        tally.add_run(directory, PLANNED)
        shutil.rmtree(directory)
        return False

    sweep(attempt)
    tally.full_disks.update(hit)
    assert {"run.yaml", "summary.json", "report.html"} <= hit.keys(), hit


def test_a_disk_without_room_for_another_file_stops_a_run_the_same_way(start, launcher, folder, disk, tally):
    hit = Counter()

    def attempt(files):
        directory = disk.path / f"run{files}"
        command = (*start, "--out", str(directory))
        used = sum(1 for _ in disk.path.rglob("*")) + 1
        disk.resize(LARGE, used + files)
        done = launcher.run(folder, *command)
        disk.resize(LARGE)
        if done.code == 0:
            return True
        hit[stopped_by(done)] += 1
        go_on(launcher, folder, command, directory)
        shutil.rmtree(directory)
        return False

    sweep(attempt)
    tally.full_disks.update(hit)


def sweep(attempt):
    """Try with more and more room until it is enough; tell of everything that went wrong on the way."""
    wrong = []
    for room in ROOMS:
        try:
            if attempt(room):
                break
        except AssertionError as error:
            wrong.append(f"with room for {room}: {error}")
    else:
        wrong.append("no room was enough")
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("chains", [1, 3])
@pytest.mark.parametrize("leave", [0, 1, 2, 3])
def test_a_disk_that_fills_up_while_a_chain_is_judged(chaos, launcher, folder, disk, tally, chains, leave):
    """The page of the verdicts is there already when there are several chains: then it is the summary or the report."""
    question = {"id": "p0", "question": f"Question 0? |{disk.path}|", "answer": "0"}
    (folder / "one.jsonl").write_text(json.dumps(question) + "\n")
    (folder / "filling.py").write_text(FILLING.format(leave=leave * PAGE))
    directory = disk.path / "run"
    start = ("run", "--data", "one.jsonl", "--base-url", chaos.url, "--strategy", "majority", "--n", str(chains))
    start = (*start, "--out", str(directory), "--max-concurrency", "1", "--scorer", "filling.py:judge")
    done = launcher.run(folder, *start)
    if done.code:
        tally.full_disks[stopped_by(done)] += 1
        assert {chain["status"] for chain in records(directory / "chains.jsonl")} == {"ok"}
        disk.empty()
        go_on(launcher, folder, start, directory)
    tally.add_run(directory, chains)
