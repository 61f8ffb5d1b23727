"""What a single test showed, read from what the child left and from how it ended."""

import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from evals.sandbox.files import JobFiles, MemoryFile
from evals.sandbox.server import Ending
from evals.sandbox.verdicts import Limits, Outcome

__all__ = ["Finding", "Rows", "after_ending", "after_error", "readable", "starved"]

_KINDS = {"memory": Outcome.MEMORY_LIMIT, "assertion": Outcome.WRONG_ANSWER}
_CHUNK = 1 << 16
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one test. `answer` is what the program gave, as text that is equal for equal answers, if it gave any.

    `settled` says that the outcome would be the same if the test had been run in a process of its own.
    """

    outcome: Outcome
    detail: str = ""
    answer: str | None = None
    settled: bool = True


_CUT = {
    "time": Finding(Outcome.TIME_LIMIT, "more than {limits.cpu:g} s of CPU time or {limits.wall:g} s in all"),
    "total": Finding(Outcome.TIME_LIMIT, "the time for all tests is up"),
    "threads": Finding(Outcome.RUNTIME_ERROR, "more than {limits.threads} threads"),
    "stopped": Finding(Outcome.RUNTIME_ERROR, "something else in the place of a result", settled=False),
}


class Rows:
    """The result rows of a job, read while they are written. After one that is malformed or too long there are no more.

    One that is too long is given as {"too_long": True}.
    """

    def __init__(self, file: MemoryFile) -> None:
        self._file = file
        self._place = 0
        self._number = 0

    def next(self, longest: int) -> Mapping[str, Any] | None:
        """The next test's row; None if there is none."""
        line = self._line(longest)
        if len(line) > longest:
            self._place = self._file.size
            return {"too_long": True}
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(row, dict) or type(row.get("test")) is not int or row["test"] != self._number:
            return None
        self._place += len(line)
        self._number += 1
        return row

    def _line(self, longest: int) -> bytes:
        """The next line with its end, or what there is of it; it need not be whole where it is longer than allowed."""
        line = b""
        while len(line) <= longest and (chunk := self._file.read(self._place + len(line), self._place + len(line) + _CHUNK)):
            head, newline, _ = chunk.partition(b"\n")
            line += head + newline
            if newline:
                break
        return line


def readable(text: str) -> str:
    """The text, short and fit for a terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text[:_LONGEST])


def after_error(error: Any) -> Finding:
    """The finding of a test that the program's own error ended: [kind, text]."""
    if not isinstance(error, list) or len(error) != 2:
        return Finding(Outcome.RUNTIME_ERROR, "an error without a description")
    kind, text = map(str, error)
    return Finding(_KINDS.get(kind, Outcome.RUNTIME_ERROR), readable(text))


def after_ending(ending: Ending, limits: Limits, tests: int, files: JobFiles) -> Finding:
    """The finding of the test during which a job ended."""
    if ending.failed is not None or (not ending.ready and ending.cut != "total"):
        return Finding(Outcome.SANDBOX_ERROR, readable(ending.failed or files.last_words() or "no start"), settled=False)
    if ending.cut is not None:
        return replace(_CUT[ending.cut], detail=_CUT[ending.cut].detail.format(limits=limits))
    if lost := starved(ending, limits, tests):
        return lost
    code = ending.codes[0] or 0
    ended = f"ended by {_name(-code)}" if code < 0 else files.last_words() or "ended without a result"
    return Finding(Outcome.RUNTIME_ERROR, readable(ended), settled=False)


def starved(ending: Ending, limits: Limits, tests: int) -> Finding | None:
    """The finding if a child was killed, though not by us, nor by itself, which it cannot."""
    if ending.cut is not None or not {-signal.SIGKILL, -signal.SIGXCPU} & set(ending.codes):
        return None
    if ending.cpu >= limits.cpu * tests:  # the limit that the kernel itself keeps
        return Finding(Outcome.TIME_LIMIT, f"more than {limits.cpu:g} s of CPU time a test")
    return Finding(
        Outcome.SANDBOX_ERROR, "the system killed the program, probably for want of memory: use fewer workers", settled=False
    )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
