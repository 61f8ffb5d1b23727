"""Answers of the probability problems, in exact fractions wherever the case count is finite."""

import itertools
from fractions import Fraction
from functools import cache

from tests.aime_style.exact import area, clipped, leading_coefficient, m_plus_n, near


def share(hits: int, cases: int) -> int:
    """The m + n of hits out of equally likely cases."""
    return m_plus_n(Fraction(hits, cases))


def pr_01() -> int:
    """A random point of a 20 x 21 rectangle is nearer to a fixed diagonal than to every side."""
    zero, one = Fraction(), Fraction(1)
    half = [(zero, zero), (Fraction(20), zero), (Fraction(20), Fraction(21))]
    # Below the diagonal 21x = 20y its distance is (21x - 20y)/29; the sides' distances are y, 20 - x, x and 21 - y.
    a, b = Fraction(21, 29), Fraction(-20, 29)
    for line in ((a, b - one, zero), (a + one, b, Fraction(20)), (a - one, b, zero), (a, b + one, Fraction(21))):
        half = clipped(half, *line)
    return m_plus_n(2 * area(half) / (20 * 21))


def pr_02() -> int:
    """Three heads from a coin drawn out of a fair, a two-headed and a 3/4 coin: the chance of a fourth."""
    coins = [Fraction(1, 2), Fraction(1), Fraction(3, 4)]
    return m_plus_n(sum(p**4 for p in coins) / sum(p**3 for p in coins))


def pr_03() -> int:
    """Four uniform arrivals within 120 minutes lie within 30 minutes of each other."""

    def count(n: int) -> int:
        """Quadruples of cells of 30/n minutes of which no two are more than n cells apart."""
        return sum(max(cells) - min(cells) <= n for cells in itertools.product(range(4 * n), repeat=4))

    # The count is a polynomial of degree 4 in n; all quadruples are (4n)**4.
    return m_plus_n(leading_coefficient([count(n) for n in range(1, 6)]) / 4**4)


def pr_04() -> int:
    """Out of 8 red, 7 blue and 4 green, drawn one by one, green is used up first."""

    @cache
    def chance(red: int, blue: int, green: int) -> Fraction:
        if 0 in (red, blue, green):
            return Fraction(green == 0)
        drawn = (
            red * chance(red - 1, blue, green) + blue * chance(red, blue - 1, green) + green * chance(red, blue, green - 1)
        )
        return drawn / (red + blue + green)

    return m_plus_n(chance(8, 7, 4))


def pr_05() -> int:
    """The longest block of equal results in 10 flips of a coin has length 3."""
    flips = itertools.product("HT", repeat=10)
    longest = (max(len(list(block)) for _, block in itertools.groupby(results)) for results in flips)
    return share(sum(length == 3 for length in longest), 2**10)


def pr_06() -> int:
    """Three different numbers from 1 to 20 are the sides of a triangle."""
    triples = list(itertools.combinations(range(1, 21), 3))
    return share(sum(a + b > c for a, b, c in triples), len(triples))


def pr_07() -> int:
    """Five corners of a regular 14-gon span a pentagon with the centre strictly inside."""
    choices = list(itertools.combinations(range(14), 5))

    def around(chosen: tuple[int, ...]) -> bool:
        """No two neighbours leave half the circle, or more, free of corners."""
        return all(b - a < 7 for a, b in itertools.pairwise((*chosen, chosen[0] + 14)))

    return share(sum(around(chosen) for chosen in choices), len(choices))


def pr_08() -> int:
    """The expected number of rolls of a four-sided die until one is greater than the roll before."""
    left: dict[int, Fraction] = {}  # expected further rolls after a roll of this value
    for value in (1, 2, 3, 4):
        lower = sum(left.values(), Fraction())
        left[value] = (1 + lower / 4) / (1 - Fraction(1, 4))  # a roll of the same value starts over
    return m_plus_n(1 + sum(left.values()) / 4)


def pr_09() -> int:
    """A random walk on a triangular prism is back at its first corner after 6 steps."""

    def neighbours(corner: tuple[int, int]) -> list[tuple[int, int]]:
        base, turn = corner
        return [(1 - base, turn), (base, (turn + 1) % 3), (base, (turn + 2) % 3)]

    @cache
    def walks(corner: tuple[int, int], steps: int) -> int:
        if steps == 0:
            return corner == (0, 0)
        return sum(walks(other, steps - 1) for other in neighbours(corner))

    return share(walks((0, 0), 6), 3**6)


def pr_10() -> int:
    """Four random points cut a circle into arcs that are all shorter than two fifths of it."""

    def count(n: int) -> int:
        """Ways to cut a circle of 5n units, from a first point on, into four arcs of at most 2n units."""
        firsts = itertools.product(range(2 * n + 1), repeat=3)
        return sum(0 <= 5 * n - sum(arcs) <= 2 * n for arcs in firsts)

    # The count is a polynomial of degree 3 in n; without the limit on the arcs its leading term is (5n)**3 / 6.
    return m_plus_n(leading_coefficient([count(n) for n in range(1, 5)]) / Fraction(5**3, 6))


def pr_11() -> int:
    """Five players, the winner stays and the loser queues: E is the first to win three in a row."""
    states = {("A", 1, "CDEB"): 0.5, ("B", 1, "CDEA"): 0.5}  # champion, wins in a row, queue -> chance
    won = 0.0
    for _ in range(400):  # two matches end the tournament with a chance of at least 1/4: what is left then is nothing
        following: dict[tuple[str, int, str], float] = {}
        for (champion, streak, queue), chance in states.items():
            challenger, rest = queue[0], queue[1:]
            outcomes = [(challenger, 1, rest + champion), (champion, streak + 1, rest + challenger)]
            for outcome in outcomes:
                if outcome[1] < 3:
                    following[outcome] = following.get(outcome, 0) + chance / 2
                elif outcome[0] == "E":
                    won += chance / 2
        states = following
    return m_plus_n(near(won, tolerance=1e-12))


def pr_12() -> int:
    """The expected number of socks drawn from six pairs until two pairs are complete."""

    @cache
    def further(untouched: int, single: int, pairs: int) -> Fraction:
        """With so many pairs untouched and so many lacking one sock, the expected draws until `pairs` more are complete."""
        if pairs == 0:
            return Fraction()
        new = 2 * untouched * further(untouched - 1, single + 1, pairs) if untouched else Fraction()
        matched = single * further(untouched, single - 1, pairs - 1) if single else Fraction()
        return 1 + (new + matched) / (2 * untouched + single)

    return m_plus_n(further(6, 0, 2))
