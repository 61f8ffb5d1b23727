"""Verdicts: is what a chain answered right?

| kind | answer | right if |
|---|---|---|
| math | last brace-balanced box after any thinking | equal to the gold as an integer, else as text after normalising |
| choice | the letter in the last box | the same letter |
| number | the last number in the text | equal as a number |

No answer is a status of its own. A dead chain gets no verdict at all.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from evals.problems import Problem
from rsa.answers import normalise_math
from rsa.chain import Chain
from rsa.kinds import KINDS

__all__ = ["SCORED_KINDS", "SCORER_VERSION", "Verdict", "score"]

SCORER_VERSION = "1"
"""Changes whenever a verdict may."""

Judgement = tuple[bool, str]
"""Right or not, and by which method."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One chain's verdict. `status` is ok, no_answer or error; `score` is in 0..1, `solved` means 1; `ms` it took."""

    problem: str
    repeat: int
    strategy: str
    step: int
    slot: int
    answer: str | None
    status: str
    score: float
    solved: bool
    method: str
    scorer_version: str
    ms: float

    def to_record(self) -> dict[str, Any]:
        """The JSON object of one line of `verdicts.jsonl`."""
        return asdict(self)


def _math(answer: str, gold: str) -> Judgement:
    mine, right = normalise_math(answer), normalise_math(gold)
    return mine == right, "integer" if right.lstrip("-").isdigit() else "text"


def _choice(answer: str, gold: str) -> Judgement:
    return answer == gold.strip().upper(), "letter"


def _number(answer: str, gold: str) -> Judgement:
    try:
        return Decimal(answer) == Decimal(normalise_math(gold)), "number"
    except InvalidOperation:
        return False, "number"


_JUDGES: Mapping[str, Callable[[str, str], Judgement]] = MappingProxyType(
    {"math": _math, "choice": _choice, "number": _number}
)
SCORED_KINDS = tuple(_JUDGES)
"""The problem kinds that can be scored."""


def score(problem: Problem, chain: Chain) -> Verdict:
    """The verdict of a living chain."""
    started = time.perf_counter()
    answer = KINDS[problem.kind].extract(chain.text)
    solved, method = _JUDGES[problem.kind](answer, problem.gold) if answer is not None else (False, "none")
    took = (time.perf_counter() - started) * 1000
    return Verdict(
        chain.problem,
        chain.repeat,
        chain.strategy,
        chain.step,
        chain.slot,
        answer,
        "no_answer" if answer is None else "ok",
        float(solved),
        solved,
        method,
        SCORER_VERSION,
        round(took, 3),
    )
