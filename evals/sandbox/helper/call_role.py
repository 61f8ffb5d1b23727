"""A trusted function on hostile arguments: what it does with them happens in here."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from . import program
from .descriptors import RESULTS

__all__ = ["run"]


def run(function: Callable[[Mapping[str, Any]], Any], arguments: bytes) -> None:
    """Call the function with the arguments, a JSON object; the row has its result, a JSON value, or the error."""
    program.open_streams()
    try:
        row = json.dumps({"test": 0, "value": function(json.loads(arguments))})
    except BaseException as failure:  # noqa: BLE001  (the arguments may make it raise anything)
        row = json.dumps({"test": 0, "error": program.described(failure, b"")})
    program.write_all(RESULTS, row.encode() + b"\n")
