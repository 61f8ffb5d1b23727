"""Calls of a trusted function on hostile arguments."""

import json
from typing import Any, Literal

from evals.sandbox.files import JobFiles
from evals.sandbox.findings import after_ending, after_error, readable
from evals.sandbox.server import ForkServer
from evals.sandbox.verdicts import CallResult, Limits, Outcome

__all__ = ["result_of_call"]

_STATUS: dict[Outcome, Literal["time_limit", "memory_limit", "sandbox_error"]] = {
    Outcome.TIME_LIMIT: "time_limit",
    Outcome.MEMORY_LIMIT: "memory_limit",
    Outcome.SANDBOX_ERROR: "sandbox_error",
}


def result_of_call(server: ForkServer, arguments: bytes, warm: Any, limits: Limits) -> CallResult:
    """Call the function that the server is for. `seconds` is left to the caller. Raises `ServerDied`."""
    with JobFiles(arguments) as files:
        ending = server.run("call", files, limits, warm=warm)
        size = files.results.size
        if size > limits.output:
            return CallResult("error", None, f"a result of {size:,} bytes", 0.0)
        try:
            row = json.loads(files.results.read(0, size))
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict) and "value" in row and ending.codes == (0,):
            return CallResult("ok", row["value"], "", 0.0)
        finding = (
            after_error(row["error"]) if isinstance(row, dict) and "error" in row else after_ending(ending, limits, 1, files)
        )
        return CallResult(_STATUS.get(finding.outcome, "error"), None, readable(finding.detail), 0.0)
