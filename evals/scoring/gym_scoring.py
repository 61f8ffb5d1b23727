"""Asks a Reasoning Gym scorer. Runs in a sealed child of the sandbox only, because some scorers execute the answer.

Entries come as JSON, which knows no tuples; the scorers of the ARC data sets compare grids of tuples, so there they are put
back.
"""

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["score", "warm_up"]

_OF_TUPLES = ("arc_agi", "rearc")
_loaded: dict[str, Callable[[str, dict[str, Any]], float]] = {}  # one a data set, for the life of the helper process


def warm_up(dataset: str) -> None:
    """Load the scorer of a data set and all that it imports late, by letting it judge an item of its own making."""
    from reasoning_gym.factory import create_dataset  # noqa: PLC0415 - seconds, and an extra

    data = create_dataset(dataset, size=1, seed=0)
    entry = data[0]
    _loaded[dataset] = data.score_answer
    _loaded[dataset](entry["answer"] or "0", entry)


def score(arguments: Mapping[str, Any]) -> float:
    """The score of an answer, from 0 to 1. `arguments` are the `answer`, the `entry` and, as `warm`, the data set's name."""
    dataset, entry = arguments["warm"], arguments["entry"]
    if dataset in _OF_TUPLES:
        entry = {**entry, "metadata": _tuples(entry["metadata"])}
    return float(_loaded[dataset](arguments["answer"], entry))


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(each) for each in value)
    return {name: _tuples(each) for name, each in value.items()} if isinstance(value, dict) else value
