import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import resource_tracker
from pathlib import Path

import psutil
import pytest

from evals.scoring import Scoring
from evals.scoring.maths import MathScorer
from evals.scoring.verdicts import Attempt
from evals.scoring.workers import CallTimedOut, WorkerDied, Workers
from tests.scoring.attempts import judged

HOSTILE = [
    r"9^{9^{9^9}}",
    r"9^{9^{9^{9}}}",
    r"10^{10^{10}}",
    r"2^{99999999}",
    r"(99999!)!",
    r"1000000!",
    r"9**9**9**9",
    r"\sum_{k=1}^{10^{9}} k^{k}",
    r"\prod_{n=1}^{999999} n^n",
    r"\int_0^{1} x^{x^{x^{x}}} dx",
    r"\frac{1}{" * 150,
    r"\sqrt{" * 190 + "2" + "}" * 190,
    "(" * 390,
    "{" * 200 + "1" + "}" * 200,
    "1+" * 190 + "1",
    "x^{" * 120 + "2" + "}" * 120,
    "9" * 5000,
    "-" * 390 + "1",
    r"\text{" * 60 + "1" + "}" * 60,
    "\\" * 399,
    "\x00\x01\x02",
    "\ud83d\ude00" * 50,
    "=" * 200,
    r"\begin{pmatrix}" * 20,
    r"\lim_{x\to\infty} x^{x^{x}}",
    "a=b=c=d" * 50,
    r"\binom{99999}{50000}",
    r"\log(\log(\log(\log(10^{10}))))^{10^{8}}",
    "1e999999999",
    "1,1," * 99,
    r"\{1,2,3\}" * 40,
    r"\pm" * 100 + "1",
    "1/" * 150 + "1",
]


@pytest.fixture(scope="module")
def pool():
    with Workers(1) as workers:
        yield workers


def leftovers() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_hostile_answers_leave_nothing_behind_and_the_next_one_is_judged():
    """A hundred in a row. Their time limit is short, but not that of those between, which may have to import first."""
    resource_tracker.ensure_running()  # of multiprocessing, which lives as long as the interpreter
    before = leftovers()
    with Scoring("math") as scoring:
        workers = scoring._workers
        workers._count, workers._seconds = 1, 60.0
        assert judged(scoring, r"\boxed{\sqrt{4}}", r"\sqrt{2}+\sqrt{2}-\sqrt{8}+2").solved
        started = psutil.Process().memory_info().rss
        for number in range(100):
            gold = rf"\sqrt{{{2 + number // len(HOSTILE)}}}"  # another one, so that nothing is remembered
            workers._seconds = 1.0
            verdict = judged(scoring, f"\\boxed{{{HOSTILE[number % len(HOSTILE)]}}}", gold)
            workers._seconds = 60.0
            assert not verdict.solved
            assert verdict.status in ("ok", "error", "no_answer")
            assert len(verdict.detail or "") < 400
            assert judged(scoring, rf"\boxed{{\sqrt{{{number**2}}}}}", str(number)).solved
        assert psutil.Process().memory_info().rss - started < 100 << 20
        family = [psutil.Process(pid) for pid in leftovers() - before]
        assert not [process for process in family if process.status() == psutil.STATUS_ZOMBIE]
        assert len(family) <= 2  # the worker, and the first of its group
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive


def slow() -> None:
    while True:
        pass


def fail() -> None:
    raise LookupError("no such thing")


class Ending(BaseException):
    pass


class Unreadable(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


def end(kind: str) -> object:
    if kind == "unreadable":
        raise Unreadable("one", "two")
    if kind == "unpicklable":
        return lambda: None
    raise {"exit": SystemExit, "interrupt": KeyboardInterrupt, "own": Ending}[kind](0)


def test_a_call_that_hangs_is_killed_and_others_go_on():
    with Workers(2) as workers, ThreadPoolExecutor(4) as threads:
        hanging = threads.submit(workers.call, slow, seconds=0.5)
        assert [workers.call(abs, -number) for number in range(20)] == list(range(20))
        with pytest.raises(CallTimedOut, match=r"no result within 0\.5 s"):
            hanging.result()
        assert workers.call(abs, -1) == 1


def fork() -> int:
    pid = os.fork()
    if pid == 0:
        signal.pause()
    return pid


ORPHANS = """
import threading
from evals.scoring.workers import Workers
from tests.scoring.test_workers import fork, slow

if __name__ == "__main__":
    workers = Workers(2, seconds=3.0)
    print(workers.call(fork), flush=True)
    for _ in range(2):
        threading.Thread(target=workers.call, args=(slow,), daemon=True).start()
    while len(workers._waiting) < 2:
        pass
    print("hanging", flush=True)
    threading.Event().wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_no_worker_outlives_a_run_that_was_killed(tmp_path):
    """Not even one that is busy without end, nor what it started, and nobody is left who could end it."""
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(root)}
    ) as running:
        assert running.stdout
        forked, hanging = (running.stdout.readline().strip() for _ in range(2))
        assert hanging == "hanging"
        family = psutil.Process(running.pid).children(recursive=True)
        assert len(family) >= 3
        assert int(forked) in {process.pid for process in family}
        running.kill()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_what_goes_wrong_in_a_call_is_told_apart():
    with Workers(1) as workers:
        with pytest.raises(LookupError, match="no such thing"):
            workers.call(fail)
        with pytest.raises(WorkerDied):
            workers.call(os._exit, 3)
        with pytest.raises(MemoryError):
            workers.call(bytearray, 1 << 40)
        assert workers.call(abs, -1) == 1


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("exit", "nothing that can be sent back: SystemExit"),
        ("interrupt", "nothing that can be sent back: KeyboardInterrupt"),
        ("own", "nothing that can be sent back: Ending"),
        ("unpicklable", "nothing that can be sent back: "),
        ("unreadable", "cannot be read: TypeError"),
    ],
)
def test_nothing_that_comes_from_a_call_ends_us_or_the_pool(pool, kind, says):
    with pytest.raises(WorkerDied, match=says):
        pool.call(end, kind)
    assert pool.call(abs, -1) == 1


def test_an_exception_says_where_it_was_raised(pool):
    with pytest.raises(LookupError) as caught:
        pool.call(fail)
    assert "in fail" in "".join(caught.value.__notes__)


def test_a_worker_that_dies_idle_is_replaced():
    with Workers(1) as workers:
        os.kill(workers.call(os.getpid), signal.SIGKILL)
        while True:  # the calls before the pool has noticed are lost
            try:
                assert workers.call(abs, -1) == 1
                break
            except WorkerDied:
                continue


def test_a_time_out_is_an_error_and_never_a_wrong_answer():
    class Slow(Workers):
        def call(self, function, *arguments, seconds=None):
            raise CallTimedOut("no result within 5 s")

    judgement = MathScorer(Slow()).judge(Attempt("p", "?", "", r"\sqrt{3}", (r"\sqrt{2}",), {}))
    assert (judgement.score, judgement.error) == (0.0, "no result within 5 s")


def test_no_worker_starts_before_it_is_needed():
    before = leftovers()
    with Scoring("math") as scoring:
        assert judged(scoring, r"\boxed{70}", "70").solved
        assert not judged(scoring, r"\boxed{\frac{1}{2}}", "0.25").solved
        assert leftovers() == before


def test_workers_may_be_closed_while_calls_wait():
    workers = Workers(1)

    def wait(number: int) -> str:
        try:
            return str(workers.call(time.sleep, 60))
        except WorkerDied as error:
            return str(error)

    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(wait, number) for number in range(3)]
        while len(workers._waiting) < 3:
            pass
        workers.close()
        assert {each.result(timeout=60) for each in waiting} == {"the process that worked on it died"}
    assert wait(4) == "the workers are closed"


STUBBORN = """
import os, pathlib, signal, sys, threading, time
from evals.scoring.workers import WorkerDied, Workers

def hang(begun):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the pool ends its workers one by one, and waits for this one
    pathlib.Path(begun).touch()
    time.sleep(60)

def wait(call, *arguments):
    try:
        call(*arguments)
    except WorkerDied:
        pass

if __name__ == "__main__":
    with Workers(2) as workers:
        hanging = threading.Thread(target=wait, args=(workers.call, hang, sys.argv[1]))
        hanging.start()
        while not os.path.exists(sys.argv[1]):
            pass
        wait(workers.call, os._exit, 3)  # its worker is replaced
    hanging.join()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGTERM")
def test_a_worker_that_is_just_starting_when_all_end_says_nothing(tmp_path):
    """It used to miss the pool's locks, with a traceback in the midst of our own messages."""
    script = tmp_path / "stubborn.py"
    script.write_text(STUBBORN)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(script), str(tmp_path / "begun")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
