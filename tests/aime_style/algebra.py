"""Answers of the algebra problems, by exact arithmetic, search, or computed roots."""

import itertools
import math
from fractions import Fraction
from functools import cache

import numpy as np
from scipy.optimize import fsolve

from tests.aime_style.exact import bisected, whole


def al_01() -> int:
    """x + y for log2(log2 x) + log2(log4 y) = 3 and xy = 1024."""

    def excess(x: float) -> float:
        return math.log2(math.log2(x)) + math.log2(math.log(1024 / x, 4)) - 3

    solutions = [bisected(excess, 1.5, 32), bisected(excess, 32, 1000)]
    (total,) = {whole(x + 1024 / x) for x in solutions}
    return total


def al_02() -> int:
    """The n for which the product of (k*k + k - 6)/(k*k + k - 2) for k from 3 to n is 41/200."""
    product, n = Fraction(1), 2
    while product > Fraction(41, 200):  # every factor is below 1: the product takes the value once or never
        n += 1
        product *= Fraction(n * n + n - 6, n * n + n - 2)
    assert product == Fraction(41, 200)
    return n


def al_03() -> int:
    """The least n for which 2, 5, then (1 + latter)/former, adds up to more than 1000."""
    terms = [Fraction(2), Fraction(5)]
    while sum(terms) <= 1000:
        terms.append((1 + terms[-1]) / terms[-2])
    return len(terms)


def al_04() -> int:
    """Increasing arithmetic sequences of at least three positive integers with the sum 360."""
    shapes = itertools.product(range(3, 361), range(1, 361))
    # A sequence of given length and difference is fixed by its first term, (360 - difference * n(n-1)/2) / n.
    rests = ((360 - difference * length * (length - 1) // 2, length) for length, difference in shapes)
    return sum(rest > 0 and rest % length == 0 for rest, length in rests)


def al_05() -> int:
    """The product of r*r + r + 1 over the roots of x**7 - 5x**4 + 9x**2 + 14."""
    roots = np.roots([1, 0, 0, -5, 0, 9, 0, 14])
    return whole(np.prod(roots**2 + roots + 1).real)


def al_06() -> int:
    """Solutions of {3x} + {x*x} = 1 with 0 <= x <= 20."""

    def parts(x: float) -> float:
        return 3 * x % 1 + x * x % 1

    # Between neighbouring points where 3x or x*x is an integer, the left side rises without a jump.
    jumps = {Fraction(j * j, 9) for j in range(61)} | {Fraction(m) for m in range(401)}
    places = sorted(math.sqrt(square) for square in jumps)
    return sum(parts(a + 1e-9) < 1 < parts(b - 1e-9) for a, b in itertools.pairwise(places))


def al_07() -> int:
    """The sum of eighth powers of three numbers with power sums 2, 6 and 11."""
    sums = np.array([2, 6, 11])
    numbers = fsolve(lambda x: [(x**k).sum() for k in (1, 2, 3)] - sums, [-1, 0.5, 2.5], xtol=1e-13)
    assert np.allclose([(numbers**k).sum() for k in (1, 2, 3)], sums, rtol=0, atol=1e-9)
    return whole((numbers**8).sum())


def al_08() -> int:
    """P(8) for the polynomial of degree at most 6 with P(k) = k * 2**(k-1) for k from 0 to 6."""
    value = Fraction()
    for k in range(7):
        others = [j for j in range(7) if j != k]
        weight = math.prod(Fraction(8 - j, k - j) for j in others)
        value += weight * k * Fraction(2) ** (k - 1)
    assert value.denominator == 1
    return value.numerator


def al_09() -> int:
    """The sum of the fourth powers of tan(pi/7), tan(2 pi/7), tan(3 pi/7)."""
    return whole(sum(math.tan(k * math.pi / 7) ** 4 for k in (1, 2, 3)))


def al_10() -> int:
    """Polynomials with coefficients from 0 to 8 and the value 2024 at 3."""

    @cache
    def count(value: int) -> int:
        """With the constant coefficient taken off, value // 3 is left for the polynomial of the others."""
        if value == 0:
            return 1
        return sum(count((value - digit) // 3) for digit in range(min(8, value) + 1) if (value - digit) % 3 == 0)

    return count(2024)


def al_11() -> int:
    """k from -10000 to 10000 for which x**4 + k*x*x + 144 factors over the integers."""
    # A rational root comes with its negative, so a reducible one is a product of two monic quadratics.
    constants = [(q, 144 // q) for d in range(1, 145) if 144 % d == 0 for q in (d, -d)]
    found = set()
    for (q, r), p in itertools.product(constants, range(-200, 201)):
        _, cubic, square, linear, constant = (int(c) for c in np.convolve([1, p, q], [1, -p, r]))
        if (cubic, linear, constant) == (0, 0, 144):
            found.add(square)
    return sum(abs(k) <= 10000 for k in found)


def al_12() -> int:
    """The absolute value of the product of w**(2k) - w**k - 1 over k from 0 to 12, for w = exp(2 pi i/13)."""
    w = np.exp(2j * np.pi * np.arange(13) / 13)
    return whole(abs(np.prod(w**2 - w - 1)))


def al_13() -> int:
    """Real x that the map x -> x*x - 2 brings back for the first time after 10 steps."""

    def after(x: np.ndarray, steps: int) -> np.ndarray:
        for _ in range(steps):
            x = x * x - 2
        return x

    # All returning points lie in [-2, 2]; beyond it the map runs away. The cosine puts more grid points near its ends.
    grid = 2 * np.cos(np.linspace(np.pi, 0, 1 << 20)[1:-1])
    signs = after(grid, 10) > grid
    change = np.flatnonzero(signs[1:] != signs[:-1])
    low, high, rising = grid[change], grid[change + 1], signs[change + 1]
    for _ in range(60):
        middle = (low + high) / 2
        right = (after(middle, 10) > middle) == rising
        low, high = np.where(right, low, middle), np.where(right, middle, high)
    early = np.any([abs(after(low, steps) - low) < 1e-7 for steps in range(1, 10)], axis=0)
    return int((~early).sum())
