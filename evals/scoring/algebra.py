r"""Computer algebra on answers, with math-verify and SymPy. Runs in a worker process only.

Only math-verify's LaTeX reader is used: its reader of plain expressions hands the text to Python. Answers are put into a
box, because bare ones are often not recognised.
"""

import functools
from fractions import Fraction
from typing import Any

__all__ = ["examine", "fingerprint"]

_DIGITS = 40  # that a value is computed to; 30 of them are compared
_SHOWN = 30
_NOTHING = 1e-30
_MOST_DIGITS = 1000


def examine(right: str, answer: str, exactly: bool) -> bool | None:
    """Whether an answer has the value of the right one; None if one of the two cannot be read.

    With `exactly`, a decimal answer must have just the value of an exact right answer.
    """
    golds, given = _parsed(right), _parsed(answer)
    if not golds or not given:
        return None
    if exactly:
        number = _number(golds[0])
        return number is not None and number == _number(given[0])
    from math_verify import verify  # noqa: PLC0415 - 0.4 s, and only in a worker

    return bool(verify(golds, given, timeout_seconds=None))


@functools.lru_cache(maxsize=1024)
def fingerprint(answer: str) -> str | None:
    """A text that is the same for answers of the same value; None if the answer cannot be read or has no such value.

    An exact rational number is written out. What else is a number is given by its first digits, an expression with variables
    by its value where these have certain fixed values, and sets, lists and equations by those of their parts.
    """
    parsed = _parsed(answer)
    return _described(parsed[0]) if parsed else None


def _described(value: Any) -> str | None:
    from sympy import Eq, FiniteSet, MatrixBase, Symbol, Tuple  # noqa: PLC0415 - only in a worker

    if isinstance(value, Eq) and isinstance(value.lhs, Symbol):
        return _described(value.rhs)  # x = 5 is 5
    if isinstance(value, FiniteSet | Tuple | MatrixBase):
        found = [_described(part) for part in value]
        if None in found or not found:
            return None
        parts = [part for part in found if part is not None]
        ordered = sorted(set(parts)) if isinstance(value, FiniteSet) else parts
        shape = f"{value.shape}" if isinstance(value, MatrixBase) else ""
        return f"{type(value).__name__}{shape}[{'; '.join(ordered)}]"
    number = _number(value)
    return str(number) if number is not None else _approximated(value)


def _number(value: Any) -> Fraction | None:
    """The exact value of what is a rational number, however it is written."""
    from sympy import Expr, Rational, nsimplify  # noqa: PLC0415 - only in a worker

    if not isinstance(value, Expr) or value.free_symbols:
        return None
    value = nsimplify(value, rational=True) if value.is_Float else value.doit()
    if not isinstance(value, Rational) or max(value.p.bit_length(), value.q.bit_length()) > 3 * _MOST_DIGITS:
        return None
    return Fraction(int(value.p), int(value.q))


def _approximated(value: Any) -> str | None:
    from sympy import Expr, Integer, sqrt  # noqa: PLC0415 - only in a worker

    if not isinstance(value, Expr):
        return None
    names = sorted(value.free_symbols, key=str)
    point = {name: sqrt(Integer(7 + sum(str(name).encode()))) / 3 for name in names}
    number = value.subs(point).evalf(_DIGITS)
    parts = number.as_real_imag()
    if not all(part.is_Float or part.is_Integer for part in parts):
        return None
    digits = [str(part.evalf(_SHOWN)) if abs(part) > _NOTHING else "0" for part in parts]
    return f"~{digits[0]}" if digits[1] == "0" else f"~{digits[0]} {digits[1]}i"


@functools.lru_cache(maxsize=1024)
def _parsed(answer: str) -> list[Any]:
    import logging  # noqa: PLC0415 - as below

    from math_verify import LatexExtractionConfig, parse  # noqa: PLC0415 - 0.4 s, and only in a worker

    logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns that its own time limit is off
    reading = [LatexExtractionConfig(boxed_match_priority=0)]
    parsed: list[Any] = parse(f"\\boxed{{{answer}}}", reading, parsing_timeout=None, fallback_mode="no_fallback")
    return parsed
