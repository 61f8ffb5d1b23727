"""How many calls an answer needs: the ancestors of one chain of the last population, over (N, K, T).

Counted over plans; `expected_calls` is the exact mean. No model is called; it takes a few seconds.
"""

from collections.abc import Iterator
from math import comb

import rsa
from rsa.demand import answering_line, needed
from tests.bench.rows import Row, paired

PLANS = 40
SETTINGS = [(n, k, steps) for n in (4, 8, 16, 32) for k in (1, 2, 4) for steps in (3, 5, 10)]


def measure() -> Iterator[Row]:
    for n, k, steps in SETTINGS:
        plans = [rsa.RSA(n, k, steps).plan(0, f"{number}") for number in range(PLANS)]
        ours = [float(len(needed(plan, answering_line(plan), ()))) for plan in plans]
        exact = round(expected_calls(n, k, steps), 2)
        name = f'N={n} K={k} T={steps}: calls with need="answer" (on average {exact:g})'
        yield paired(name, 'need="population"', ours, [float(n * steps)] * PLANS, "calls", exact=exact)


def expected_calls(n: int, k: int, steps: int) -> float:
    """The mean number of chains that one chain of the last population descends from, itself included."""
    likely = {1: 1.0}  # how many chains of a population are needed, and how likely that is
    calls = 1.0
    for _ in range(steps - 1):
        before: dict[int, float] = {}
        for readers, chance in likely.items():
            for union, given in _union(n, k, readers).items():
                before[union] = before.get(union, 0.0) + chance * given
        likely = before
        calls += sum(size * chance for size, chance in likely.items())
    return calls


def _union(n: int, k: int, readers: int) -> dict[int, float]:
    """How many chains so many readers read together, each k of n drawn without regard to the others."""
    likely = {0: 1.0}
    for _ in range(readers):
        after: dict[int, float] = {}
        for size, chance in likely.items():
            for fresh in range(max(0, k - size), min(k, n - size) + 1):
                drawn = comb(n - size, fresh) * comb(size, k - fresh) / comb(n, k)
                after[size + fresh] = after.get(size + fresh, 0.0) + chance * drawn
        likely = after
    return likely
