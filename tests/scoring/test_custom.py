import re

import pytest

from evals.scoring import Scoring
from rsa.errors import UsageError
from tests.scoring.attempts import judged

SOURCE = """
import time
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
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "my_scorers.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


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
        ("broken", r"ZeroDivisionError: division by zero \(my_scorers.py, line 9\)"),
        ("odd", "returned 'yes': a scorer returns True, False or a number from 0 to 1"),
    ],
)
def test_a_mistake_in_it_is_an_error_and_no_verdict(folder, function, says):
    with Scoring(f"my_scorers.py:{function}") as scoring:
        verdict = judged(scoring, r"\boxed{1}", "1")
        assert (verdict.status, verdict.solved) == ("error", False)
        assert re.search(says, verdict.detail)


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
