"""The tests of a program, in the three styles that benchmarks have."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["AssertSuite", "FunctionSuite", "FunctionTest", "StdinSuite", "StdinTest", "Suite", "fingerprint"]


@dataclass(frozen=True, slots=True)
class StdinTest:
    """What a program reads, and what it must write."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class FunctionTest:
    """What a function is called with, and what it must return; JSON values."""

    arguments: tuple[Any, ...]
    result: Any


@dataclass(frozen=True, slots=True)
class StdinSuite:
    """Tests of a program's standard output. Numbers match exactly, or within `tolerance`, relative or absolute, if given."""

    tests: tuple[StdinTest, ...]
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class FunctionSuite:
    """Tests of a function, or of a method of a class `Solution`. Floats match exactly, or within `tolerance` if given.

    A tuple that is returned counts as a list; further in, a tuple and a list are different.
    """

    function: str
    tests: tuple[FunctionTest, ...]
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class AssertSuite:
    """Tests in Python: each is code that raises if the program is wrong, or defines a `check(candidate)` that does.

    `setup` is code of the data set, not of the program, that every test may use.
    """

    function: str
    tests: tuple[str, ...]
    setup: str = ""


Suite = StdinSuite | FunctionSuite | AssertSuite


def fingerprint(*parts: Any) -> bytes:
    """SHA-256 of programs, suites and limits: equal for equal ones, in this process."""
    digest = hashlib.sha256()
    for part in parts:
        for piece in _pieces(part):
            digest.update(b"%d:" % len(piece) + piece)
    return digest.digest()


def _pieces(part: Any) -> Iterator[bytes]:
    if isinstance(part, str):
        yield b"text" + part.encode("utf-8", "surrogatepass")
    elif isinstance(part, tuple):
        for item in part:
            yield from _pieces(item)
        yield b"end"
    elif hasattr(part, "__dataclass_fields__"):
        yield type(part).__name__.encode()
        for name in part.__dataclass_fields__:
            yield from _pieces(getattr(part, name))
    else:
        yield b"value" + repr(part).encode("utf-8", "surrogatepass")
