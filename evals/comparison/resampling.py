"""What a vote or a rejection over fewer samples would have scored, from the samples that there are.

A random order of n independent samples has in its first m a uniformly random subset of m of them. The mean over many orders
is an unbiased estimate of the expected score with m samples, for every m at once; with m = n it is the score itself. Of five
samples or fewer all orders are taken, so the mean is exact; of more, at least 128 seeded ones: all rotations of a few, so
that every sample comes first equally often.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from math import ceil, factorial
from typing import Any

import numpy as np

from evals.stats import Member
from rsa.chain import Status
from rsa.equivalence import Equivalence

__all__ = ["rejection_by_size", "sizes", "vote_by_size"]

_ORDERS = 128
_Array = np.ndarray[Any, Any]


def sizes(n: int) -> list[int]:
    """The sizes at which a curve over n samples has points: 1, 2, 3, 4, 6, 8, 12, 16, 24, ... and n."""
    grid = sorted({1, n} | {start << shift for start in (2, 3) for shift in range(n.bit_length())})
    return [size for size in grid if size <= n]


@dataclass(frozen=True, slots=True)
class _Orders:
    """`members` in random orders, one a row."""

    rows: _Array

    @classmethod
    def of(cls, members: int, key: str) -> "_Orders":
        if factorial(members) <= _ORDERS:
            return cls(np.array(list(permutations(range(members)))))
        generator = np.random.default_rng(int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()))
        drawn = generator.permuted(np.tile(np.arange(members), (max(2, ceil(_ORDERS / members)), 1)), axis=1)
        rotations = (np.arange(members) + np.arange(members)[:, None]) % members
        return cls(drawn[:, rotations].reshape(-1, members))

    def counted(self, flags: _Array, wanted: Sequence[int]) -> _Array:
        """How many of the first m members of each order have a flag, for each m that is wanted."""
        return np.cumsum(flags[self.rows], axis=1, dtype=np.int32)[:, np.asarray(wanted) - 1]


def vote_by_size(members: Sequence[Member], equivalence: Equivalence, wanted: Sequence[int], key: str) -> list[float]:
    """The expected share of right votes over m of the members, for each m that is wanted (at most their number).

    The vote's rule is that of `rsa.equivalence.vote`: most votes, then most finished chains, then the lowest slot.
    """
    answers = [mark.answer for _, mark in members]
    classes = equivalence.classes(answer for answer in answers if answer is not None)
    names = sorted(set(classes.values()))
    orders = _Orders.of(len(members), key)
    n = len(members)
    best = np.full((len(orders.rows), len(wanted)), -1, dtype=np.int64)
    right = np.zeros(best.shape)
    solved = np.array([mark.solved for _, mark in members] + [False], dtype=float)
    for name in names:
        ours = np.array([answer is not None and classes[answer] == name for answer in answers])
        finished = np.array([chain.status is not Status.TRUNCATED for chain, _ in members]) & ours
        votes = orders.counted(ours, wanted)
        first = np.minimum.accumulate(np.where(ours[orders.rows], orders.rows, n), axis=1)[:, np.asarray(wanted) - 1]
        rank = np.where(votes > 0, (votes * (n + 1) + orders.counted(finished, wanted)) * (n + 1) + n - first, -1)
        wins = rank > best
        best = np.where(wins, rank, best)
        right = np.where(wins, solved[first], right)
    return [float(share) for share in right.mean(axis=0)]


def rejection_by_size(accepted: Sequence[bool], solved: Sequence[bool], wanted: Sequence[int], key: str) -> list[float]:
    """The expected accuracy of the accepted among m samples, or of all m where none of them was accepted."""
    orders = _Orders.of(len(solved), key)
    take, right = np.array(accepted, dtype=bool), np.array(solved, dtype=bool)
    accepts = orders.counted(take, wanted)
    of_accepted = orders.counted(take & right, wanted) / np.maximum(accepts, 1)
    of_all = orders.counted(right, wanted) / np.asarray(wanted)
    return [float(share) for share in np.where(accepts > 0, of_accepted, of_all).mean(axis=0)]
