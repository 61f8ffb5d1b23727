"""Programs, judged by their tests inside the sandbox. Two programs vote together if they do the same on the public tests."""

from collections.abc import Mapping
from typing import Any

from evals.sandbox import Limits, Outcome, Sandbox
from evals.scoring.verdicts import Attempt, Judgement
from evals.tasks.code import limits, program, public_suite, suite
from rsa.equivalence import AS_TEXT

__all__ = ["CodeScorer"]


class CodeScorer:
    """Runs programs. The verdict's method is the outcome: solved, wrong_answer, time_limit and so on."""

    version = "code/1"
    equivalence = AS_TEXT

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def judge(self, attempt: Attempt) -> Judgement:
        """1 if all tests pass. What goes wrong in the sandbox itself is an error and never the program's fault."""
        allowed, whole = limits(attempt.extra), program(attempt.extra, attempt.answer)
        found = self._sandbox.judge(whole, suite(attempt.extra), allowed)
        failing = "" if found.failing is None else f"test {found.failing + 1}: "
        detail = f"{failing}{found.detail}".strip() or None
        if found.outcome is Outcome.SANDBOX_ERROR:
            return Judgement(0.0, found.outcome.value, error=f"sandbox: {detail}")
        solved = found.outcome is Outcome.SOLVED
        vote = self._behaviour(whole, attempt.extra, allowed)
        return Judgement(float(solved), found.outcome.value, detail=None if solved else detail, vote=vote)

    def _behaviour(self, whole: str, extra: Mapping[str, Any], allowed: Limits) -> str | None:
        public = public_suite(extra)
        return None if public is None else self._sandbox.behaviour(whole, public, allowed)
