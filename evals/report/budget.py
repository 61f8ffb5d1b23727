"""The plots of a comparison: accuracy against budget, paired differences, and what more samples give."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evals.report.plot import Plot, bands, domain, lines, named, percent_axis, tooltip
from evals.report.theme import Look
from evals.tables import percent

__all__ = ["budget_plot", "difference_plot", "ordered_axes", "sample_plot"]

_WIDE = 12
"""Budgets that differ by more than this factor are first drawn on a log scale."""
_SHARE = ".1%"
_FORMATS = {"price": "$,.3~g", "depth": "d", "seconds": ",.3~g"}


def budget_plot(comparison: Mapping[str, Any], known: Mapping[str, Look]) -> Plot | None:
    """Accuracy against budget with 95 % bands, one curve a strategy; None where nothing is measured."""
    curves = comparison["curves"]
    names = [axis["name"] for axis in ordered_axes(comparison)]
    rows = [row for curve in curves for row in _points(curve, names)]
    if not rows or not names:
        return None
    y = percent_axis("accuracy", domain(value for row in rows for value in row[3:6]))
    amounts = [(axis["name"], axis["label"], ",.6~g") for axis in ordered_axes(comparison)]
    hover = tooltip(
        ("series", "strategy", None), ("step", "step", "d"), ("n", "samples", None), ("mean", "accuracy", _SHARE),
        ("low", "95 % from", _SHARE), ("high", "95 % to", _SHARE), *amounts,
    )  # fmt: skip
    columns = ("series", "step", "n", "mean", "low", "high", "alone", *names)
    axes = tuple(_axis(axis, [row[7 + number] for row in rows]) for number, axis in enumerate(ordered_axes(comparison)))
    shown = named(known, (curve["name"] for curve in curves))
    layer = [*bands(shown, y, bars=any(row[6] for row in rows)), *lines(shown, y, hover)]
    spec = {"height": 380, "encoding": {}, "layer": layer}
    axes = tuple({**axis, "said": _said(curves, axis)} for axis in axes)
    return Plot("accuracy-against-budget", "Accuracy against budget", axes[0]["said"], columns, rows, spec, axes)


def ordered_axes(comparison: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The axes, with the one on which the table compares first."""
    return sorted(comparison["axes"], key=lambda axis: axis["name"] != comparison["match"])


def _points(curve: Mapping[str, Any], axes: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    alone = len(curve["points"]) == 1
    for point in curve["points"]:
        low, high = _bounds(point["accuracy"])
        costs = (point["cost"].get(axis) for axis in axes)
        yield (curve["name"], point["step"], point["n"], point["accuracy"]["mean"], low, high, alone, *costs)


def _axis(axis: Mapping[str, Any], amounts: Sequence[float | None]) -> dict[str, Any]:
    known = [amount for amount in amounts if amount is not None]
    positive = bool(known) and min(known) > 0
    log = positive and max(known) > _WIDE * min(known)
    form = _FORMATS.get(axis["name"], "~s")
    return {"name": axis["name"], "label": axis["label"], "format": form, "log": log, "positive": positive}


def _said(curves: Sequence[Mapping[str, Any]], axis: Mapping[str, Any]) -> str:
    parts = []
    for curve in curves:
        first, last = (
            f"{percent(point['accuracy']['mean'])} % at {point['cost'].get(axis['name'], 0):,.6g}"
            for point in (curve["points"][0], curve["points"][-1])
        )
        parts.append(f"{curve['name']}: {first}" + (f", {last}" if len(curve["points"]) > 1 else ""))
    return f"Accuracy by {axis['label']}. {'; '.join(parts)}."


def _bounds(estimate: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return tuple(estimate["ci95"]) if estimate["ci95"] else (None, None)


def difference_plot(comparison: Mapping[str, Any]) -> Plot | None:
    """Paired differences to the reference with 95 % intervals and a line at zero; None where there is nothing to compare."""
    rows = []
    for row in comparison["table"]:
        if row.get("difference") and row["difference"]["mean"] is not None:
            low, high = _bounds(row["difference"])
            told = "distinguishable" if row["distinguishable"] else "not distinguishable"
            shares = (row["accuracy_there"], row["reference_there"])
            rows.append(
                (row["name"], row["difference"]["mean"], low, high, row["p"], row["p_holm"], *shares, row["at"], told)
            )
    if not rows:
        return None
    reference = comparison["reference"]
    columns = ("series", "mean", "low", "high", "p", "p_holm", "accuracy", "reference", "at", "verdict")
    hover = tooltip(
        ("series", "strategy", None), ("mean", "difference", "+.1%"),
        ("low", "95 % from", "+.1%"), ("high", "95 % to", "+.1%"),
        ("accuracy", "accuracy there", _SHARE), ("reference", "reference there", _SHARE), ("at", "compared at", ",.6~g"),
        ("p", "p", ".3~g"), ("p_holm", "p after Holm", ".3~g"), ("verdict", "verdict", None),
    )  # fmt: skip
    parts = (f"{row[0]} {100 * row[1]:+.1f} points ({row[9]})" for row in rows)
    said = f"Accuracy minus that of {reference} at the same budget, paired by problem: {'; '.join(parts)}."
    return Plot("paired-differences", f"Difference to {reference}", said, columns, rows, _forest(hover, len(rows)))


def _forest(hover: Sequence[Mapping[str, Any]], count: int) -> dict[str, Any]:
    points = {"axis": {"format": "+.0%", "tickCount": 7}, "type": "quantitative"}
    x = {**points, "title": "difference in accuracy", "scale": {"nice": True, "zero": True}}
    verdicts = ["distinguishable", "not distinguishable"]
    look = {"field": "verdict", "type": "nominal"}
    colour = {**look, "scale": {"domain": verdicts, "range": ["var(--accent)", "var(--muted)"]}}
    shape = {**look, "scale": {"domain": verdicts, "range": ["diamond", "circle"]}}
    names = {
        "field": "series",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"grid": False, "domain": False, "ticks": False},
    }
    span = {"x": {**x, "field": "low"}, "x2": {"field": "high"}}
    mean = {"x": {**x, "field": "mean"}}
    return {
        "height": max(60, 34 * count),
        "encoding": {"y": names, "tooltip": list(hover)},
        "layer": [
            {
                "mark": {"type": "rule", "color": "var(--ink)", "strokeWidth": 1.5, "strokeDash": [4, 3]},
                "data": {"values": [{"zero": 0}]},
                "encoding": {"x": {**x, "field": "zero"}, "y": None, "tooltip": None},
            },
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {**span, "color": colour}},
            {
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
                "encoding": {**mean, "color": colour, "shape": shape},
            },
        ],
    }


def sample_plot(comparison: Mapping[str, Any], known: Mapping[str, Look]) -> Plot | None:
    """pass@k and maj@k over independent samples; None where there are no two samples."""
    rows: list[tuple[Any, ...]] = []
    shown: dict[str, Look] = {}
    for name, points in comparison["pass_at"].items():
        if len(points) < 2:
            continue
        colour = known[name].colour if name in known else "var(--ink)"
        labels = (f"{name}: any right (pass@k)", f"{name}: the vote (maj@k)")
        shown |= {labels[0]: Look(colour, "triangle-up", (6, 3)), labels[1]: Look(colour, "circle")}
        for label, measure in zip(labels, ("pass", "majority"), strict=True):
            rows.extend((label, point["k"], point[measure]["mean"], *_bounds(point[measure])) for point in points)
    if not rows:
        return None
    columns = ("series", "k", "mean", "low", "high")
    hover = tooltip(
        ("series", "of", None),
        ("k", "samples", "d"),
        ("mean", "share", _SHARE),
        ("low", "95 % from", _SHARE),
        ("high", "95 % to", _SHARE),
    )
    ticks = sorted({row[1] for row in rows})
    axis = {"values": ticks, "format": "d", "grid": False, "labelOverlap": "greedy"}
    x = {
        "field": "k",
        "type": "quantitative",
        "title": "k samples",
        "scale": {"type": "log", "base": 2, "nice": False, "padding": 12},
        "axis": axis,
    }
    y = percent_axis("share of problems", domain(value for row in rows for value in row[2:5]))
    spec = {"height": 320, "encoding": {"x": x}, "layer": [*bands(shown, y), *lines(shown, y, hover)]}
    ends = {row[0]: row for row in rows}.values()
    said = "Unbiased estimates over independent samples. " + "; ".join(
        f"{row[0]} {percent(row[2])} % at k={row[1]}" for row in ends
    )
    return Plot("samples", "What more samples give", said + ".", columns, rows, spec)
