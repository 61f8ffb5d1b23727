r"""Mathematical answers: the `math` and the `integer` scorer.

`integer` compares whole numbers and calculates nothing: what the AIME asks for. `math` decides by the first of these rules
that applies:

1. the same text after normalising is right;
2. known units that differ are wrong, and one unit may be left out;
3. two plain numbers (integers, decimals, fractions, percentages) are compared exactly; a percentage also stands for its
   number where the other has no sign;
4. words are compared as text, single letters with their case;
5. a set is no list, a relation is neither, and several values are as many as the right ones;
6. what is long, left open or a tower of powers is compared as text only, and so wrong;
7. the rest goes to computer algebra, with `\pm` written out as two values; a decimal is right only if it is exact.

Answers vote under a text of their own: an exact number by its value, what computer algebra can evaluate by thirty digits of
it, the rest as normalised text; with their unit.
"""

import functools
from collections.abc import Callable
from dataclasses import replace

from evals.scoring import algebra, latex
from evals.scoring.latex import LONGEST, Shape
from evals.scoring.units import without_unit
from evals.scoring.verdicts import Attempt, Judgement
from evals.scoring.workers import CallTimedOut, WorkerDied, Workers
from rsa.answers import normalise_math, unwrapped
from rsa.equivalence import Equivalence

__all__ = ["IntegerScorer", "MathScorer", "any_gold"]

_REMEMBERED = 100_000  # pairs: the chains of a population mostly repeat each other's answers
_ALGEBRA_ERRORS = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
_SHORTEST_WORD = 3  # that may be capitalised; what is shorter is a variable, a point or a product of such


def any_gold(attempt: Attempt, judge: Callable[[str, str], Judgement]) -> Judgement:
    """The best judgement of an answer over all right answers. An error counts only where no right answer decides."""
    judgements = [judge(gold, attempt.answer) for gold in attempt.golds]
    return max(judgements, key=lambda judgement: (judgement.score, judgement.error is not None))


def _integer_key(answer: str) -> str:
    number = latex.integer(answer)
    return normalise_math(answer) if number is None else str(number)


class IntegerScorer:
    """Compares integers, as AIME answers are."""

    version = "integer/2"
    equivalence = Equivalence(_integer_key)

    def judge(self, attempt: Attempt) -> Judgement:
        """1 for the same integer."""
        return any_gold(attempt, self._compare)

    def _compare(self, gold: str, answer: str) -> Judgement:
        right, given = latex.integer(gold), latex.integer(answer)
        if right is None:
            return Judgement(0.0, "integer", error=f"the right answer {gold!r} is not an integer")
        return Judgement(float(given == right), "integer" if given is not None else "not an integer")


class MathScorer:
    """Compares mathematical expressions, by text, as exact numbers, or with computer algebra in a worker process."""

    version = "math/3"
    equivalence = Equivalence(lambda vote: vote)

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._examined = functools.lru_cache(maxsize=_REMEMBERED)(self._examine)
        self._fingerprint = functools.lru_cache(maxsize=_REMEMBERED)(self._fingerprint_of)

    def judge(self, attempt: Attempt) -> Judgement:
        """1 for the same value. `vote` is the text under which the answer votes."""
        judgement = any_gold(attempt, self._compare)
        return replace(judgement, vote=self._vote(attempt.answer))

    def _compare(self, gold: str, answer: str) -> Judgement:
        return _without_algebra(gold, answer) or self._examined(*_for_algebra(gold, answer), _exactly(gold, answer))

    def _examine(self, right: str, given: str, exactly: bool) -> Judgement:
        try:
            same: bool | None = self._workers.call(algebra.examine, right, given, exactly)
        except CallTimedOut as error:
            return Judgement(0.0, "algebra", error=str(error))
        except (WorkerDied, *_ALGEBRA_ERRORS) as error:
            return Judgement(0.0, "algebra", error=f"computer algebra gave up: {error!r:.200}")
        return Judgement(float(bool(same)), "unreadable" if same is None else "algebra")

    def _vote(self, answer: str) -> str:
        """The text under which an answer votes: the same for the same value as far as that can be told."""
        value, unit = (answer, "") if len(answer) > LONGEST else without_unit(answer)
        suffix = f" {unit}" if unit else ""
        number = latex.plain_number(value)
        if number is not None:
            return f"{number}{suffix}"
        text = normalise_math(value)
        if latex.is_word(unwrapped(value)) or latex.too_large(value) or latex.shape(value) is Shape.RELATION:
            return text + suffix
        return (self._fingerprint(latex.written_out(value)) or text) + suffix

    def _fingerprint_of(self, value: str) -> str | None:
        try:
            found: str | None = self._workers.call(algebra.fingerprint, value)
        except (CallTimedOut, WorkerDied, *_ALGEBRA_ERRORS):
            return None  # then it votes as text
        return found


def _without_algebra(gold: str, answer: str) -> Judgement | None:
    """The judgement where text or exact numbers decide; None where only computer algebra can tell."""
    if normalise_math(gold) == normalise_math(answer):
        return Judgement(1.0, "text")
    if len(answer) > LONGEST or len(gold) > LONGEST:
        return Judgement(0.0, "text")
    (right, unit), (given, other_unit) = without_unit(gold), without_unit(answer)
    if unit and other_unit and unit != other_unit:
        return Judgement(0.0, "unit")
    return _values_without_algebra(right, given)


def _values_without_algebra(right: str, given: str) -> Judgement | None:
    number, own = latex.plain_number(right), latex.plain_number(given)
    if number is not None and own is not None:
        bare = [latex.plain_number(value.strip().rstrip("%").rstrip("\\")) for value in (right, given)]
        return Judgement(float(number == own or bare[0] == bare[1]), "number")
    if normalise_math(right) == normalise_math(given):
        return Judgement(1.0, "text")
    return Judgement(float(_same_words(right, given)), "text") if _apart(right, given) else None


def _exactly(gold: str, answer: str) -> bool:
    """Whether a decimal stands beside an exact right answer."""
    return latex.is_decimal(without_unit(answer)[0]) and not latex.is_decimal(without_unit(gold)[0])


def _for_algebra(one: str, other: str) -> tuple[str, str]:
    """Both answers as computer algebra reads them, without units; degrees become radians beside an answer with pi."""
    (value, unit), (other_value, other_unit) = without_unit(one), without_unit(other)
    if unit == "degrees" and not other_unit and "\\pi" in other:
        value = f"\\frac{{({value})\\pi}}{{180}}"
    elif other_unit == "degrees" and not unit and "\\pi" in one:
        other_value = f"\\frac{{({other_value})\\pi}}{{180}}"
    value, other_value = latex.written_out(value), latex.written_out(other_value)
    shapes = latex.shape(value), latex.shape(other_value)
    if shapes == (Shape.LIST, Shape.RELATION):
        return other_value, value  # an interval is recognised in a relation, but not the other way round
    if shapes == (Shape.LIST, Shape.SEVERAL):
        return value, f"({other_value})"
    return (f"({value})", other_value) if shapes == (Shape.SEVERAL, Shape.LIST) else (value, other_value)


def _apart(one: str, other: str) -> bool:
    """Whether two different texts are told apart as text, whatever computer algebra would make of them."""
    words = [latex.is_word(unwrapped(each)) for each in (one, other)]
    if all(words) or (any(words) and not _is_product(unwrapped(one if words[0] else other))):
        return True
    if one.count("'") + one.count("\\prime") != other.count("'") + other.count("\\prime"):
        return True
    shapes = {latex.shape(latex.written_out(each)) for each in (one, other)}
    if (Shape.SET in shapes and shapes & {Shape.LIST, Shape.RELATION}) or shapes == {Shape.SEVERAL, Shape.RELATION}:
        return True
    if shapes == {Shape.SEVERAL} and len(latex.parts(latex.written_out(one))) != len(latex.parts(latex.written_out(other))):
        return True
    return latex.too_large(one) or latex.too_large(other)


def _is_product(word: str) -> bool:
    """Whether a few small letters beside an expression are variables."""
    return len(word) <= _SHORTEST_WORD and word.islower()


def _same_words(one: str, other: str) -> bool:
    """Whether two answers are the same word, which may be capitalised."""
    one, other = unwrapped(one), unwrapped(other)
    return latex.is_word(one) and (one == other or (len(one) >= _SHORTEST_WORD and one.casefold() == other.casefold()))
