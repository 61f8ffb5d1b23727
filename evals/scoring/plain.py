"""Scorers that only compare: letters, numbers, texts, patterns."""

import math
import re
from fractions import Fraction

from evals.scoring.latex import plain_number
from evals.scoring.maths import any_gold
from evals.scoring.units import without_unit
from evals.scoring.verdicts import Attempt, Judgement
from evals.scoring.workers import CallTimedOut, WorkerDied, Workers
from rsa.answers import normalise_number
from rsa.equivalence import AS_TEXT, Equivalence

__all__ = ["ChoiceScorer", "ExactScorer", "NumberScorer", "RegexScorer"]


class ChoiceScorer:
    """One letter of those that were offered."""

    version = "choice/2"
    equivalence = AS_TEXT

    def judge(self, attempt: Attempt) -> Judgement:
        """1 for the right letter."""
        letters = {gold.strip().upper() for gold in attempt.golds}
        return Judgement(float(attempt.answer in letters), "letter")


class ExactScorer:
    """The same text, apart from white space around it."""

    version = "exact/1"
    equivalence = AS_TEXT

    def judge(self, attempt: Attempt) -> Judgement:
        """1 for the same text."""
        return Judgement(float(attempt.answer.strip() in {gold.strip() for gold in attempt.golds}), "text")


class NumberScorer:
    """Numbers within a tolerance that is both relative and absolute: 0 wants the same value."""

    equivalence = Equivalence(normalise_number)

    def __init__(self, tolerance: float = 0.0) -> None:
        self.version = f"number/2 tolerance {tolerance:g}" if tolerance else "number/2"
        self._tolerance = tolerance

    def judge(self, attempt: Attempt) -> Judgement:
        """1 for a number that is close enough."""
        return any_gold(attempt, self._compare)

    def _compare(self, gold: str, answer: str) -> Judgement:
        right, given = _number(gold), _number(answer)
        if right is None:
            return Judgement(0.0, "number", error=f"the right answer {gold!r} is not a number")
        if given is None:
            return Judgement(0.0, "not a number")
        close = math.isclose(given, right, rel_tol=self._tolerance, abs_tol=self._tolerance) if self._tolerance else False
        return Judgement(float(given == right or close), "number")


def _number(answer: str) -> Fraction | None:
    return plain_number(without_unit(answer)[0])


class RegexScorer:
    """The right answers are regular expressions, of which one must match the whole answer."""

    version = "regex/1"
    equivalence = AS_TEXT

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def judge(self, attempt: Attempt) -> Judgement:
        """1 for a match. A pattern that takes too long on an answer is an error."""
        return any_gold(attempt, self._match)

    def _match(self, gold: str, answer: str) -> Judgement:
        try:
            return Judgement(float(self._workers.call(_matches, gold, answer)), "pattern")
        except re.error as error:
            return Judgement(0.0, "pattern", error=f"the right answer {gold!r} is not a regular expression: {error}")
        except (CallTimedOut, WorkerDied) as error:
            return Judgement(0.0, "pattern", error=f"the pattern {gold!r}: {error}")


def _matches(pattern: str, answer: str) -> bool:
    return re.fullmatch(pattern, answer.strip()) is not None
