"""A program that reads standard input and writes standard output, once for every test, in one process.

Every test finds fresh globals, streams and exit handlers. What a program breaks beyond that (a patched module, a closed
descriptor) can only make a later test fail, and a test that fails among others is run again in a process of its own.
"""

import os
import sys
from io import TextIOWrapper
from typing import Any

from . import program
from .descriptors import INPUT_AGAIN, OUTPUT_AGAIN, PROGRESS, RESULTS
from .packing import unpack

__all__ = ["run"]


def run(source: bytes, tests: bytes, spaces: program.Globals) -> None:
    """Run all tests. A row a test says which part of the output is its own, and what error ended it, if one did."""
    inputs = unpack(tests)
    code: Any = None
    for number, text in enumerate(inputs):
        _refill(text)
        start = os.lseek(OUTPUT_AGAIN, 0, os.SEEK_END)
        output = program.open_streams()
        error = None
        try:
            code = code or compile(source, program.FILE, "exec", dont_inherit=True)
            exec(code, spaces.fresh("__main__"))  # noqa: S102  (this is what the sandbox is for)
        except SystemExit as stop:
            error = _of_exit(stop)
        except BaseException as failure:  # noqa: BLE001  (whatever a program raises is its own)
            error = program.described(failure, source)
        error = _wind_up(source, output) or error
        _report({"test": number, "start": start, "error": error})


def _refill(text: bytes) -> None:
    """Put the next input on descriptor 0, even if the program before closed it."""
    os.dup2(INPUT_AGAIN, 0)
    os.dup2(OUTPUT_AGAIN, 1)
    os.ftruncate(0, 0)
    os.lseek(0, 0, os.SEEK_SET)
    program.write_all(0, text)
    os.lseek(0, 0, os.SEEK_SET)


def _of_exit(stop: SystemExit) -> list[str] | None:
    status = 0 if stop.code is None else stop.code if type(stop.code) is int else 1
    return ["other", f"exit status {status & 0xFF}"] if status & 0xFF else None


def _report(row: dict[str, Any]) -> None:
    try:
        program.append_row(RESULTS, {**row, "end": os.lseek(OUTPUT_AGAIN, 0, os.SEEK_END)})
        os.write(PROGRESS, b".")
    except OSError:  # the program closed them: how it ends and what it wrote has to do
        os._exit(1 if row["error"] else 0)


def _wind_up(source: bytes, output: TextIOWrapper) -> list[str] | None:
    """What Python does when a program ends. The program may have put another stream in the place of its first one."""
    try:
        program.join_threads()
        program.run_exit_handlers()
        for stream in (sys.stdout, output):
            if stream is not None and not stream.closed:
                stream.flush()
    except BaseException as failure:  # noqa: BLE001  (streams, threads and handlers are the program's own by now)
        return program.described(failure, source)
    return None
