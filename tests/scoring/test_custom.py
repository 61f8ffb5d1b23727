import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from evals.scoring import Scoring
from evals.scoring.custom import CustomScorer
from evals.scoring.verdicts import Attempt, Judgement
from evals.scoring.workers import Workers
from rsa.equivalence import Equivalence
from rsa.errors import UsageError
from tests.scoring.attempts import judged

SOURCE = """
import os
import sys
import time
from decimal import Decimal
from fractions import Fraction

import numpy
from evals.scoring import Attempt

def length(attempt: Attempt) -> float:
    return min(1.0, len(attempt.answer) / len(attempt.golds[0]))

def broken(attempt):
    return 1 / 0

def odd(attempt):
    return "yes"

def slow(attempt):
    while True:
        pass

constant = 3

class Stop(BaseException):
    pass

class Two(Exception):
    def __init__(self, one, two):
        super().__init__(one)

class Mute(Exception):
    def __str__(self):
        raise KeyboardInterrupt

class Shy:
    def __repr__(self):
        raise Stop

    def __float__(self):
        raise SystemExit(0)

def leaves(attempt): sys.exit(0)
def interrupts(attempt): raise KeyboardInterrupt
def stops(attempt): raise Stop("here")
def two(attempt): raise Two(1, 2)
def mute(attempt): raise Mute
def lines(attempt): raise ValueError("first\\n  second\\t" + 1000 * "x")
def shy(attempt): return Shy()
def hidden(attempt): return [Shy()]
def in_a_library(attempt): return Fraction("nonsense")

def returns(attempt): return eval(attempt.answer)

def prints(attempt):
    print("printed")
    sys.stdout.flush()
    os.write(1, b"written")
    os.system("echo echoed")
    return True

def forks(attempt):
    if os.fork() == 0:
        time.sleep(600)
    return True

def forks_and_hangs(attempt):
    os.fork()
    while True:
        pass

def answers_twice(attempt):
    if os.fork() == 0:
        sys.exit(0)
    os.wait()
    return True
"""


def line_of(start: str) -> int:
    return next(number for number, line in enumerate(SOURCE.splitlines(), 1) if line.startswith(start))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "my_scorers.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def workers():
    """One process for all: a call that spoils it would spoil those that come after."""
    with Workers(1) as workers:
        yield workers


def judge(workers: Workers, name: str, answer: str = "1") -> Judgement:
    return CustomScorer(name, workers, Equivalence(str)).judge(Attempt("p", "?", "", answer, ("1",), {}))


@pytest.mark.parametrize("name", ["my_scorers:length", "my_scorers.py:length"])
def test_a_users_function_judges(folder, name):
    with Scoring(name) as scoring:
        assert judged(scoring, r"\boxed{four}", "four").solved
        half = judged(scoring, r"\boxed{fo}", "four")
        assert (half.status, half.score, half.solved) == ("ok", 0.5, False)
        first = scoring.version("math")
    (folder / "my_scorers.py").write_text(SOURCE + "\n")
    with Scoring(name) as scoring:
        judged(scoring, r"\boxed{four}", "four")
        assert scoring.version("math") != first


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("broken", r"ZeroDivisionError: division by zero \(my_scorers.py, line {below}\)"),
        ("leaves", r"SystemExit: 0 \(my_scorers.py, line {line}\)"),
        ("interrupts", r"KeyboardInterrupt \(my_scorers.py, line {line}\)"),
        ("stops", r"Stop: here \(my_scorers.py, line {line}\)"),
        ("two", r"Two: 1 \(my_scorers.py, line {line}\)"),
        ("mute", r"Mute: \(KeyboardInterrupt when asked for its text\) \(my_scorers.py, line {line}\)"),
        ("lines", r"ValueError: first second x{{287}} \(my_scorers.py, line {line}\)"),
        ("shy", r"SystemExit: 0 \(my_scorers.py, line \d+\)"),
        ("hidden", r"returned \(Stop when asked for its text\): a scorer returns"),
        ("in_a_library", r"ValueError: Invalid literal for Fraction: 'nonsense' \(fractions.py, line \d+\)"),
        ("odd", "returned 'yes': a scorer returns True, False or a number from 0 to 1"),
    ],
)
@pytest.mark.parametrize("place", ["my_scorers", "my_scorers.py"])
def test_a_mistake_in_it_is_an_error_and_no_verdict(folder, workers, place, function, says):
    line = line_of(f"def {function}(")
    judgement = judge(workers, f"{place}:{function}")
    assert judgement.score == 0.0
    assert re.fullmatch(f".*{says.format(line=line, below=line + 1)}.*", judgement.error or "")
    assert judge(workers, f"{place}:length") == Judgement(1.0, f"{place}:length")
    assert workers.call(abs, -1) == 1


@pytest.mark.parametrize(
    ("given", "score"),
    [
        ("True", 1.0),
        ("0", 0.0),
        ("numpy.bool_(True)", 1.0),
        ("numpy.float32(0.5)", 0.5),
        ("numpy.float64(0.25)", 0.25),
        ("numpy.int8(1)", 1.0),
        ("numpy.array(0.5)", 0.5),
        ("Fraction(1, 4)", 0.25),
        ("Decimal('0.5')", 0.5),
    ],
)
def test_any_number_from_0_to_1_is_a_score(folder, workers, given, score):
    judgement = judge(workers, "my_scorers:returns", given)
    assert judgement == Judgement(score, "my_scorers:returns")
    assert type(judgement.score) is float


@pytest.mark.parametrize(
    "given",
    [
        *("None", "'1'", "b'1'", "numpy.str_('1')", "[1]", "float('nan')", "numpy.float64('nan')", "Decimal('sNaN')", "1.5"),
        *("-1", "10**400", "10**5000", "float('inf')", "1j", "numpy.complex128(1)", "numpy.array([1.0, 0.0])", "float"),
    ],
)
def test_anything_else_is_an_error(folder, workers, given):
    judgement = judge(workers, "my_scorers:returns", given)
    assert judgement.score == 0.0
    assert judgement.error.endswith(": a scorer returns True, False or a number from 0 to 1")


RUN = """
import sys
from evals.scoring import Scoring
from tests.scoring.attempts import judged

if __name__ == "__main__":
    with Scoring("my_scorers.py:prints") as scoring:
        sys.stdout.write(judged(scoring, "\\\\boxed{1}", "1").status)
"""


def test_what_it_prints_goes_to_standard_error(folder):
    (folder / "run.py").write_text(RUN)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "run.py"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "ok"
    assert all(text in done.stderr for text in ("printed", "written", "echoed"))


def members(group: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(process.pid) == group:
                found.append(process)
    return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize(("function", "seconds"), [("forks", 30.0), ("forks_and_hangs", 1.0)])
def test_what_it_leaves_running_ends_with_the_workers(folder, function, seconds):
    with Scoring(f"my_scorers.py:{function}", seconds=seconds) as scoring:
        verdict = judged(scoring, r"\boxed{1}", "1")
        assert verdict.status == ("ok" if function == "forks" else "error")
        group = os.getpgid(scoring._workers.call(os.getpid))
        family = members(group)
        assert group != os.getpgid(0)
        children = {child.pid for child in psutil.Process().children()}
        assert [process for process in family if process.pid not in children]
    _, alive = psutil.wait_procs(family, timeout=60)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_that_comes_back_says_nothing(folder, workers):
    for _ in range(3):
        assert judge(workers, "my_scorers.py:answers_twice") == Judgement(1.0, "my_scorers.py:answers_twice")


@pytest.mark.parametrize("place", ["leaves_at_once", "leaves_at_once.py"])
def test_a_file_that_ends_the_program_is_told(folder, workers, place):
    (folder / "leaves_at_once.py").write_text("import sys\n\nsys.exit(0)\n")
    for _ in range(2):  # half a module is not taken for one
        says = rf"{place} cannot be imported: SystemExit: 0 \(leaves_at_once.py, line 3\)"
        with pytest.raises(UsageError, match=says):
            judge(workers, f"{place}:length")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_such_module:length", "no_such_module cannot be imported"),
        ("my_scorers:nothing", "my_scorers has no function 'nothing'"),
        ("my_scorers:constant", "my_scorers has no function 'constant'"),
        ("absent.py:length", "absent.py cannot be imported"),
    ],
)
def test_a_function_that_is_not_there_is_told_before_anything_is_spent(folder, name, says):
    with Scoring(name) as scoring, pytest.raises(UsageError, match=says):
        judged(scoring, r"\boxed{1}", "1")
