"""A row of a LiveCodeBench file by its place, and the tests in it.

The published files hold gigabytes of tests. A problem keeps only where its row lies; the row is read again when an answer to
it is judged, and its hash says whether it is still the same.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.tasks.code.private_tests import DecodingError, decoded_tests
from rsa.errors import UsageError

__all__ = ["place_of", "tests_at"]


def place_of(file: Path, offset: int, line: bytes) -> dict[str, Any]:
    """Where a row lies: its file, its offset and length in bytes, and the SHA-256 of these bytes."""
    return {"file": str(file), "offset": offset, "length": len(line), "sha256": hashlib.sha256(line).hexdigest()}


def tests_at(place: Mapping[str, Any], style: str, *, public_only: bool) -> list[dict[str, Any]]:
    """The tests of the row at a place, in this project's layout, the public ones first.

    Raises `UsageError` that names the file if it was moved or changed, or if the tests in it cannot be read.
    """
    row = json.loads(_line_at(place))
    where = f"{place['file']}, question {row.get('question_id')!r}"
    tests = [_test(test, style, where, public=True) for test in _decoded(row, "public_test_cases", where)]
    if not public_only:
        tests += [_test(test, style, where, public=False) for test in _decoded(row, "private_test_cases", where)]
        if not tests:
            raise UsageError(f"{where} has no tests")
    return tests


def _line_at(place: Mapping[str, Any]) -> bytes:
    remedy = "put the file back as it was when the run started, or start a new run"
    try:
        with Path(place["file"]).open("rb") as file:
            file.seek(place["offset"])
            line = file.read(place["length"])
    except OSError as error:
        raise UsageError(f"the tests in {place['file']} cannot be read ({error.strerror}): {remedy}") from error
    if hashlib.sha256(line).hexdigest() != place["sha256"]:
        raise UsageError(f"the tests in {place['file']} have changed since the problems were read: {remedy}")
    return line


def _decoded(row: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    try:
        return decoded_tests(row[key])
    except KeyError as error:
        raise UsageError(f"{where}: {key} is missing") from error
    except DecodingError as error:
        raise UsageError(f"{where}: {key}: {error}") from error


def _test(test: Mapping[str, Any], style: str, where: str, *, public: bool) -> dict[str, Any]:
    if style == "stdin":
        return {"input": test["input"], "output": test["output"], "public": public}
    try:
        arguments = [json.loads(line) for line in test["input"].split("\n") if line.strip()]
        return {"arguments": arguments, "result": json.loads(test["output"]), "public": public}
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: a test of its function is not one JSON value a line: {error}") from error
