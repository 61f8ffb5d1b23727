"""How plots look.

In a page every colour is a CSS property of `page.css`, so that dark, light and print need no second drawing; files that
stand alone get the colours of its first, light block.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

__all__ = ["CONFIG", "HEAT", "MISSING", "Look", "colours", "look", "looks", "with_colours"]

_CSS = Path(__file__).with_name("assets") / "page.css"
_PROPERTY = re.compile(r"--([\w-]+):\s*(#[0-9a-fA-F]{6});")
_SERIES = tuple(f"var(--series-{number})" for number in range(1, 8))
_SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
_DASHES = ((), (6, 3), (2, 2), (8, 3, 2, 3), (12, 4))
HEAT = tuple(f"var(--heat-{number})" for number in range(10))
MISSING = "var(--line)"

_TEXT = {"labelColor": "var(--muted)", "titleColor": "var(--ink)", "labelFontSize": 12, "titleFontSize": 12}
CONFIG: Mapping[str, Any] = MappingProxyType(
    {
        "background": "transparent",
        "font": "system-ui, sans-serif",
        "aria": False,  # a plot is one image with a summary in words; its data are a table beside it
        "view": {"stroke": None},
        "axis": {
            **_TEXT,
            "titleFontWeight": "normal",
            "gridColor": "var(--line)",
            "gridOpacity": 0.6,
            "domainColor": "var(--muted)",
            "tickColor": "var(--muted)",
            "labelFlush": False,
        },
        "legend": {
            **_TEXT,
            "orient": "bottom",
            "title": None,
            "symbolSize": 90,
            "symbolStrokeWidth": 2,
            "columnPadding": 16,
        },
        "title": {"color": "var(--ink)", "fontSize": 13, "anchor": "start"},
        "line": {"strokeWidth": 2},
        "text": {"color": "var(--ink)"},
    }
)


@dataclass(frozen=True, slots=True)
class Look:
    """How a series is drawn: colour, shape of its points, dash of its line. No two of a plot differ by colour alone."""

    colour: str
    shape: str = "circle"
    dash: tuple[int, ...] = ()


def look(number: int) -> Look:
    """The look of a series by its number; they repeat only after 210."""
    return Look(_SERIES[number % len(_SERIES)], _SHAPES[number % len(_SHAPES)], _DASHES[number % len(_DASHES)])


def looks(known: Mapping[str, Look], field: str = "series") -> dict[str, dict[str, Any]]:
    """The encodings color, shape and strokeDash of the series of a plot. The first two share a legend.

    Dashes would be drawn around the small shapes of that legend. One that is hidden hides all of the same domain, so the
    domain of the dashes has an empty name more.
    """

    def scaled(values: list[Any], *more: str) -> dict[str, Any]:
        return {"field": field, "type": "nominal", "sort": None, "scale": {"domain": [*known, *more], "range": values}}

    return {
        "color": scaled([each.colour for each in known.values()]),
        "shape": scaled([each.shape for each in known.values()]),
        "strokeDash": {**scaled([*(list(each.dash) for each in known.values()), []], ""), "legend": None},
    }


@cache
def colours(dark: bool = False) -> Mapping[str, str]:
    """The colours of `page.css` by the name of their property: those of light pages, or of dark ones."""
    blocks = _CSS.read_text(encoding="utf-8").split("prefers-color-scheme: dark", 1)
    return MappingProxyType({f"var(--{name})": value for name, value in _PROPERTY.findall(blocks[dark])})


def with_colours(spec: Any, values: Mapping[str, str]) -> Any:
    """A specification in which colours stand in place of the names of properties. It must hold no data."""
    if isinstance(spec, Mapping):
        return {key: with_colours(value, values) for key, value in spec.items()}
    if isinstance(spec, list | tuple):
        return [with_colours(value, values) for value in spec]
    return values.get(spec, spec) if isinstance(spec, str) else spec
