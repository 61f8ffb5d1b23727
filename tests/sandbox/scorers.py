"""Trusted functions that do what their arguments say, as scorers do that execute an answer."""

from typing import Any

warmed: list[Any] = []


def warm_up(name: Any) -> None:
    if name == "no such thing":
        raise LookupError(name)
    warmed.append(name)


def evaluate(arguments: Any) -> Any:
    return eval(arguments["expression"])


def what_is_warm(arguments: Any) -> Any:
    return warmed
