"""Scorers of a user's own, for the tests of the reward."""

import os
from pathlib import Path

from evals.scoring import Attempt


def half(attempt: Attempt) -> float:
    return 0.5


def fails_once(attempt: Attempt) -> bool:
    met = Path(os.environ["RSA_TEST_ONCE"])
    if met.exists():
        return True
    met.touch()
    raise TimeoutError("not yet")
