r"""Mathematical answers: the `math` and the `integer` scorer.

`integer` compares whole numbers and calculates nothing: what the AIME asks for. `math` decides by the first of these rules
that applies:

1. the same text after normalising is right;
2. two plain numbers (integers, decimals, fractions, percentages) are compared exactly;
3. two different units are wrong, one unit is left out; a percentage also stands for its number where the other has no sign;
4. words are compared as text, single letters with their case;
5. a list is no set, a relation is no set, and a decimal is no exact value;
6. what is too long or a tower of powers is compared as text only, and so wrong;
7. the rest goes to computer algebra, with `\pm` written out as two values.
"""

import functools
from collections.abc import Callable

from evals.scoring import algebra, latex
from evals.scoring.latex import Shape
from evals.scoring.verdicts import Attempt, Judgement
from evals.scoring.workers import CallTimedOut, WorkerDied, Workers
from rsa.answers import normalise_math, unwrapped
from rsa.equivalence import Equivalence

__all__ = ["IntegerScorer", "MathScorer", "any_gold"]

_REMEMBERED = 100_000  # pairs: the chains of a population mostly repeat each other's answers
_ALGEBRA_ERRORS = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)


def any_gold(attempt: Attempt, judge: Callable[[str, str], Judgement]) -> Judgement:
    """The best judgement of an answer over all right answers. An error counts only where no right answer decides."""
    judgements = [judge(gold, attempt.answer) for gold in attempt.golds]
    return max(judgements, key=lambda judgement: (judgement.score, judgement.error is not None))


def _integer_key(answer: str) -> str:
    number = latex.integer(answer)
    return normalise_math(answer) if number is None else str(number)


class IntegerScorer:
    """Compares integers, as AIME answers are."""

    version = "integer/1"
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

    version = "math/2"

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._algebra = functools.lru_cache(maxsize=_REMEMBERED)(self._computed)
        self.equivalence = Equivalence(_key, self._same)

    def judge(self, attempt: Attempt) -> Judgement:
        """1 for the same value."""
        return any_gold(attempt, self._compare)

    def _compare(self, gold: str, answer: str) -> Judgement:
        known = _without_algebra(gold, answer)
        return known or self._algebra(*_for_algebra(gold, answer), False)

    def _same(self, one: str, other: str) -> bool:
        """Whether two answers vote together: stricter than a verdict, and symmetric."""
        (value, unit), (other_value, other_unit) = latex.without_unit(one), latex.without_unit(other)
        if unit and other_unit and unit != other_unit:
            return False
        numbers = latex.plain_number(value), latex.plain_number(other_value)
        if None not in numbers or latex.is_decimal(value) or latex.is_decimal(other_value):
            return None not in numbers and numbers[0] == numbers[1]
        if _apart(value, other_value):
            return _same_words(value, other_value)
        return self._algebra(*_for_algebra(one, other), True).score == 1.0

    def _computed(self, right: str, given: str, both_ways: bool) -> Judgement:
        try:
            same = self._workers.call(algebra.same_value, right, given, both_ways)
        except CallTimedOut as error:
            return Judgement(0.0, "algebra", error=str(error))
        except (WorkerDied, *_ALGEBRA_ERRORS) as error:
            return Judgement(0.0, "algebra", error=f"computer algebra gave up: {error!r:.200}")
        return Judgement(float(bool(same)), "unreadable" if same is None else "algebra")


def _key(answer: str) -> str:
    """The form in which answers vote: exact numbers by their value, the rest as normalised text; with their unit."""
    value, unit = latex.without_unit(answer)
    number = latex.plain_number(value)
    return (normalise_math(value) if number is None else str(number)) + (f"\\text{{ {unit}}}" if unit else "")


def _without_algebra(gold: str, answer: str) -> Judgement | None:
    """The judgement where text or exact numbers decide; None where only computer algebra can tell."""
    if normalise_math(gold) == normalise_math(answer):
        return Judgement(1.0, "text")
    (right, unit), (given, other_unit) = latex.without_unit(gold), latex.without_unit(answer)
    if unit and other_unit and unit != other_unit:
        return Judgement(0.0, "unit")
    return _values_without_algebra(right, given)


def _values_without_algebra(right: str, given: str) -> Judgement | None:
    number, own = latex.plain_number(right), latex.plain_number(given)
    if number is not None and own is not None:
        bare = latex.plain_number(latex.without_percent(right)), latex.plain_number(latex.without_percent(given))
        return Judgement(float(number == own or bare[0] == bare[1]), "number")
    if normalise_math(right) == normalise_math(given):
        return Judgement(1.0, "text")
    if latex.is_decimal(given) and not latex.is_decimal(right):
        return Judgement(0.0, "decimal")
    return Judgement(float(_same_words(right, given)), "text") if _apart(right, given) else None


def _for_algebra(one: str, other: str) -> tuple[str, str]:
    """Both answers with their signs written out and without units; degrees become radians beside an answer with pi."""
    (value, unit), (other_value, other_unit) = latex.without_unit(one), latex.without_unit(other)
    if unit == "degrees" and not other_unit and "\\pi" in other:
        value = f"({value})\\cdot\\frac{{\\pi}}{{180}}"
    elif other_unit == "degrees" and not unit and "\\pi" in one:
        other_value = f"({other_value})\\cdot\\frac{{\\pi}}{{180}}"
    value, other_value = latex.written_out(value), latex.written_out(other_value)
    if latex.shape(value) is Shape.LIST and latex.shape(other_value) is Shape.RELATION:
        return other_value, value  # an interval is recognised in a relation, but not the other way round
    return value, other_value


def _apart(one: str, other: str) -> bool:
    """Whether two different texts are told apart as text, whatever computer algebra would make of them."""
    if latex.is_word(unwrapped(one)) or latex.is_word(unwrapped(other)):
        return True
    shapes = {latex.shape(one), latex.shape(other)}
    if Shape.SET in shapes and (Shape.LIST in shapes or Shape.RELATION in shapes):
        return True
    return latex.too_large(one) or latex.too_large(other)


def _same_words(one: str, other: str) -> bool:
    """Whether two answers are the same word, which may be capitalised; single letters may not."""
    one, other = unwrapped(one), unwrapped(other)
    return latex.is_word(one) and (one == other or (len(one) > 1 and one.casefold() == other.casefold()))
