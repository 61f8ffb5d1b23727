"""Scorers of Reasoning Gym, loaded by name; the package takes seconds to import."""

from collections.abc import Mapping
from typing import Any

from reasoning_gym import get_score_answer_fn

scorers: dict[str, Any] = {}


def warm_up(dataset: str) -> None:
    scorers[dataset] = get_score_answer_fn(dataset)


def score(arguments: Mapping[str, Any]) -> float:
    return float(scorers[arguments["warm"]](arguments["answer"], arguments["entry"]))
