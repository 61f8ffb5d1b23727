"""From a row to a problem, and from a problem's `extra` to the tests that its scorer needs.

`schema` says what a row holds. `extra` is the row without the solutions and without what only the question is made of. For
LiveCodeBench it has, instead of the tests, the place in a file where they are, so that no run holds gigabytes of them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evals.problems import Problem
from evals.sandbox import AssertSuite, FunctionSuite, FunctionTest, Limits, StdinSuite, StdinTest, Suite
from evals.tasks.code.schema import CodeRow, FunctionalRow, StdinRow, checked_row
from evals.tasks.code.source import tests_at
from evals.tasks.code.wording import Example, asked, call_text
from rsa.errors import UsageError

__all__ = ["code_problem", "code_problems", "limits", "program", "public_suite", "refuse_double", "suite"]

_OF_THE_QUESTION = {"id", "question", "starter_code", "groups", "solutions"}
_FUTURE = re.compile(r"^from __future__ import .*$", re.MULTILINE)


def code_problems(rows: Iterable[Mapping[str, Any]], source: str, instruction: str | None = None) -> list[Problem]:
    """The problems of rows in this project's layout. Raises `UsageError` naming the row and key of what is wrong."""
    problems = [code_problem(row, f"data: {source}, row {number}", instruction) for number, row in enumerate(rows, 1)]
    refuse_double(problems, source)
    return problems


def code_problem(row: Mapping[str, Any], where: str, instruction: str | None = None) -> Problem:
    """One problem. `where` begins every message; `instruction` ends the question (None: the usual one, empty: none)."""
    checked = checked_row(row, where)
    function = None if isinstance(checked, StdinRow) else checked.function
    starter = None if isinstance(checked, StdinRow) else checked.starter_code
    question = asked(checked.question, _examples(checked), function, starter, instruction)
    extra = checked.model_dump(mode="json", by_alias=True, exclude=_OF_THE_QUESTION, exclude_unset=True)
    return Problem(str(checked.id), question, (), "code", (), checked.groups, extra)


def refuse_double(problems: Sequence[Problem], source: str) -> None:
    """Raises `UsageError` if two problems have the same id."""
    double = [name for name, count in Counter(problem.id for problem in problems).items() if count > 1]
    if double:
        raise UsageError(f"data: {source}: the id {double[0]!r} stands for more than one problem")


def _examples(row: CodeRow) -> list[Example]:
    if isinstance(row, StdinRow):
        return [(test.input, test.output) for test in row.tests if test.public]
    if isinstance(row, FunctionalRow):
        tests = [test for test in row.tests if test.public]
        return [f"{call_text(row.function, test.arguments)} returns {test.result!r}" for test in tests]
    return [test.code for test in row.tests if test.public]


def program(extra: Mapping[str, Any], answer: str) -> str:
    """The program to judge: the model's answer, with the problem's setup before it if there is one."""
    setup = extra.get("setup")
    if not setup:
        return answer
    future = "".join(f"{line}\n" for line in _FUTURE.findall(answer))  # must stay the first statements
    return f"{future}{setup}\n{_FUTURE.sub('', answer)}"


def suite(extra: Mapping[str, Any]) -> Suite:
    """All tests of a problem. Raises `UsageError` if they lie in a file that was moved or changed."""
    return _suite(extra, _tests(extra, public_only=False))


def public_suite(extra: Mapping[str, Any]) -> Suite | None:
    """The tests that the model may see; None if there are none. Raises `UsageError` as `suite` does."""
    tests = [test for test in _tests(extra, public_only=True) if test.get("public")]
    return _suite(extra, tests) if tests else None


def limits(extra: Mapping[str, Any]) -> Limits:
    """What a program may use: the sandbox's usual limits, unless the problem has its own."""
    own, allowed = extra.get("limits") or {}, Limits()
    if own.get("seconds"):
        wall = own["seconds"] * allowed.wall / allowed.cpu
        allowed = replace(allowed, cpu=own["seconds"], wall=wall, total=max(allowed.total, wall))
    if own.get("memory_mb"):
        allowed = replace(allowed, memory=own["memory_mb"] << 20)
    return allowed


def _tests(extra: Mapping[str, Any], *, public_only: bool) -> Sequence[Mapping[str, Any]]:
    tests: Sequence[Mapping[str, Any]] = (
        tests_at(extra["source"], extra["style"], public_only=public_only) if "source" in extra else extra["tests"]
    )
    return tests


def _suite(extra: Mapping[str, Any], tests: Sequence[Mapping[str, Any]]) -> Suite:
    if extra["style"] == "stdin":
        return StdinSuite(tuple(StdinTest(test["input"], test["output"]) for test in tests), extra.get("tolerance"))
    if extra["style"] == "functional":
        calls = tuple(FunctionTest(tuple(test["arguments"]), test["result"]) for test in tests)
        return FunctionSuite(extra["function"], calls, extra.get("tolerance"))
    return AssertSuite(extra["function"], tuple(test["assert"] for test in tests), extra.get("setup") or "")
