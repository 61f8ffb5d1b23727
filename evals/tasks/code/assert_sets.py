"""HumanEval and MBPP: rows as they are published, to problems that Python asserts decide."""

import ast
import builtins
from collections.abc import Iterable, Sequence

from evals.problems import Problem
from evals.tasks.code.layout import code_problem, refuse_double
from evals.tasks.files import Row
from evals.tasks.hub import HubSource
from rsa.errors import UsageError

__all__ = ["HUMANEVAL", "MBPP", "humaneval_problems", "mbpp_problems"]

HUMANEVAL = HubSource("openai/openai_humaneval", revision="7dce6050a7d6d172f3cc5c32aa97f52fa1a2e544", split="test")
"""164 problems, MIT."""
MBPP = HubSource(
    "google-research-datasets/mbpp", revision="4bb6404fdc6cacfda99d4ac4205087b89d32030c", split="test", subset="sanitized"
)
"""The 257 test problems of the sanitized part, CC BY 4.0; its subset `full` has 500."""


def humaneval_problems(rows: Iterable[Row], source: str = "HumanEval", instruction: str | None = None) -> list[Problem]:
    """Problems of rows with `task_id`, `prompt`, `entry_point` and `test`. Raises `UsageError` naming the row.

    What the prompt holds besides the function to write, its imports and helpers, is there for the program and for the tests.
    """
    problems = []
    for number, row in enumerate(rows, 1):
        where = f"data: {source}, row {number}"
        name, prompt = _text(row, "entry_point", where), _text(row, "prompt", where)
        setup = _without(prompt, name, where)
        layout = {
            "id": _text(row, "task_id", where),
            "question": "What the function has to do is said in its docstring.",
            "style": "assert",
            "function": name,
            "starter_code": prompt,
            **({"setup": setup} if setup else {}),
            "tests": [{"assert": _text(row, "test", where)}],
        }
        problems.append(code_problem(layout, where, instruction))
    refuse_double(problems, source)
    return problems


def mbpp_problems(rows: Iterable[Row], source: str = "MBPP", instruction: str | None = None) -> list[Problem]:
    """Problems of rows of either part: `prompt` or `text`, `code`, `test_list`; `test_imports` or `test_setup_code`.

    The asserts are shown to the model, as is usual, because nothing else says what the function is called. Raises
    `UsageError` naming the row.
    """
    problems = []
    for number, row in enumerate(rows, 1):
        where = f"data: {source}, row {number}"
        asserts = _asserts(row, where)
        imports = "\n".join(row.get("test_imports") or ())
        layout = {
            "id": str(row.get("task_id", number)),
            "question": _text(row, "prompt" if "prompt" in row else "text", where),
            "style": "assert",
            "function": _function(row, asserts, where),
            **({"setup": imports} if imports else {}),
            "tests": [{"assert": text, "public": True} for text in asserts],
        }
        problems.append(code_problem(layout, where, instruction))
    refuse_double(problems, source)
    return problems


def _text(row: Row, key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: {key} is missing or blank")
    return value


def _tree(text: str, where: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not Python: {error}") from error


def _without(prompt: str, name: str, where: str) -> str:
    """What of a prompt is not the function that is to be written, which would stand in for the program's own."""
    rest = [node for node in _tree(prompt, f"{where}: prompt").body if getattr(node, "name", None) != name]
    return "\n\n".join(map(ast.unparse, rest))


def _asserts(row: Row, where: str) -> Sequence[str]:
    """The tests. Code that prepares values for them may use the program's own names, so that it belongs to each of them."""
    tests = row.get("test_list")
    if not isinstance(tests, Sequence) or isinstance(tests, str) or not tests:
        raise UsageError(f"{where}: test_list is missing or empty")
    preparation = str(row.get("test_setup_code") or "").strip()
    return [f"{preparation}\n{test}".strip() for test in tests]


def _function(row: Row, asserts: Sequence[str], where: str) -> str:
    """The function that the tests call: one that the published solution defines, or else the first that is not built in."""
    tree = _tree("\n".join(asserts), f"{where}: test_list")
    called = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    solution = _tree(_text(row, "code", where), f"{where}: code").body
    defined = {node.name for node in solution if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names = [name for name in called if name in defined] or [name for name in called if not hasattr(builtins, name)]
    if not names:
        raise UsageError(f"{where}: test_list calls no function of its own")
    return names[0]
