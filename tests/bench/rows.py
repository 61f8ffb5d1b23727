"""What benchmarks yield, `bench.json` and the table: a claim is a ratio to a baseline that was measured in the same run.

A benchmark is a module of `BENCHES` (in `tests.bench.__main__`) with a function `measure` that gives rows, most of them made
by `paired`. One that cannot run here raises `Unavailable` with what to do about it; the others go on.
"""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import psutil
from rich.table import Table

FILE = Path("bench.json")
Row = dict[str, Any]


class Unavailable(Exception):
    """What a benchmark needs is not on this machine."""


@dataclass(frozen=True)
class Goal:
    """A bound of the ratio, or of our own figure."""

    bound: float
    sense: Literal["at most", "at least"] = "at most"
    of: Literal["ratio", "ours"] = "ratio"

    def met(self, row: Row) -> bool:
        value: float = row[self.of]
        return value <= self.bound if self.sense == "at most" else value >= self.bound

    def __str__(self) -> str:
        return f"{self.of} {self.sense} {self.bound:g}"


def paired(
    name: str,
    baseline: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    unit: str,
    goal: Goal | None = None,
    **more: Any,
) -> Row:
    """A row of repeats, each of ours with its own of the baseline's: medians, and the ratio within pairs with its spread.

    `spread` is the smallest and the largest ratio. What is `more` goes into bench.json only.
    """
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    row: Row = {
        "name": name,
        "baseline": baseline,
        "ours": round(median(ours), 3),
        "theirs": round(median(theirs), 3),
        "unit": unit,
        "ratio": round(median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "repeats": len(ratios),
    }
    return row | ({"goal": str(goal), "met": goal.met(row)} if goal else {}) | more


def machine() -> dict[str, Any]:
    """What the numbers were measured on. `load` is how many other programs wanted a core as the benchmark began."""
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def save(bench: str, entry: dict[str, Any], file: Path = FILE) -> None:
    """Put one benchmark's rows and machine into the file; what it has of other benchmarks stays."""
    content = json.loads(file.read_text()) if file.is_file() else {}
    benches = {**content.get("benches", {}), bench: entry}
    file.write_text(json.dumps({"how": "make bench", "benches": benches}, indent=2) + "\n")


def table(bench: str, rows: Iterable[Row]) -> Table:
    shown = Table("what", "ours", "baseline", "", "unit", "ratio", "spread", "goal", title=bench, title_justify="left")
    for row in rows:
        spread = " to ".join(f"{bound:g}" for bound in row["spread"])
        goal = f"{row['goal']}: {'met' if row['met'] else 'missed'}" if "goal" in row else ""
        shown.add_row(
            row["name"], f"{row['ours']:,g}", f"{row['theirs']:,g}", row["baseline"], row["unit"], f"{row['ratio']:g}",
            f"{spread} ({row['repeats']})", goal,
        )  # fmt: skip
    return shown
