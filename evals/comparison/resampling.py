"""What a vote or a rejection over fewer samples would have scored, from the samples that there are.

The expected score with m samples is the mean over all subsets of m of the n that there are. Up to 16 samples every subset is
looked at, so the mean is exact; of more, some thousands of seeded random ones, so it is an unbiased estimate. With m = 1 and
m = n it is exact for every n.
"""

import hashlib
import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from evals.stats import Member
from rsa.chain import Status
from rsa.equivalence import Equivalence

__all__ = ["rejection_by_size", "sizes", "vote_by_size"]

_ALL_SUBSETS_UP_TO = 16  # samples: 12,870 subsets of 8
_LOOKED_AT = 1 << 18  # members of random subsets: an error of about one point a problem, less over many
_Array = np.ndarray[Any, Any]


def sizes(n: int) -> list[int]:
    """The sizes at which a curve over n samples has points: 1, 2, 3, 4, 6, 8, 12, 16, 24, ... and n."""
    grid = sorted({1, n} | {start << shift for start in (2, 3) for shift in range(n.bit_length())})
    return [size for size in grid if size <= n]


def vote_by_size(members: Sequence[Member], equivalence: Equivalence, wanted: Sequence[int], key: str) -> list[float]:
    """The expected share of right votes over m of the members, for each m that is wanted (at most their number).

    The vote's rule is that of `rsa.equivalence.vote`: most votes, then most finished chains, then the lowest slot.
    """
    answers = [mark.answer for _, mark in members]
    named = equivalence.classes(answer for answer in answers if answer is not None)
    numbers = {name: number for number, name in enumerate(sorted(set(named.values())))}
    nobody = len(numbers)
    classes = np.array([nobody if answer is None else numbers[named[answer]] for answer in answers])
    finished = np.array([chain.status is not Status.TRUNCATED for chain, _ in members], dtype=float)
    solved = np.array([mark.solved for _, mark in members])

    def voted(subsets: _Array) -> float:
        theirs = classes[subsets]
        rows = np.arange(len(subsets))[:, None] * (nobody + 1)
        votes, done = (
            np.bincount((rows + theirs).ravel(), weights, minlength=len(subsets) * (nobody + 1)).reshape(len(subsets), -1)
            for weights in (None, finished[subsets].ravel())
        )
        rank = votes * (len(members) + 1) + done
        rank[:, nobody] = -1
        ranks = np.take_along_axis(rank, theirs, axis=1)
        best = ranks.argmax(axis=1)  # of equals the first, which has the lowest slot
        there = np.arange(len(subsets))
        return float((solved[subsets[there, best]] & (ranks[there, best] > 0)).mean())

    return [voted(subsets) for subsets in _subsets(len(members), wanted, key)]


def rejection_by_size(accepted: Sequence[bool], solved: Sequence[bool], wanted: Sequence[int], key: str) -> list[float]:
    """The expected accuracy of the accepted among m samples, or of all m where none of them was accepted."""
    take, right = np.array(accepted, dtype=bool), np.array(solved, dtype=bool)

    def scored(subsets: _Array) -> float:
        accepts = take[subsets].sum(axis=1)
        of_accepted = (take & right)[subsets].sum(axis=1) / np.maximum(accepts, 1)
        return float(np.where(accepts > 0, of_accepted, right[subsets].mean(axis=1)).mean())

    return [scored(subsets) for subsets in _subsets(len(solved), wanted, key)]


def _subsets(n: int, wanted: Sequence[int], key: str) -> list[_Array]:
    """For each size subsets of `range(n)`, one a row, in ascending order."""
    if n <= _ALL_SUBSETS_UP_TO:
        return [_all_subsets(n, size) for size in wanted]
    generator = np.random.default_rng(int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()))
    orders = generator.permuted(np.tile(np.arange(n), (_LOOKED_AT // n, 1)), axis=1)
    exact = (1, n)
    return [_all_subsets(n, size) if size in exact else np.sort(orders[:, :size], axis=1) for size in wanted]


@lru_cache(maxsize=64)
def _all_subsets(n: int, size: int) -> _Array:
    return np.array(list(itertools.combinations(range(n), size)))
