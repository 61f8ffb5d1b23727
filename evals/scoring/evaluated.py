"""Answers that a scorer would execute: those that call, reach into or define something are programs and no values.

Some scorers of Reasoning Gym hand the answer to Python, so an answer could not only do harm, which the sandbox contains, but
also write its own score. None of the answers that these data sets ask for needs more than operators, lists of literals and
mathematical functions.
"""

import re
import unicodedata

__all__ = ["EVALUATED", "is_program"]

EVALUATED = frozenset(
    {
        "binary_matrix",
        "countdown",
        "intermediate_integration",
        "n_queens",
        "polynomial_multiplication",
        "puzzle24",
        "simple_integration",
        "spiral_matrix",
        "string_insertion",
    }
)
"""The data sets of Reasoning Gym 0.1.25 whose scorers evaluate the answer."""

_FUNCTIONS = frozenset(
    {
        *("sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan"),
        *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
        *("exp", "log", "ln", "sqrt", "abs", "factorial", "erf", "li", "si", "ci", "integral"),
    }
)
_CALLED = re.compile(r"(?<!\w)([^\W\d]\w*+)\s*+\(")
_PROGRAM = re.compile(r"__|\.\s*[^\W\d]|\blambda\b|[\])}\"']\s*\(|:=|\bf[\"']|@")


def is_program(answer: str) -> bool:
    """Whether an answer does more than to write a value down."""
    plain = unicodedata.normalize("NFKC", answer)  # as Python reads names
    called = (name.lower() for name in _CALLED.findall(plain))
    return _PROGRAM.search(plain) is not None or any(name not in _FUNCTIONS for name in called)
