"""The layout of a code problem, and the checks that a row of it passes before anything is run.

| key | what it holds |
|---|---|
| id | text or an integer, different for every problem |
| question | the statement |
| style | stdin: a program that reads and writes; functional: a function of JSON values; assert: one with asserts |
| function | functional, assert: its name; in functional also a method of a class `Solution` |
| starter_code | functional, assert, optional: how the code begins, shown to the model |
| setup | assert, optional: code that is run before the asserts and before the program, helpers or imports |
| tolerance | stdin, functional, optional: floats may be off by this much, absolute or relative |
| limits | optional: `seconds` of processor time a test (6), `memory_mb` (2048) |
| groups | optional: properties, such as a difficulty, by which accuracy is also given |
| tests | at least one; `"public": true` for those that the model may see |
| solutions | optional: anything; never shown to the model |

A test is `{"input", "output"}` for stdin, `{"arguments": [...], "result"}` for functional, `{"assert": "assert f(1) == 2"}`
for assert, where the code may also define `check(candidate)`, which is then called with the function.
"""

import ast
import json
import keyword
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from rsa.errors import UsageError
from rsa.text import did_you_mean

__all__ = ["AssertRow", "CodeRow", "FunctionalRow", "PlainText", "StdinRow", "checked_row"]

_SHOWN_ERRORS = 3


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:  # such a text fits into no file
        raise ValueError("holds half of a surrogate pair") from error
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    return text


def _name(text: str) -> str:
    if not text.isidentifier() or keyword.iskeyword(text):
        raise ValueError("is not the name of a Python function")
    return text


def _python(text: str) -> str:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ValueError(f"is not Python: {error}") from error
    return text


def _comparable(value: Any) -> Any:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:  # NaN is equal to nothing, and half surrogates fit into no file
        raise ValueError(f"is not plain JSON: {error}") from error
    return value


PlainText = Annotated[str, AfterValidator(_whole)]
"""Text that can be written to a file."""
_Text = Annotated[PlainText, AfterValidator(_not_blank)]
_Name = Annotated[PlainText, AfterValidator(_name)]
_Python = Annotated[_Text, AfterValidator(_python)]
_Json = Annotated[JsonValue, AfterValidator(_comparable)]
_Arguments = Annotated[list[JsonValue], AfterValidator(_comparable)]
_Tolerance = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Test(_Strict):
    public: bool = False


class _StdinTest(_Test):
    input: PlainText
    output: PlainText


class _FunctionTest(_Test):
    arguments: _Arguments
    result: _Json


class _AssertTest(_Test):
    code: _Python = Field(alias="assert")


class _Limits(_Strict):
    seconds: float | None = Field(None, gt=0, le=3600)
    memory_mb: int | None = Field(None, gt=0)


class _Row(_Strict):
    id: _Text | int
    question: _Text
    limits: _Limits | None = None
    groups: dict[PlainText, PlainText] = Field(default_factory=dict)
    solutions: Any = None


class StdinRow(_Row):
    """A problem for a program that reads standard input and writes standard output."""

    style: Literal["stdin"]
    tests: list[_StdinTest] = Field(min_length=1)
    tolerance: _Tolerance | None = None


class FunctionalRow(_Row):
    """A problem for a function whose arguments and result are JSON values."""

    style: Literal["functional"]
    function: _Name
    starter_code: _Text | None = None
    tests: list[_FunctionTest] = Field(min_length=1)
    tolerance: _Tolerance | None = None


class AssertRow(_Row):
    """A problem for a function that Python asserts are made about."""

    style: Literal["assert"]
    function: _Name
    starter_code: _Text | None = None
    setup: _Python | None = None
    tests: list[_AssertTest] = Field(min_length=1)


CodeRow = StdinRow | FunctionalRow | AssertRow
_STYLES: Mapping[str, type[_Row]] = {"stdin": StdinRow, "functional": FunctionalRow, "assert": AssertRow}
_ADAPTER: TypeAdapter[CodeRow] = TypeAdapter(Annotated[CodeRow, Field(discriminator="style")])


def checked_row(row: Mapping[str, Any], where: str) -> CodeRow:
    """The row, checked. Raises `UsageError` that names `where` and the key of what is wrong."""
    try:
        return _ADAPTER.validate_python(dict(row))
    except ValidationError as failure:
        messages = [f"{where}: {_message(error, row)}" for error in failure.errors(include_url=False)[:_SHOWN_ERRORS]]
    raise UsageError("\n".join(messages))


def _message(error: Any, row: Mapping[str, Any]) -> str:
    kind = error["type"]
    if kind == "union_tag_not_found":
        return "style is missing: stdin, functional or assert"
    if kind == "union_tag_invalid":
        return f"style: {row['style']!r} is none of stdin, functional, assert"
    location = [str(part) for part in error["loc"][1:]]  # the first part is the style
    key = ".".join(location)
    if kind == "missing":
        return f"{key} is missing"
    if kind == "extra_forbidden":
        fields = _STYLES[row["style"]].model_fields if len(location) == 1 else ()
        return f"unknown key {key!r} for style {row['style']}{did_you_mean(location[-1], fields)}"
    told = str(error["msg"]).removeprefix("Value error, ")
    return f"{key}: {told} (given: {error['input']!r:.80})"
