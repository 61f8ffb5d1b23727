"""Assert tests, the tester's half: runs the data set's asserts, with the candidate's functions on the other end of a pipe.

What the candidate sends is decoded into built-in types, so none of its code runs here, where the verdict is made. An object
of a class of its own is a `_Remote`: it can be called and have its attributes read, but asking whether it equals something
fails the test, for that would ask the candidate for the verdict.
"""

import ast
import builtins
import os
from collections.abc import Callable, Mapping
from typing import Any

from . import program, rpc
from .descriptors import ANSWERED, ASKED, PROGRESS, RESULTS
from .encoding import decode, encode
from .packing import unpack

__all__ = ["run"]

_LONGEST_TEXT = 300


class _ProgramFailed(Exception):
    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class _NotComparable(Exception):
    pass


def run(source: bytes, tests: bytes, spaces: program.Globals) -> None:
    """Run each test in a namespace of its own, with the data set's own helpers and the candidate's functions in it."""
    del source  # the other half's
    function, setup, *bodies = [piece.decode("utf-8", "replace") for piece in unpack(tests)]
    program.open_streams()
    offered = _first_message()
    for number, body in enumerate(bodies):
        error = offered if isinstance(offered, list) else _run_test(function, setup, body, offered, spaces.names)
        program.append_row(RESULTS, {"test": number, "error": error})
        os.write(PROGRESS, b".")


def _first_message() -> set[str] | list[str]:
    """The names that the candidate defines, or what ended it."""
    try:
        message = rpc.receive(ANSWERED)
        return _clipped(message["error"]) if "error" in message else set(map(str, message["names"]))
    except (EOFError, OSError):
        return ["other", "the program ended before it could be called"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return ["other", "the program answered with a malformed message"]


def _clipped(error: Any) -> list[str]:
    """An error as the candidate describes it, in the form that it must have and no longer."""
    kind, text = error
    return [kind if kind in ("memory", "import", "assertion") else "other", str(text)[:_LONGEST_TEXT]]


def _run_test(function: str, setup: str, body: str, offered: set[str], names: Mapping[str, Any]) -> list[str] | None:
    try:
        tree = ast.parse(body)
        space = {**names, "__name__": "tests", "__builtins__": builtins}
        exec(setup, space)  # noqa: S102  (the data set's own helpers)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for name in used & offered:
            if name not in space and not hasattr(builtins, name):
                space[name] = _proxy(name)
        space[function] = _proxy(function)  # even where the setup has a stub of that name
        exec(compile(tree, "tests", "exec"), space)  # noqa: S102  (the data set's own asserts)
        if any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in tree.body):
            space["check"](space[function])
    except _ProgramFailed as failure:
        return [failure.kind, str(failure)]
    except (AssertionError, _NotComparable) as failure:
        return ["assertion", str(failure)[:_LONGEST_TEXT] or "the assertion is false"]
    except BaseException as failure:  # noqa: BLE001  (asserts fail in as many ways as the values they look at)
        return program.described(failure, body.encode("utf-8", "replace"))
    return None


def _proxy(name: str) -> Callable[..., Any]:
    def called(*arguments: Any, **keywords: Any) -> Any:
        return _ask({"name": name, **_packed(arguments, keywords)})

    called.__name__ = name
    return called


def _packed(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    return {
        "arguments": [encode(argument, _reference) for argument in arguments],
        "keywords": {name: encode(argument, _reference) for name, argument in keywords.items()},
    }


def _reference(value: Any) -> Any:
    return {"h": value.number_} if type(value) is _Remote else {"o": type(value).__name__}


def _ask(question: dict[str, Any]) -> Any:
    try:
        rpc.send(ASKED, question)
        answer = rpc.receive(ANSWERED)
        if "error" not in answer:
            return decode(answer["value"], lambda number: _Remote(int(number)))
        kind, text = _clipped(answer["error"])
    except (EOFError, OSError):
        raise _ProgramFailed("other", "the program ended while it was called") from None
    except (ValueError, RecursionError, TypeError, KeyError, IndexError, ArithmeticError):
        raise _ProgramFailed("other", "the program answered with a malformed message") from None
    name = str(answer.get("type"))
    raise _as_raised(name, kind, text.removeprefix(f"{name}: "))


def _as_raised(name: str, kind: str, text: str) -> Exception:
    """The candidate's error as its test may expect it: a built-in one, but never the assertion that a test itself makes."""
    error = getattr(builtins, name, None)
    if isinstance(error, type) and issubclass(error, Exception) and kind == "other":
        try:
            return error(text)
        except TypeError:  # some, such as UnicodeDecodeError, want more than a text
            pass
    return _ProgramFailed("other" if kind == "assertion" else kind, text)


class _Remote:
    """An object that lives in the candidate."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, number: int) -> None:
        self.number_ = number

    def __getattr__(self, name: str) -> Any:
        return _ask({"object": self.number_, "attribute": name})

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return _ask({"object": self.number_, **_packed(arguments, keywords)})

    def __eq__(self, other: object) -> bool:
        raise _NotComparable("the program returned an object that is not plain data, and the test compares it")
