"""Keyed randomness: every draw is a pure function of what it is for.

There is no generator with a state. A draw is the BLAKE2b hash of `(run seed, problem, repeat, step, slot, purpose)`, so the
same key gives the same draw in any process, order, Python or NumPy version, and after any number of resumes.
"""

import hashlib
import json
from dataclasses import dataclass

__all__ = ["Key"]

_ENCODER = json.JSONEncoder(separators=(",", ":"))
_REQUEST_SEED_BITS = 31  # every known server takes a non-negative 32-bit integer; llama.cpp reserves the largest one


@dataclass(frozen=True, slots=True)
class Key:
    """The name of one draw. Step-1 keys hold neither strategy nor N, so that strategies share their first samples."""

    seed: int
    problem: str
    repeat: int = 0
    step: int = 0
    slot: int = 0
    purpose: str = ""

    def _digest(self, *more: int) -> bytes:
        return _hash(f"{self._name()}{''.join(f',{number}' for number in more)}]")

    def _name(self) -> str:
        """The parts as a JSON array that is still open."""
        parts = [self.seed, self.problem, self.repeat, self.step, self.slot, self.purpose]
        return _ENCODER.encode(parts)[:-1]

    def permutation(self, n: int) -> tuple[int, ...]:
        """A uniformly drawn order of `range(n)`: every number is ranked by a hash of its own."""
        name = self._name()
        return tuple(sorted(range(n), key=lambda i: (_hash(f"{name},{i}]"), i)))

    def uniform(self, *more: int) -> float:
        """A number in [0, 1); `more` tells several draws of one key apart."""
        return int.from_bytes(self._digest(*more)) / 2**64

    def request_seed(self) -> int:
        """The `seed` that a server is given for this draw: 31 bits."""
        return int.from_bytes(self._digest()) >> (64 - _REQUEST_SEED_BITS)

    def token(self) -> str:
        """A text of 16 characters that stands for this key and tells nothing of it."""
        return self._digest().hex()


def _hash(name: str) -> bytes:
    return hashlib.blake2b(name.encode("ascii"), digest_size=8).digest()
