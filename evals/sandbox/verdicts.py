"""The vocabulary of the sandbox: what it is given besides programs and tests, and what it answers."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from rsa.errors import UsageError

__all__ = ["CallResult", "Judgement", "Level", "Limits", "Outcome", "SandboxUnavailable"]


class SandboxUnavailable(UsageError):
    """This machine cannot shut programs in; the message names the remedy."""


class Level(StrEnum):
    """How well programs are shut in. In every level but the last, no program can open, connect, start or signal anything.

    FULL has all layers, and a file tree and process table with nothing in them. STRONG has the filter of system calls and
    Landlock, SEALED the filter alone: in both a program that makes an effort can see whether a path exists.
    """

    FULL = "full"
    STRONG = "strong"
    SEALED = "sealed"
    UNSAFE = "unsafe"


class Outcome(StrEnum):
    """How a program did. SANDBOX_ERROR is a failure of ours: it says nothing about the program."""

    SOLVED = "solved"
    WRONG_ANSWER = "wrong_answer"
    RUNTIME_ERROR = "runtime_error"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    SANDBOX_ERROR = "sandbox_error"


_LEAST = {"memory": (16 << 20) - 1, "output": (64 << 10) - 1, "files": 15}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use. `wall` and `cpu` are seconds a test, `total` seconds of wall time for all its tests.

    `memory` is bytes of address space on top of the interpreter's, `output` bytes of standard output and of each other file
    that it can write to, `files` open descriptors, `threads` threads. Raises `UsageError` for a limit that is infinite or
    too low for any program to start.
    """

    wall: float = 12.0
    cpu: float = 6.0
    total: float = 300.0
    memory: int = 2 << 30
    output: int = 32 << 20
    files: int = 64
    threads: int = 64

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value, least = getattr(self, name), _LEAST.get(name, 0)
            if not math.isfinite(value) or value <= least:
                raise UsageError(f"the limit {name} must be a number above {least:,}, not {value:,}")


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a program. `failing` is the index of the first test that it fails, `detail` a short reason for people.

    `seconds` of wall time were spent, `tests_run` tests were looked at.
    """

    outcome: Outcome
    failing: int | None
    detail: str
    seconds: float
    tests_run: int


@dataclass(frozen=True, slots=True)
class CallResult:
    """The result of a call: its `value` if `status` is "ok", else `detail` says what went wrong. `seconds` of wall time."""

    status: Literal["ok", "time_limit", "memory_limit", "error", "sandbox_error"]
    value: Any
    detail: str
    seconds: float
