"""How right parents make right children."""

from collections.abc import Iterator, Mapping, Sequence

from evals.report.plot import Plot, lines, named, percent_axis, step_axis, tooltip
from evals.report.theme import Look
from evals.report.told import Told
from evals.tables import percent

__all__ = ["flip_plot", "flips"]


def flip_plot(runs: Sequence[Told], known: Mapping[str, Look]) -> Plot | None:
    """How often a child is right, by how many of its parents are, over all later steps. None where no chain has parents."""
    rows = [(run.name, *row) for run in runs for row in flips(run)]
    if not rows:
        return None
    hover = tooltip(
        ("series", "strategy", None), ("right_parents", "right parents", "d"), ("parents", "parents", "d"),
        ("mean", "children right", ".1%"), ("right", "right", ",d"), ("children", "children", ",d"),
    )  # fmt: skip
    y = percent_axis("share of children right", (0.0, 1.0))
    x = step_axis(max(row[2] for row in rows), "right_parents", "right parents", first=0)
    layer = lines(named(known, (row[0] for row in rows)), y, hover)
    layer[0]["encoding"]["detail"] = {"field": "parents", "type": "ordinal"}
    layer[1]["mark"] = {"type": "point", "filled": True, "opacity": 0.9}
    size = {"field": "children", "type": "quantitative", "scale": {"type": "sqrt", "range": [30, 420]}, "legend": None}
    layer[1]["encoding"]["size"] = size
    columns = ("series", "right_parents", "parents", "children", "right", "mean")
    said = "; ".join(
        f"{row[0]}: {percent(row[5])} % of {row[3]:,} children with {row[1]} right parents of {row[2]}"
        for row in rows
        if row[1] in (0, row[2])
    )
    spec = {"height": 240, "encoding": {"x": x}, "layer": layer}
    return Plot("flips", "Right children by right parents (size: number of children)", said + ".", columns, rows, spec)


def flips(run: Told) -> Iterator[tuple[int, int, int, int, float]]:
    """Over all steps: right parents, parents, children, right children, their share."""
    sums: dict[tuple[int, int], list[int]] = {}
    for step in run.steps:
        for each in (step.get("story") or {}).get("flips", []):
            found = sums.setdefault((each["parents"], each["right_parents"]), [0, 0])
            found[0] += each["children"]
            found[1] += each["right"]
    for (parents, right_parents), (children, right) in sorted(sums.items()):
        if children:
            yield right_parents, parents, children, right, right / children
