"""Answers of the geometry problems, from coordinates and computed measures."""

import itertools
import math
from fractions import Fraction

import numpy as np
from scipy.spatial import ConvexHull

from tests.aime_style.exact import bisected, m_plus_n, near, root, whole


def ge_01() -> int:
    """Lattice points strictly inside the triangle (0, 0), (36, 15), (21, 48)."""
    corners = [(0, 0), (36, 15), (21, 48)]

    def inside(x: int, y: int) -> bool:
        sides = zip(corners, corners[1:] + corners[:1], strict=True)
        return all((c - a) * (y - b) - (d - b) * (x - a) > 0 for (a, b), (c, d) in sides)

    return sum(inside(x, y) for x, y in itertools.product(range(37), range(49)))


def ge_02() -> int:
    """Circles of radii 4 and 9 touch at T, a line touches them at A and B: m + n of the area of ATB."""
    left, right, touch = complex(0, 0), complex(13, 0), complex(4, 0)  # the centres, and T
    # A tangent line with unit normal n, both circles on one side of it, touches them at 4n and at 13 + 9n.
    angle = bisected(lambda t: 13 * math.cos(t) + 9 - 4, 0, math.pi)
    normal = complex(math.cos(angle), math.sin(angle))
    a, b = left + 4 * normal, right + 9 * normal
    return m_plus_n(near(abs(((a - touch) * (b - touch).conjugate()).imag) / 2))


def ge_03() -> int:
    """AC = 65 is a diameter, AB = 16 and AD = 56 lie on either side of it: m + n of BD."""

    def on_circle(chord: int, side: int) -> complex:
        angle = bisected(lambda t: 65 * math.cos(t) - chord, 0, math.pi / 2)
        return chord * complex(math.cos(angle), side * math.sin(angle))

    return m_plus_n(near(abs(on_circle(16, 1) - on_circle(56, -1))))


def ge_04() -> int:
    """AC = 19, BC = 22, and the medians from A and B are perpendicular: m + n of the area m * sqrt(n)."""
    b = complex(22, 0)  # C is the origin

    def product(angle: float) -> float:
        a = 19 * complex(math.cos(angle), math.sin(angle))
        return ((b / 2 - a) * (a / 2 - b).conjugate()).real

    angle = bisected(product, 0.01, math.pi - 0.01)
    return sum(root(whole((19 * 22 * math.sin(angle) / 2) ** 2)))


def ge_05() -> int:
    """Equiangular hexagon with sides 4, 9, 7, 8 in a row: m + n of its area m * sqrt(3)/n."""
    directions = [(1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1)]  # along two axes at 60 degrees

    def corners(sides: tuple[int, ...]) -> list[tuple[int, int]]:
        steps = [(s * u, s * v) for s, (u, v) in zip(sides, directions, strict=True)]
        return list(itertools.accumulate(steps, lambda p, q: (p[0] + q[0], p[1] + q[1])))

    (closed,) = (c for x, y in itertools.product(range(1, 40), repeat=2) if (c := corners((4, 9, 7, 8, x, y)))[-1] == (0, 0))
    # One unit square of the slanted axes has the area sqrt(3)/2.
    twice = sum(a * d - b * c for (a, b), (c, d) in zip(closed, closed[1:] + closed[:1], strict=True))
    return m_plus_n(Fraction(abs(twice), 4))


def ge_06() -> int:
    """Triangles with three different integer sides and the perimeter 100, up to congruence."""
    sides = ((a, b, 100 - a - b) for a, b in itertools.combinations(range(1, 50), 2))
    return sum(a < b < c < a + b for a, b, c in sides)


def ge_07() -> int:
    """Pyramid of square base 16 and height 15: m + n of the radius of the second sphere from below."""
    normal = np.array([15, 0, 8]) / 17  # of the lateral face through (8, -8, 0), (8, 8, 0) and (0, 0, 15)

    def room(z: float) -> float:
        return float((np.array([8, 8, 0]) - np.array([0, 0, z])) @ normal)

    first = bisected(lambda z: room(z) - z, 0, 15)
    second = bisected(lambda z: room(z) - (z - first - room(first)), first, 15)
    return m_plus_n(near(room(second)))


def ge_08() -> int:
    """A coin of radius 3 rolls round inside a triangle of side 20 sqrt(3): a + b of the area a sqrt(3) + b pi."""

    def corners(inradius: float) -> np.ndarray:
        turns = np.exp(2j * np.pi * np.arange(3) / 3)
        return 2 * inradius * turns

    # The inradius is 10: the coin's centre follows the triangle 3 further in, and what is over 6 from all sides stays free.
    rim = 3 * np.exp(2j * np.pi * np.arange(200_000) / 200_000)
    reached = (corners(7)[:, None] + rim).ravel()
    free = corners(4)
    covered = sum(sign * ConvexHull(np.column_stack([p.real, p.imag])).volume for sign, p in ((1, reached), (-1, free)))
    pairs = [(round((covered - b * math.pi) / math.sqrt(3)), b) for b in range(1000)]
    (total,) = (a + b for a, b in pairs if abs(a * math.sqrt(3) + b * math.pi - covered) < 1e-6)
    return total


def ge_09() -> int:
    """The perimeters of all integer triangles with an angle of 120 degrees and the longest side 91, added."""
    sides = itertools.combinations_with_replacement(range(1, 91), 2)
    # The law of cosines: the angle faces the longest side, and twice its cosine is -1.
    return sum(a + b + 91 for a, b in sides if a * a + b * b + a * b == 91**2)


def ge_10() -> int:
    """Cube of edge 12 cut through two midpoints of base edges and a point of the top: the smaller volume."""
    p, q, r = np.array([12, 6, 0]), np.array([6, 12, 0]), np.array([9, 0, 12])
    normal = np.cross(q - p, r - p)
    corners = 12 * np.array(list(itertools.product((0, 1), repeat=3)))
    sides = (corners - p) @ normal
    edges = [(i, j) for i, j in itertools.combinations(range(8), 2) if abs(corners[i] - corners[j]).sum() == 12]
    crossed = [(i, j) for i, j in edges if sides[i] * sides[j] < 0]
    cut = [corners[i] + (corners[j] - corners[i]) * sides[i] / (sides[i] - sides[j]) for i, j in crossed]
    halves = [ConvexHull(np.vstack([corners[sign * sides >= 0], *cut])).volume for sign in (1, -1)]
    assert whole(sum(halves)) == 12**3
    return whole(min(halves))


def ge_11() -> int:
    """A cone's shortest way round from distance 65 to distance 39: a + b + c of its least distance to the apex."""
    opened = 2 * math.pi * (65 / 3) / 65  # the angle of the lateral surface, cut along VA and laid flat
    start, end = complex(65, 0), 39 * complex(math.cos(opened), math.sin(opened))
    # The nearest point by ternary search along the straight way: the distance falls, then rises.
    low, high = 0.0, 1.0
    for _ in range(200):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if abs(start + left * (end - start)) < abs(start + right * (end - start)) else (left, high)
    square = near(abs(start + low * (end - start)) ** 2, tolerance=1e-8)
    a, b = root(square.numerator * square.denominator)
    nearest = Fraction(a, square.denominator)
    return nearest.numerator + b + nearest.denominator


def ge_12() -> int:
    """P inside ACE of a regular hexagon, PA, PC, PE = 7, 13, 15: m + n of the hexagon's area m * sqrt(3)/n."""

    def place(side: float) -> complex:
        """P above the segment from A = 0 to C = side."""
        x = (side**2 + 7**2 - 13**2) / (2 * side)
        return complex(x, math.sqrt(7**2 - x**2))

    def apex(side: float) -> complex:
        return side * complex(0.5, math.sqrt(0.75))

    side = bisected(lambda s: abs(place(s) - apex(s)) - 15, 15, 19.9)
    sides = [(0, side), (side, apex(side)), (apex(side), 0)]
    assert all(((place(side) - a) * complex(b - a).conjugate()).imag > 0 for a, b in sides), "P is not inside"
    triangle = side * apex(side).imag / 2  # half the hexagon
    return m_plus_n(near(2 * triangle / math.sqrt(3)))


def ge_13() -> int:
    """AB = 17, BC = 28, CA = 25, and D on BC so that ABD and ACD have equal incircles: the square of AD."""
    x = bisected(lambda t: math.dist((t, math.sqrt(17**2 - t * t)), (28, 0)) - 25, 0, 17)
    a = (x, math.sqrt(17**2 - x * x))  # B is the origin

    def inradius(base: float, side: float, to_d: float) -> float:
        return base * a[1] / (base + side + to_d)

    def difference(d: float) -> float:
        return inradius(d, 17, math.dist(a, (d, 0))) - inradius(28 - d, 25, math.dist(a, (d, 0)))

    return whole(math.dist(a, (bisected(difference, 0.01, 27.99), 0)) ** 2)
