"""What every role needs to run a program as if it had been started by itself."""

import atexit
import builtins
import io
import json
import linecache
import os
import sys
import threading
import traceback
import types
from collections.abc import Mapping
from typing import Any

__all__ = [
    "FILE",
    "Globals",
    "append_row",
    "described",
    "join_threads",
    "open_streams",
    "read_all",
    "run_exit_handlers",
    "write_all",
]

FILE = "main.py"
_LONGEST_TEXT = 300
_FRAMES_SHOWN = 8
_KINDS = {"memory": MemoryError, "import": ImportError, "assertion": AssertionError}


def read_all(descriptor: int) -> bytes:
    """The whole content of a file. Its offset stays, for it is shared with whoever else has the file."""
    size, parts, place = os.fstat(descriptor).st_size, [], 0
    while place < size and (part := os.pread(descriptor, size - place, place)):
        parts.append(part)
        place += len(part)
    return b"".join(parts)


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything, however many calls that takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def append_row(descriptor: int, row: Mapping[str, Any]) -> None:
    """Add one JSON line to the results."""
    write_all(descriptor, json.dumps(row).encode() + b"\n")


class Globals:
    """Makes the globals of programs, each the contents of a new main module with the given names in it.

    The first are ready before any child is forked: filling them there would make the child copy the pages of a thousand
    objects, only to count one more reference to each.
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names
        self._ready: types.ModuleType | None = self._module()

    def fresh(self, name: str) -> dict[str, Any]:
        """New globals; their module is the main one from now on."""
        module, self._ready = self._ready or self._module(), None
        sys.modules["__main__"] = module
        module.__name__ = name
        return module.__dict__

    def _module(self) -> types.ModuleType:
        module = types.ModuleType("__main__")
        module.__dict__.update(self.names, __builtins__=builtins, __file__=FILE)
        return module


def open_streams() -> io.TextIOWrapper:
    """Standard input, output and error on descriptors 0 to 2, as a new process has them. Gives that for output."""
    for generator in ("random", "numpy.random"):  # the same program, the same verdict
        if generator in sys.modules:
            sys.modules[generator].seed(0)
    sys.argv = [FILE]
    source = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r", closefd=False)), "utf-8", "surrogateescape")
    output = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8", "surrogateescape")
    errors = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8", "backslashreplace", line_buffering=True
    )
    sys.stdin, sys.stdout, sys.stderr = source, output, errors
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = source, output, errors  # type: ignore[misc]
    return output


def join_threads() -> None:
    """Wait for the threads that a program leaves, as Python does before it ends."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


def run_exit_handlers() -> None:
    """Run what the program registered with `atexit`, and forget it."""
    atexit._run_exitfuncs()  # noqa: SLF001  (there is no public way to run them early)


def described(error: BaseException, source: bytes) -> list[str]:
    """What ended a program: its kind ("memory", "import", "assertion" or "other") and a line for people.

    The traceback goes to standard error. The error may be of a class of the program's own: nothing it does here gets out.
    """
    try:
        lines = source.decode("utf-8", "replace").splitlines(keepends=True)
        linecache.cache[FILE] = (len(source), None, lines, FILE)
        traceback.print_exception(error, limit=-_FRAMES_SHOWN)
        text = f"{type(error).__name__}: {error}"[:_LONGEST_TEXT]
    except BaseException:  # noqa: BLE001  (the program's own __str__ may raise anything)
        text = "an error that cannot be shown"
    own = type(error)  # not what it says it is
    return [next((kind for kind, base in _KINDS.items() if issubclass(own, base)), "other"), text]
