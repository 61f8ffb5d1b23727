"""The shipped code problems: the default where there is no network, and the sandbox's test bed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evals.problems import Problem
from evals.tasks.code.layout import code_problem

__all__ = ["SampleSolution", "load_code_sample", "sample_solutions"]

_FOLDER = Path(__file__).parents[2] / "data" / "code_sample"


@dataclass(frozen=True, slots=True)
class SampleSolution:
    """A program for a shipped problem, and how the sandbox judges it: solved, wrong_answer, time_limit or runtime_error."""

    problem: str
    program: str
    outcome: str


def load_code_sample(instruction: str | None = None) -> list[Problem]:
    """All problems, by name. The solutions are in no part of them."""
    return [code_problem(row, f"{row['id']}.yaml", instruction) for row in _rows()]


def sample_solutions() -> list[SampleSolution]:
    """For every problem its reference solution and some wrong ones."""
    solutions = []
    for row in _rows():
        solutions.append(SampleSolution(row["id"], row["solutions"]["reference"], "solved"))
        solutions += [SampleSolution(row["id"], wrong["program"], wrong["outcome"]) for wrong in row["solutions"]["wrong"]]
    return solutions


def _rows() -> Iterator[Mapping[str, Any]]:
    for path in sorted(_FOLDER.glob("*.yaml")):
        yield yaml.safe_load(path.read_text(encoding="utf-8"))
