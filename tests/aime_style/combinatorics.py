"""Answers of the combinatorics problems, by going through all cases."""

import itertools
from collections.abc import Iterator


def co_01() -> int:
    """Words of 8 letters A, B, C without equal neighbours whose first letter is alphabetically before the last."""
    words = itertools.product("ABC", repeat=8)
    return sum(w[0] < w[-1] and all(a != b for a, b in itertools.pairwise(w)) for w in words)


def co_02() -> int:
    """Ways to hang 6 different keys on 4 different hooks with no hook holding exactly one."""
    return sum(all(hooks.count(h) != 1 for h in range(4)) for hooks in itertools.product(range(4), repeat=6))


def co_03() -> int:
    """Ways to give 9 equal stickers to 5 children, 0 to 4 each, the oldest getting more than the youngest."""
    return sum(sum(shares) == 9 and shares[0] > shares[-1] for shares in itertools.product(range(5), repeat=5))


def co_04() -> int:
    """Paths of 8 steps right and 6 up without three equal steps in a row."""
    paths = (["U" if i in ups else "R" for i in range(14)] for ups in itertools.combinations(range(14), 6))
    return sum("RRR" not in (path := "".join(steps)) and "UUU" not in path for steps in paths)


def co_05() -> int:
    """Six digits from 1 to 5 with a < b > c < d > e < f."""
    numbers = itertools.product(range(1, 6), repeat=6)
    return sum(a < b > c < d > e < f for a, b, c, d, e, f in numbers)


def co_06() -> int:
    """Sequences of 12 winners in which 3 and 4 coins end as 3 and 4 and neither player ever has none."""

    def fair(moves: tuple[int, ...]) -> bool:
        coins = list(itertools.accumulate(moves, initial=3))
        return coins[-1] == 3 and all(0 < mine < 7 for mine in coins)

    return sum(fair(moves) for moves in itertools.product((1, -1), repeat=12))


def co_07() -> int:
    """Colourings with 4 colours of a hexagon's corners that differ along the sides and the three long diagonals."""
    lines = [(i, (i + 1) % 6) for i in range(6)] + [(i, i + 3) for i in range(3)]
    return sum(all(colour[i] != colour[j] for i, j in lines) for colour in itertools.product(range(4), repeat=6))


def co_08() -> int:
    """Sets of lit lamps in a circle of 14 with no two exactly four places apart."""

    def turned(lamps: int) -> int:
        return (lamps << 4 | lamps >> 10) & 0x3FFF

    return sum(lamps & turned(lamps) == 0 for lamps in range(1 << 14))


def co_09() -> int:
    """Ordered triples of nonempty subsets of {1, 2, 3, 4}, each within the union of the other two."""
    triples = itertools.product(range(1, 16), repeat=3)
    return sum(not (a & ~(b | c) or b & ~(a | c) or c & ~(a | b)) for a, b, c in triples)


def co_10() -> int:
    """Choices of 5 cells of a 4 x 4 card that no rotation or flip turns into each other."""
    cells = list(itertools.product(range(4), repeat=2))

    def views(holes: tuple[tuple[int, int], ...]) -> Iterator[tuple[tuple[int, int], ...]]:
        for _ in range(4):
            holes = tuple((y, 3 - x) for x, y in holes)
            yield tuple(sorted(holes))
            yield tuple(sorted((y, x) for x, y in holes))

    return len({min(views(holes)) for holes in itertools.combinations(cells, 5)})


def co_11() -> int:
    """Subsets of {1, ..., 12}, the empty one too, with a sum divisible by 5."""
    choices = itertools.product(*((0, n) for n in range(1, 13)))
    return sum(sum(chosen) % 5 == 0 for chosen in choices)


def co_12() -> int:
    """Partitions of 9 guests into 4 unlabelled groups with no consecutive guests in one group."""

    def extended(groups: tuple[int, ...]) -> int:
        """A guest joins a group in use or opens the next one, so that every partition is built once."""
        if len(groups) == 9:
            return max(groups) == 3
        options = range(min(max(groups) + 2, 4))
        return sum(extended((*groups, option)) for option in options if option != groups[-1])

    return extended((0,))


def co_13() -> int:
    """Permutations of {1, ..., 12} that move every element by 1 or by 3."""

    def extended(images: tuple[int, ...]) -> int:
        if len(images) == 12:
            return 1
        k = len(images) + 1
        free = {k - 3, k - 1, k + 1, k + 3} & set(range(1, 13)) - set(images)
        return sum(extended((*images, image)) for image in free)

    return extended(())
