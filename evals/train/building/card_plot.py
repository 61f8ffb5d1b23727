"""The plot of a data card: how long prompts are, and how many candidates of an aggregation prompt are right."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evals.report.theme import CONFIG, colours, look, with_colours
from evals.train.building.card import MODES, Facts

__all__ = ["card_plot"]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_WIDTH, _HEIGHT = 640, 200
_BINS = 30


def card_plot(facts: Facts, k: int) -> dict[str, Any]:
    """A Vega-Lite specification that stands alone."""
    colour = {
        "field": "mode",
        "type": "nominal",
        "sort": None,
        "legend": {"orient": "top"},
        "scale": {"domain": list(MODES), "range": [look(number).colour for number in range(len(MODES))]},
    }
    lengths = _panel("Tokens of a prompt", _lengths(facts), {"field": "to", "title": "tokens"}, colour, binned=True)
    right = _panel(
        "Right candidates in aggregation prompts", _right(facts, k), {"field": "right", "title": f"right ones of {k}"}, None
    )
    config = {**CONFIG, "background": "var(--paper)", "font": "sans-serif"}
    panels = with_colours([lengths["spec"], right["spec"]], colours())
    drawn = [{**spec, "data": {"values": each["rows"]}} for spec, each in zip(panels, (lengths, right), strict=True)]
    return {"$schema": _SCHEMA, "config": with_colours(config, colours()), "padding": 12, "vconcat": drawn}


def _panel(
    title: str, rows: Sequence[Mapping[str, Any]], x: Mapping[str, Any], colour: Any, *, binned: bool = False
) -> dict[str, Any]:
    """A panel of bars: its specification without data, and its data."""
    kind = {"type": "quantitative", "bin": "binned"} if binned else {"type": "ordinal", "axis": {"labelAngle": 0}}
    across = {**kind, **x, **({"field": "from"} if binned else {})}
    encoding = {
        "x": across,
        **({"x2": {"field": "to"}} if binned else {}),
        "y": {
            "field": "prompts",
            "type": "quantitative",
            "title": "prompts",
            "axis": {"format": ",d", "tickMinStep": 1},
            "stack": None if binned else "zero",
        },
        "color": colour or {"value": look(1).colour},
    }
    mark = {"type": "bar", "opacity": 0.75 if binned else 1}
    spec = {"title": title, "width": _WIDTH, "height": _HEIGHT, "mark": mark, "encoding": encoding}
    return {"spec": spec, "rows": rows}


def _lengths(facts: Facts) -> list[dict[str, Any]]:
    """Prompts of both modes by tokens, in the same bins."""
    tokens = [each.tokens for each in facts.prompts]
    if not tokens:
        return []
    edges = np.histogram_bin_edges(tokens, bins=_BINS, range=(0, max(tokens)))
    rows = []
    for mode in MODES:
        counts, _ = np.histogram([each.tokens for each in facts.of(mode=mode)], bins=edges)
        rows += [
            {"from": float(low), "to": float(high), "prompts": int(count), "mode": mode}
            for low, high, count in zip(edges, edges[1:], counts, strict=False)
            if count
        ]
    return rows


def _right(facts: Facts, k: int) -> list[dict[str, Any]]:
    counts = facts.right_counts()
    return [{"right": right, "prompts": counts[right]} for right in range(k + 1)]
