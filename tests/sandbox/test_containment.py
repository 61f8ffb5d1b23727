"""Every attack and every idiom, as root and as an ordinary user, at each level that this machine offers."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from evals.sandbox import Sandbox
from tests.sandbox.cases import ATTACKS, IDIOMS, expected, run_all

WORKERS = 4
WITHOUT = {"full": (), "strong": ("namespaces",), "sealed": ("namespaces", "landlock")}
SETTINGS = [("root", level) for level in WITHOUT] + [("ordinary", level) for level in WITHOUT]
Verdicts = dict[str, tuple[str, str]]

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="programs can be shut in on Linux only"),
    pytest.mark.timeout(400),  # the first test of each setting runs all programs
]


@cache
def verdicts(user: str, level: str) -> Verdicts | str:
    """(outcome, detail) of all of them; or why they cannot be had here."""
    is_root = os.geteuid() == 0
    if user == "root" and not is_root:
        return "not run as root"
    found, reached, refused = _as_this_user(level) if is_root == (user == "root") else _as_nobody(level)
    return found if reached == level else f"this machine offers {reached} only: {refused}"


def _as_this_user(level: str) -> tuple[Verdicts, str, object]:
    with Sandbox(WORKERS, _without=WITHOUT[level]) as sandbox:
        found = {name: (str(judgement.outcome), judgement.detail) for name, judgement in run_all(sandbox, WORKERS).items()}
        return found, sandbox.level, sandbox.refused


def _as_nobody(level: str) -> tuple[Verdicts, str, object]:
    command = [sys.executable, "-m", "tests.sandbox.ordinary_user", "nobody", ",".join(WITHOUT[level])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    return answer["verdicts"], answer["level"], answer["refused"]


def of(user: str, level: str, name: str) -> tuple[str, str]:
    found = verdicts(user, level)
    if isinstance(found, str):
        pytest.skip(found)
    return found[name]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(("user", "level"), SETTINGS)
def test_an_attack_is_contained(user, level, attack):
    outcome, detail = of(user, level, f"attacks/{attack}")
    assert outcome == expected(attack), detail


@pytest.mark.parametrize("idiom", IDIOMS)
@pytest.mark.parametrize(("user", "level"), SETTINGS)
def test_an_idiom_passes(user, level, idiom):
    outcome, detail = of(user, level, f"idioms/{idiom}")
    assert outcome == "solved", detail
