"""What the derivations share: reading an answer off an exact or a computed value, and areas of polygons."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

Point = tuple[Fraction, Fraction]


def m_plus_n(value: Fraction) -> int:
    """The m + n of a fraction m/n in lowest terms."""
    return value.numerator + value.denominator


def whole(value: float, tolerance: float = 1e-6) -> int:
    """The integer that a computed value is; fails if it is not one."""
    assert abs(value - round(value)) < tolerance, f"{value} is no integer"
    return round(value)


def near(value: float, largest: int = 1000, tolerance: float = 1e-9) -> Fraction:
    """The fraction with a denominator of at most `largest` that a computed value is; fails if it is none."""
    fraction = Fraction(value).limit_denominator(largest)
    assert abs(value - fraction) < tolerance, f"{value} is no fraction of small terms"
    return fraction


def root(value: int) -> tuple[int, int]:
    """m and n with m * sqrt(n) = sqrt(value) and n free of squares."""
    m = max(d for d in range(1, math.isqrt(value) + 1) if value % (d * d) == 0)
    return m, value // (m * m)


def leading_coefficient(values: Sequence[int]) -> Fraction:
    """The leading coefficient of a polynomial of degree len(values) - 1 from its values at consecutive integers."""
    degree = len(values) - 1
    return Fraction(
        sum((-1) ** (degree - i) * math.comb(degree, i) * v for i, v in enumerate(values)), math.factorial(degree)
    )


def bisected(difference: Callable[[float], float], low: float, high: float) -> float:
    """Where a continuous function that changes its sign between low and high is 0."""
    rising = difference(high) > 0
    assert (difference(low) > 0) != rising, "no change of sign"
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if (difference(middle) > 0) == rising else (middle, high)
    return (low + high) / 2


def area(polygon: Sequence[Point]) -> Fraction:
    """The area of a polygon from its corners in order."""
    twice = sum((x * v - u * y for (x, y), (u, v) in zip(polygon, (*polygon[1:], polygon[0]), strict=True)), Fraction())
    return abs(twice) / 2


def clipped(polygon: Sequence[Point], a: Fraction, b: Fraction, c: Fraction) -> list[Point]:
    """The part of a convex polygon where a*x + b*y <= c."""
    kept: list[Point] = []
    for (x, y), (u, v) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        here, there = a * x + b * y - c, a * u + b * v - c
        if here <= 0:
            kept.append((x, y))
        if here * there < 0:
            share = here / (here - there)
            kept.append((x + share * (u - x), y + share * (v - y)))
    return kept
