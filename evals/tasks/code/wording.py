"""What a model is asked: the statement, the examples that it lacks, how the code begins, and in which form it is wanted."""

import re
from collections.abc import Sequence

from evals.tasks.rows import instruction_for

__all__ = ["Example", "asked", "call_text"]

Example = tuple[str, str] | str
"""Input and output of a program, or a line about a function: a call with its result, or an assert."""
_CLASS = re.compile(r"^\s*class\s+Solution\b", re.MULTILINE)


def asked(
    statement: str,
    examples: Sequence[Example],
    function: str | None,
    starter: str | None = None,
    instruction: str | None = None,
) -> str:
    """The whole question. `function` is None for a program that reads and writes.

    Only examples that the statement does not show word for word are added. `instruction` is the last sentence (None: the
    usual one, empty: none).
    """
    shown = [example for example in examples if not _has(statement, example)]
    parts = [statement.strip("\n"), _examples(shown), _task(function, starter)]
    parts.append(instruction_for("code") if instruction is None else instruction)
    return "\n\n".join(part for part in parts if part)


def call_text(function: str, arguments: Sequence[object]) -> str:
    """A call as it would be written in Python."""
    return f"{function}({', '.join(map(repr, arguments))})"


def _has(statement: str, example: Example) -> bool:
    """Whether every part of an example stands in the statement as lines of its own, however indented."""
    lines = _lines(statement)
    parts = example if isinstance(example, tuple) else (example,)
    return all(f"\n{_lines(part)}\n" in f"\n{lines}\n" for part in parts)


def _lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().split("\n"))


def _examples(examples: Sequence[Example]) -> str:
    parts = []
    for number, example in enumerate(examples, 1):
        if isinstance(example, tuple):
            parts.append(f"Example {number}, input:\n\n{_fenced(example[0])}\n\nOutput:\n\n{_fenced(example[1])}")
    lines = [example for example in examples if isinstance(example, str)]
    if lines:
        parts.append("Examples:\n\n" + _fenced("\n".join(line.strip("\n") for line in lines)))
    return "\n\n".join(parts)


def _fenced(text: str, language: str = "") -> str:
    return f"```{language}\n{text.strip(chr(10)).rstrip()}\n```"


def _task(function: str | None, starter: str | None) -> str:
    if function is None:
        return "Write a Python program that reads the input from standard input and writes the answer to standard output."
    if starter is None:
        return f"Write a Python function with the name `{function}`."
    what = "class `Solution` with the method" if _CLASS.search(starter) else "function"
    return f"Write the Python {what} `{function}`. This is how it begins:\n\n{_fenced(starter, 'python')}"
