"""Answers of the number theory problems, by counting."""

import itertools
import math

import numpy as np


def divisors(n: int) -> list[int]:
    """The positive divisors of n, in order."""
    candidates = np.arange(1, math.isqrt(n) + 1, dtype=np.int64)
    small = [int(d) for d in candidates[n % candidates == 0]]
    return sorted({*small, *(n // d for d in small)})


def nt_01() -> int:
    """Four-digit n, last digit not 0, above their reversal, with n + reversal divisible by 77."""
    reversals = ((n, int(str(n)[::-1])) for n in range(1000, 10000) if n % 10)
    return sum(n > r and (n + r) % 77 == 0 for n, r in reversals)


def nt_02() -> int:
    """Unordered pairs of distinct divisors of 97200 whose product is a cube."""
    cubes = {k**3 for k in range(1, 2200)}  # 97200 squared is below 2200 cubed
    return sum(d * e in cubes for d, e in itertools.combinations(divisors(97200), 2))


def nt_03() -> int:
    """Positive n that are 15a + 21b + 35c in exactly one way."""
    # 105 is 7 * 15 and 3 * 35, and every number above 139 is reachable: from 245 on there are two ways.
    ways = [1] + [0] * 1000
    for size in (15, 21, 35):
        for total in range(size, len(ways)):
            ways[total] += ways[total - size]
    return ways[1:].count(1)


def nt_04() -> int:
    """Connected pieces of 126 chairs joined at distance k, summed over k from 1 to 126."""

    def pieces(step: int) -> int:
        unseen, count = set(range(126)), 0
        while unseen:
            count, chair = count + 1, min(unseen)
            while chair in unseen:
                unseen.remove(chair)
                chair = (chair + step) % 126
        return count

    return sum(pieces(step) for step in range(1, 127))


def nt_05() -> int:
    """n from 1 to 728 whose base-3 digits, read in base 8, differ from n by a multiple of 10."""

    def reread(n: int) -> int:
        return n % 3 + 8 * reread(n // 3) if n else 0

    return sum((reread(n) - n) % 10 == 0 for n in range(1, 729))


def nt_06() -> int:
    """Ordered pairs (a, b) with gcd + lcm = a + b + 480."""
    # With a = gx and b = gy the equation is g(x-1)(y-1) = 480, so that neither a nor b exceeds 960.
    numbers = np.arange(1, 961)
    a, b = numbers[:, None], numbers[None, :]
    return int((np.gcd(a, b) + np.lcm(a, b) == a + b + 480).sum())


def nt_07() -> int:
    """The exponent of 2 in the product of 7**n - 1 for n from 1 to 200."""
    terms = (7**n - 1 for n in range(1, 201))
    return sum((term & -term).bit_length() - 1 for term in terms)


def nt_08() -> int:
    """n from 1 to 5460 with 3**n - n**3 divisible by 91."""
    return sum((pow(3, n, 91) - n**3) % 91 == 0 for n in range(1, 5461))


def nt_09() -> int:
    """k from 0 to 2024 with C(2024, k) divisible by 7 but not by 49."""
    row = (math.comb(2024, k) for k in range(2025))
    return sum(entry % 7 == 0 and entry % 49 != 0 for entry in row)


def nt_10() -> int:
    """Pairs 1 <= x <= y <= 91 with x*x + x*y + y*y divisible by 91."""
    pairs = itertools.combinations_with_replacement(range(1, 92), 2)
    return sum((x * x + x * y + y * y) % 91 == 0 for x, y in pairs)


def nt_11() -> int:
    """n > 1 whose reciprocal is purely periodic in base 10 with a shortest period of 12 digits."""

    def period(n: int) -> int:
        remainder, digits = 10 % n, 1
        while remainder != 1:
            remainder, digits = remainder * 10 % n, digits + 1
        return digits

    # A period of 12 digits repeats a remainder after 12 steps of long division: n divides 10**12 - 1.
    return sum(period(n) == 12 for n in divisors(10**12 - 1) if n > 1)


def nt_12() -> int:
    """The sum of floor(k**3 / 72) for k from 1 to 72, modulo 1000."""
    return sum(k**3 // 72 for k in range(1, 73)) % 1000


def nt_13() -> int:
    """x from 1 to 756 that the map x -> x**5 mod 757 brings back for the first time after 6 steps."""

    def steps_back(x: int) -> int:
        image, steps = pow(x, 5, 757), 1
        while image != x:
            image, steps = pow(image, 5, 757), steps + 1
        return steps

    return sum(steps_back(x) == 6 for x in range(1, 757))
