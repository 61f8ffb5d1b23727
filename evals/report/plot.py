"""A plot: a Vega-Lite specification beside its data, and what is said of it in words."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.report.theme import CONFIG, Look, colours, looks, with_colours

__all__ = ["Plot", "bands", "domain", "lines", "named", "percent_axis", "rounded_up", "step_axis", "tooltip"]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_EXPORT_WIDTH = 720
_SYMBOL, _LETTER = 40, 7
_MARGIN = 0.03
_GRAIN = 20
_HELPERS = ("alone", "key", "order")


@dataclass(frozen=True, slots=True)
class Plot:
    """`name` is that of its files, `title` its heading, `summary` says in words what it shows.

    `spec` is Vega-Lite without data: those are `rows` under `columns`. `axes` are the x axes to choose from, each with
    `name` (a column), `label`, `format`, its own summary (`said`), and whether it is first drawn (`log`) and can be drawn
    (`positive`) on a log scale.
    `run` is the number of the run whose populations a click opens.
    """

    name: str
    title: str
    summary: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    spec: Mapping[str, Any]
    axes: tuple[Mapping[str, Any], ...] = ()
    run: int | None = None

    def facts(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows without those that only serve the drawing."""
        kept = [number for number, column in enumerate(self.columns) if column not in _HELPERS]
        return tuple(self.columns[number] for number in kept), [tuple(row[number] for number in kept) for row in self.rows]

    def room(self) -> int:
        """The pixels that an entry of the legend takes."""
        layers = (self.spec, *self.spec.get("layer", ()))
        names = (each.get("encoding", {}).get("color", {}).get("scale", {}).get("domain", ()) for each in layers)
        longest = max((len(str(name)) for domain_ in names for name in domain_), default=0)
        return _SYMBOL + _LETTER * longest

    def content(self) -> dict[str, Any]:
        """The plot as JSON for the page, which draws it in its own colours and width."""
        rows = [list(row) for row in self.rows]
        about = {"name": self.name, "title": self.title, "axes": list(self.axes), "run": self.run, "helpers": list(_HELPERS)}
        return {**about, "room": self.room(), "columns": list(self.columns), "rows": rows, "spec": dict(self.spec)}

    def whole(self, axis: Mapping[str, Any] | None = None, log: bool = False) -> dict[str, Any]:
        """A specification that stands alone, in light colours, with `axis` as its x axis where there is a choice."""
        config = {**fitted(CONFIG, self.room(), _EXPORT_WIDTH), "background": "var(--paper)", "font": "sans-serif"}
        spec = dict(self.spec)
        if self.axes:
            spec["encoding"] = {**spec["encoding"], "x": on_axis(axis or self.axes[0], log)}
        styled: dict[str, Any] = with_colours({**spec, "config": config}, colours())
        values = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        titled = {"title": self.title} if self.title else {}
        return {"$schema": _SCHEMA, **titled, **styled, "width": _EXPORT_WIDTH, "padding": 12, "data": {"values": values}}


def fitted(config: Mapping[str, Any], room: int, width: int) -> dict[str, Any]:
    """The configuration for a width: names are cut to it, and the legend has as many columns as fit (as in `plots.js`)."""
    axis = {**config["axis"], "labelLimit": max(70, round(width * 0.45))}
    return {
        **config,
        "axis": axis,
        "legend": {**config["legend"], "columns": max(1, (width - 40) // room), "labelLimit": width - 90},
    }


def on_axis(axis: Mapping[str, Any], log: bool) -> dict[str, Any]:
    """The x encoding of a plot with a choice of axes; `plots.js` makes the same."""
    kind: dict[str, Any] = {"type": "log", "nice": False} if log else {"type": "linear", "zero": False, "nice": True}
    scale = {**kind, "padding": 12}
    shown = {"format": axis["format"], "labelOverlap": "greedy", "labelBound": True, "tickCount": 8}
    return {"field": axis["name"], "type": "quantitative", "title": axis["label"], "scale": scale, "axis": shown}


def percent_axis(title: str, limits: tuple[float, float] | None = None) -> dict[str, Any]:
    """The y encoding of a share, without its field."""
    scale: dict[str, Any] = {"zero": False, "nice": True}
    if limits:
        scale = {"domain": list(limits), "zero": False, "nice": False}
    return {"type": "quantitative", "title": title, "scale": scale, "axis": {"format": ".0%", "tickCount": 6}}


def step_axis(last: int, field: str = "step", title: str = "step", first: int = 1) -> dict[str, Any]:
    """The x encoding of whole numbers such as steps, with a tick at each as far as they fit."""
    axis = {"format": "d", "values": list(range(first, last + 1)), "grid": False, "labelOverlap": "greedy"}
    scale = {"domain": [first, last], "zero": False, "nice": False, "padding": 12}
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": axis}


def domain(values: Iterable[float | None]) -> tuple[float, float]:
    """Limits for shares: round numbers around them, within 0 and 1."""
    known = [value for value in values if value is not None]
    if not known:
        return 0.0, 1.0
    low = max(0.0, int((min(known) - _MARGIN) * _GRAIN) / _GRAIN)
    high = min(1.0, -int(-(max(known) + _MARGIN) * _GRAIN // 1) / _GRAIN)
    return low, max(high, low + 1 / _GRAIN)


def rounded_up(value: float) -> float:
    """The next number of one digit, or 1.5 or 2.5 of its kind: the end of an axis."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * unit >= value * (1 - 1e-9))


def tooltip(*fields: tuple[str, str, str | None]) -> list[dict[str, Any]]:
    """What hovering shows: (column, title, number format)."""
    shown = []
    for field, title, form in fields:
        kind = {"type": "quantitative", "format": form} if form else {"type": "nominal"}
        shown.append({"field": field, "title": title, **kind})
    return shown


def lines(known: Mapping[str, Look], y: Mapping[str, Any], hover: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The layers of a line plot with points. `y` is the encoding of column `mean`."""
    drawn = looks(known)
    mean = {"y": {**y, "field": "mean"}, "color": drawn["color"]}
    return [
        {"mark": {"type": "line"}, "encoding": {**mean, "strokeDash": drawn["strokeDash"]}},
        {
            "mark": {"type": "point", "filled": True, "size": 64, "opacity": 1},
            "encoding": {**mean, "shape": drawn["shape"], "tooltip": list(hover)},
        },
    ]


def bands(known: Mapping[str, Look], y: Mapping[str, Any], *, bars: bool = False) -> list[dict[str, Any]]:
    """The layers of bands between columns `low` and `high`; with `bars` the series of a single point get an error bar."""
    span = {"y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": looks(known)["color"]}
    area = {"mark": {"type": "area", "fillOpacity": min(0.12, 0.4 / max(1, len(known))), "strokeWidth": 0}, "encoding": span}
    bar = {"mark": {"type": "rule", "strokeWidth": 2}, "transform": [{"filter": "datum.alone"}], "encoding": span}
    return [area, bar] if bars else [area]


def named(known: Mapping[str, Look], names: Iterable[str]) -> dict[str, Look]:
    """The looks of these names alone, in the order of `known`."""
    wanted = set(names)
    return {name: each for name, each in known.items() if name in wanted}
