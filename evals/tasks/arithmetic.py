"""The demo's task: products of two numbers up to twelve, which a very small model can partly do."""

from evals.problems import Problem
from rsa.keys import Key
from rsa.kinds import KINDS

__all__ = ["arithmetic_problems"]

_NUMBERS = range(2, 13)


def arithmetic_problems(seed: int, limit: int | None) -> list[Problem]:
    """All 121 products of 2 to 12 in an order drawn from the seed. The answer is read as the last number of the text."""
    pairs = [(a, b) for a in _NUMBERS for b in _NUMBERS]
    order = Key(seed, "arithmetic", purpose="data").permutation(len(pairs))
    chosen = [pairs[index] for index in order[:limit]]
    return [
        Problem(f"{a}x{b}", f"What is {a} times {b}? {KINDS['number'].answer_format}", (str(a * b),), "number")
        for a, b in chosen
    ]
