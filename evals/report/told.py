"""A run as its summary tells of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Told", "told"]


@dataclass(frozen=True, slots=True)
class Told:
    """`name` is that of the run in the report, `repeats` over how many repeats of problems its `steps` tell."""

    name: str
    steps: Sequence[Mapping[str, Any]]
    repeats: int

    @property
    def long(self) -> bool:
        """Whether anything can change from step to step."""
        return len(self.steps) > 1


def told(summaries: Sequence[Mapping[str, Any]], comparison: Mapping[str, Any]) -> list[Told]:
    """The runs under their names in the comparison, with their steps."""
    runs = []
    for run, summary in zip(comparison["runs"], summaries, strict=True):
        (strategy,) = summary["strategies"].values()
        runs.append(Told(run["name"], strategy["steps"], max(1, summary["problems"] * summary["repeats"])))
    return runs
