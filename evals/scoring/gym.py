"""Reasoning Gym items, judged by the package's own scorers inside the sandbox.

Solved means a score of 1; partial credit is kept as the score. A missing or blank answer scores 0, although some of the
scorers give it credit.
"""

import importlib.util
import threading
from collections.abc import Mapping
from typing import Any

from evals.installed import installed_version
from evals.sandbox import CallResult, Limits, Sandbox
from evals.scoring.evaluated import EVALUATED, is_program
from evals.scoring.verdicts import Attempt, Judgement
from rsa.equivalence import AS_TEXT
from rsa.errors import UsageError

__all__ = ["GymScorer"]

_TARGET = "evals.scoring.gym_scoring:score"
_LIMITS = Limits(wall=10.0, cpu=5.0)
_REMEMBERED = 20_000


class GymScorer:
    """Scores items whose `extra` holds the `dataset` and the `entry`. Raises `UsageError` without the package."""

    equivalence = AS_TEXT

    def __init__(self, sandbox: Sandbox) -> None:
        if importlib.util.find_spec("reasoning_gym") is None:
            raise UsageError("scoring Reasoning Gym needs its package: pip install 'recursive-self-aggregation[gym]'")
        self.version = f"gym/1 reasoning-gym {installed_version('reasoning-gym')}"
        self._sandbox = sandbox
        self._known: dict[tuple[str, str], Judgement] = {}
        self._lock = threading.Lock()

    def judge(self, attempt: Attempt) -> Judgement:
        """The scorer's score of an answer."""
        if not attempt.answer.strip():
            return Judgement(0.0, "blank")
        if attempt.extra["dataset"] in EVALUATED and is_program(attempt.answer):
            return Judgement(0.0, "program", detail="the answer is a program and no value")
        key = (attempt.problem, attempt.answer)
        known = self._known.get(key)
        if known:
            return known
        judgement = self._ask(attempt.answer, attempt.extra)
        if judgement.error is None:
            with self._lock:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[key] = judgement
        return judgement

    def _ask(self, answer: str, extra: Mapping[str, Any]) -> Judgement:
        dataset = extra["dataset"]
        arguments = {"warm": dataset, "answer": answer, "entry": extra["entry"]}
        result: CallResult = self._sandbox.call(_TARGET, arguments, _LIMITS)
        if result.status == "ok":
            return Judgement(min(1.0, max(0.0, float(result.value))), dataset)
        return Judgement(0.0, dataset, error=f"the scorer of {dataset}: {result.status}: {result.detail}")
