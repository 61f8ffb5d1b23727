"""What is left when the sandbox, its runner or its helper ends, however that happens; and many programs at once."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from evals.sandbox import Outcome, Sandbox, StdinSuite, StdinTest
from tests.sandbox.cases import ATTACKS, IDIOMS, PATIENT, SQUARES, STRICT, TOTALS, expected, style_of

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="programs can be shut in on Linux only")

ROOT = Path(__file__).parents[2]
ECHO = StdinSuite((StdinTest("x\n", "x\n"),))
MIXED = int(os.environ.get("SANDBOX_MIX", "200"))  # programs of each sort in the mix
MEBIBYTE = 1 << 20


def surroundings() -> dict[str, Any]:
    """What a sandbox could leave behind it."""
    return {
        "processes": {process.pid for process in psutil.Process().children(recursive=True)},
        "descriptors": psutil.Process().num_fds(),
        "mounts": Path("/proc/self/mounts").read_text(),
        "breaches": [path for folder in ("/tmp", "/dev/shm", "/var/tmp", "/") for path in Path(folder).glob("breach*")],
    }


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killing_the_runner_in_flight_leaves_nothing(number):
    runner = subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox.victim", "4"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    with runner:
        assert runner.stdout.readline() == b"flying\n"
        offspring = psutil.Process(runner.pid).children(recursive=True)
        assert len(offspring) >= 2 * 4  # a helper and a program each
        runner.send_signal(number)
        _, alive = psutil.wait_procs(offspring, timeout=60)
        assert not alive


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give programs users of their own")
def test_no_two_programs_that_run_at_once_have_the_same_user():
    """The limit on threads counts a user's: those of a thread bomb would be taken from an innocent program."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox.victim", "4"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
    ) as runner:
        assert runner.stdout.readline() == b"flying\n"
        users = [process.uids().real for process in psutil.Process(runner.pid).children(recursive=True)]
        runner.kill()
    programs = [user for user in users if user]
    assert len(programs) == len(set(programs)) == 4


def test_a_helper_that_dies_is_replaced():
    others = surroundings()["processes"]  # what other tests have running in this process
    with Sandbox(1) as sandbox:
        assert sandbox.judge("print(input())", ECHO).outcome is Outcome.SOLVED
        helpers = [child for child in psutil.Process().children(recursive=True) if child.pid not in others]
        assert helpers
        for helper in helpers:
            helper.kill()
        assert sandbox.judge("print(input())  # again", ECHO).outcome is Outcome.SOLVED


def test_closing_leaves_nothing():
    before = surroundings()
    with Sandbox(3) as sandbox, ThreadPoolExecutor(6) as pool:
        programs = [f"print(input())  # {number}" for number in range(30)]
        assert {judgement.outcome for judgement in pool.map(lambda p: sandbox.judge(p, ECHO), programs)} == {Outcome.SOLVED}
        assert sandbox.call("json:dumps", {}).value == "{}"
        assert surroundings() != before
    assert surroundings() == before


def test_hostile_and_good_programs_mixed_are_each_judged_right():
    """Set SANDBOX_MIX=1000 for the full number."""
    before = surroundings()
    cases = []
    for number in range(MIXED):
        attack, idiom = sorted(ATTACKS)[number % len(ATTACKS)], sorted(IDIOMS)[number % len(IDIOMS)]
        limits = STRICT if expected(attack) == "time_limit" else PATIENT
        cases.append((ATTACKS[attack], SQUARES[style_of(attack)], limits, expected(attack), number))
        cases.append((IDIOMS[idiom], TOTALS, PATIENT, "solved", number))

    with Sandbox(4) as sandbox, ThreadPoolExecutor(16) as pool:

        def verdict(case):
            path, suite, limits, wanted, number = case
            judgement = sandbox.judge(f"{path.read_text()}\n# {number}\n", suite, limits)
            return None if judgement.outcome == wanted else (path.name, judgement)

        half = len(cases) // 2
        wrong = [*filter(None, pool.map(verdict, cases[:half]))]
        then = memory()
        wrong += filter(None, pool.map(verdict, cases[half:]))
        assert not wrong
        assert memory() - then < 24 * MEBIBYTE
    assert surroundings() == before


def memory() -> int:
    """Bytes that this process and the helpers have for themselves."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(process.memory_full_info().uss for process in processes)
