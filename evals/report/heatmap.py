"""The heat map of a run: which problems are answered right at which step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from evals.records import Records
from evals.report.plot import Plot, tooltip
from evals.report.theme import HEAT, MISSING
from evals.stats import judged, marked
from rsa.selection import population

__all__ = ["Cell", "Heat", "heat_of", "heat_plots", "in_order"]

_LABELLED = 80
"""More problems than this have rows too low for their names."""
_ROWS = ((30, 18), (_LABELLED, 13), (300, 5), (10**9, 2))
"""Up to so many problems, a row is so many pixels high."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A problem at a step: the share right, mean over its repeats, and how many chains were judged in all of them."""

    share: float
    chains: int


Heat = Mapping[str, Mapping[int, Cell]]
"""By problem and step. What nothing is known of is missing."""


def heat_of(records: Records) -> Heat:
    """The heat map of what is recorded; its groups are read one after the other."""
    plan = records.run.strategy.plan(0, "")
    found: dict[str, dict[int, list[tuple[float, int]]]] = {}
    for (problem, _), chains, marks in records.groups():
        for step in range(1, plan.steps + 1):
            there = judged(marked(population(plan, step, chains), marks))
            if there:
                share = fmean(mark.solved for _, mark in there)
                found.setdefault(problem, {}).setdefault(step, []).append((share, len(there)))
    return {problem: {step: _cell(repeats) for step, repeats in steps.items()} for problem, steps in found.items()}


def _cell(repeats: Sequence[tuple[float, int]]) -> Cell:
    return Cell(round(fmean(share for share, _ in repeats), 6), sum(chains for _, chains in repeats))


def in_order(heats: Iterable[Heat]) -> list[str]:
    """The problems of all runs, those first that are right most often in the end: the same order in every heat map."""
    finals: dict[str, list[float]] = {}
    for heat in heats:
        for problem, steps in heat.items():
            finals.setdefault(problem, []).append(steps[max(steps)].share)
    return sorted(finals, key=lambda problem: (-fmean(finals[problem]), problem))


def heat_plots(names: Sequence[str], heats: Sequence[Heat]) -> list[Plot]:
    """A plot for each run of which anything is known."""
    problems = in_order(heats)
    return [
        _plot(number, name, heat, problems) for number, (name, heat) in enumerate(zip(names, heats, strict=True)) if heat
    ]


def _plot(number: int, name: str, heat: Heat, problems: Sequence[str]) -> Plot:
    steps = range(1, max(max(cells) for cells in heat.values()) + 1)
    rows = [_row(problem, step, heat.get(problem, {}).get(step)) for problem in problems for step in steps]
    last = steps[-1]
    finals = [cells[last].share for cells in heat.values() if last in cells]
    always, never = sum(share == 1 for share in finals), sum(share == 0 for share in finals)
    said = f"{name}: at step {last} every chain is right on {always} of {len(finals)} problems, and none on {never}."
    return Plot(
        f"problems-{number + 1}", name, said, ("problem", "step", "mean", "chains"), rows, _spec(len(problems)), run=number
    )


def _row(problem: str, step: int, cell: Cell | None) -> tuple[str, int, float | None, int]:
    return (problem, step, cell.share, cell.chains) if cell else (problem, step, None, 0)


def _spec(problems: int) -> dict[str, Any]:
    height = next(pixels for most, pixels in _ROWS if problems <= most)
    labels = {"labels": problems <= _LABELLED, "ticks": False, "domain": False, "labelLimit": 130}
    colour = {
        "field": "mean",
        "type": "quantitative",
        "scale": {"type": "quantize", "domain": [0, 1], "range": list(HEAT)},
        "legend": {
            "title": "share of chains right",
            "format": ".0%",
            "orient": "top",
            "direction": "horizontal",
            "gradientLength": 220,
        },
        "condition": {"test": "datum.mean === null", "value": MISSING},
    }
    gap = {"stroke": "var(--paper)", "strokeWidth": 1} if height > 6 else {}
    return {
        "height": height * problems,
        "mark": {"type": "rect", "cursor": "pointer", **gap},
        "encoding": {
            "x": {
                "field": "step",
                "type": "ordinal",
                "title": "step",
                "axis": {"labelAngle": 0, "orient": "top", "labelOverlap": "greedy"},
            },
            "y": {
                "field": "problem",
                "type": "nominal",
                "sort": None,
                "title": None if problems <= _LABELLED else "problems",
                "axis": labels,
            },
            "color": colour,
            "tooltip": tooltip(
                ("problem", "problem", None),
                ("step", "step", "d"),
                ("mean", "right", ".1%"),
                ("chains", "chains judged", "d"),
            ),
        },
    }
