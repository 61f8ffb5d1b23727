"""What the tests of scorers share."""

from typing import Any

from evals.problems import Problem
from evals.scoring import Scoring, Verdict
from rsa.chain import Chain, Status


def chain(text: str, problem: str = "p") -> Chain:
    return Chain(problem, 1, "s", 2, 3, (), "m", 0, "", text, "stop", Status.OK)


def judged(scoring: Scoring, text: str, *golds: str, kind: str = "math", extra: dict[str, Any] | None = None) -> Verdict:
    problem = Problem("p", "?", golds, kind, extra=extra or {})
    scoring.prepare([problem])
    return scoring.score(problem, chain(text))


def outcome(verdict: Verdict) -> str:
    if verdict.status == "ok":
        return "right" if verdict.solved else "wrong"
    return verdict.status.replace("_", " ")
