"""A program whose function is called once for every test. Arguments come in and results go out as plain data."""

import json
import os
from typing import Any

from . import program
from .descriptors import PROGRESS, RESULTS
from .encoding import encode
from .packing import unpack

__all__ = ["run"]


def run(source: bytes, tests: bytes, spaces: program.Globals) -> None:
    """Run the program, then call its function with each test's arguments; a row a test has the result or the error.

    The function is a method of a class `Solution`, of which each test gets an instance, or else a plain one.
    """
    function, *arguments = unpack(tests)
    program.open_streams()
    space = spaces.fresh("solution")
    try:
        exec(compile(source, program.FILE, "exec", dont_inherit=True), space)  # noqa: S102  (this is what the sandbox is for)
    except BaseException as failure:  # noqa: BLE001  (whatever a program raises is its own)
        error = program.described(failure, source)
        program.append_row(RESULTS, {"test": 0, "error": error})
        os.write(PROGRESS, b".")
        return
    for number, text in enumerate(arguments):
        program.append_row(RESULTS, {"test": number, **_answer(space, function.decode(), text, source)})
        os.write(PROGRESS, b".")


def _answer(space: dict[str, Any], function: str, arguments: bytes, source: bytes) -> dict[str, Any]:
    try:
        called = getattr(space["Solution"](), function) if "Solution" in space else space[function]
        return {"value": encode(called(*json.loads(arguments)))}
    except BaseException as failure:  # noqa: BLE001  (whatever a program raises is its own)
        return {"error": program.described(failure, source)}
