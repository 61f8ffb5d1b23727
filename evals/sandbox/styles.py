"""What is particular to each style of tests: what the child gets, and what its rows mean."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from evals.sandbox.comparison import canonical_output, canonical_value, first_difference, same_value
from evals.sandbox.files import JobFiles
from evals.sandbox.findings import Finding, after_error, readable
from evals.sandbox.helper.packing import pack
from evals.sandbox.suites import AssertSuite, FunctionSuite, StdinSuite, Suite
from evals.sandbox.verdicts import Limits, Outcome

__all__ = ["Style", "style_of"]

_ROW = 1 << 16
_CANONICAL = 1 << 20  # longer outputs vote by their bytes, longer results not at all


class Style(Protocol):
    """A style of tests. When not judging, every proper answer is right, and the finding has its canonical text.

    `role` is the helper's name for it, `size` the number of tests, `longest_rows` are bytes beyond which a row cannot be
    right. With `judged_by_output`, a program that was alone and ended in order needs no row: all its output counts.
    """

    role: str
    size: int
    longest_rows: list[int]
    judged_by_output: bool

    def block(self, tests: Sequence[int]) -> bytes:
        """The tests as the child gets them."""

    def read(self, test: int, row: Mapping[str, Any], files: JobFiles, /) -> Finding:
        """What a row says."""


def style_of(suite: Suite, limits: Limits, judging: bool) -> Style:
    """The style of a suite."""
    if isinstance(suite, StdinSuite):
        return _Stdin(suite, limits, judging)
    return _Function(suite, judging) if isinstance(suite, FunctionSuite) else _Asserts(suite, judging)


class _Stdin:
    role = "stdio"
    judged_by_output = True

    def __init__(self, suite: StdinSuite, limits: Limits, judging: bool) -> None:
        self.size = len(suite.tests)
        self.longest_rows = [_ROW] * self.size
        self._suite = suite
        self._limit = limits.output
        self._judging = judging

    def block(self, tests: Sequence[int]) -> bytes:
        return pack(self._suite.tests[test].input for test in tests)

    def read(self, test: int, row: Mapping[str, Any], files: JobFiles, /) -> Finding:
        start, end = row.get("start"), row.get("end")
        if type(start) is not int or type(end) is not int or not 0 <= start <= end:
            return Finding(Outcome.RUNTIME_ERROR, "a malformed result", settled=False)
        if files.output.size >= self._limit:
            return Finding(Outcome.OUTPUT_LIMIT, f"more than {self._limit:,} bytes", settled=False)
        if row.get("error") is not None:
            return after_error(row["error"])
        return self._compare(test, start, end, files)

    def _compare(self, test: int, start: int, end: int, files: JobFiles) -> Finding:
        expected = self._suite.tests[test].output
        longest = 4 * len(expected.encode("utf-8", "surrogatepass")) + _ROW if self._judging else self._limit
        if end - start > longest:
            return Finding(Outcome.WRONG_ANSWER, f"{end - start:,} bytes of output, far more than expected")
        got = files.output.read(start, end).decode("utf-8", "surrogateescape")
        if not self._judging:
            return Finding(Outcome.SOLVED, answer=canonical_output(got) if len(got) < _CANONICAL else got)
        difference = first_difference(got, expected, self._suite.tolerance)
        return Finding(Outcome.SOLVED) if difference is None else Finding(Outcome.WRONG_ANSWER, readable(difference))


class _Function:
    role = "function"
    judged_by_output = False

    def __init__(self, suite: FunctionSuite, judging: bool) -> None:
        self.size = len(suite.tests)
        self.longest_rows = [8 * len(json.dumps(test.result)) + _ROW if judging else _CANONICAL for test in suite.tests]
        self._suite = suite
        self._judging = judging

    def block(self, tests: Sequence[int]) -> bytes:
        return pack([self._suite.function, *(json.dumps(self._suite.tests[test].arguments) for test in tests)])

    def read(self, test: int, row: Mapping[str, Any], _files: JobFiles, /) -> Finding:
        if "too_long" in row:
            return Finding(
                Outcome.WRONG_ANSWER if self._judging else Outcome.RUNTIME_ERROR, "a far larger result than expected"
            )
        if "value" not in row:
            return after_error(row.get("error"))
        try:
            if not self._judging:
                return Finding(Outcome.SOLVED, answer=canonical_value(row["value"]))
            if same_value(row["value"], self._suite.tests[test].result, self._suite.tolerance):
                return Finding(Outcome.SOLVED)
        except RecursionError:  # nested too deep for anything that was expected
            pass
        return Finding(Outcome.WRONG_ANSWER, readable(f"returned {json.dumps(row['value'])[:120]}"))


class _Asserts:
    role = "asserts"
    judged_by_output = False

    def __init__(self, suite: AssertSuite, judging: bool) -> None:
        self.size = len(suite.tests)
        self.longest_rows = [_ROW] * self.size
        self._suite = suite
        self._judging = judging

    def block(self, tests: Sequence[int]) -> bytes:
        return pack([self._suite.function, self._suite.setup, *(self._suite.tests[test] for test in tests)])

    def read(self, _test: int, row: Mapping[str, Any], _files: JobFiles, /) -> Finding:
        error = row.get("error", "no verdict")  # only an explicit null says that the test passes
        if error is None:
            return Finding(Outcome.SOLVED, answer="passes")
        finding = after_error(error)
        if not self._judging and finding.outcome is Outcome.WRONG_ANSWER:
            return Finding(Outcome.SOLVED, answer="fails")
        return finding
