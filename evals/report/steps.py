"""The plots of what happens from step to step: of one run each, or of one measure each with a line for every run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from evals.report.flips import flip_plot
from evals.report.plot import Plot, bands, domain, lines, named, percent_axis, rounded_up, step_axis, tooltip
from evals.report.theme import Look
from evals.report.told import Told
from evals.tables import percent

__all__ = ["cost_plots", "step_plots", "story_plots", "token_plots"]

_SHARE = ".1%"
_SMALL = 240
_MEASURES: dict[str, Look] = {
    "coverage": Look("var(--muted)", "triangle-up", (2, 2)),
    "majority": Look("var(--accent)", "square", (6, 3)),
    "accuracy": Look("var(--ink)", "circle"),
}
_KINDS = {"cached": "prompt, cached", "uncached": "prompt, not cached", "prompt": "prompt", "completion": "new"}
_KIND_COLOURS = {
    "cached": "var(--heat-4)",
    "uncached": "var(--series-1)",
    "prompt": "var(--series-1)",
    "completion": "var(--series-2)",
}


def step_plots(runs: Sequence[Told]) -> list[Plot]:
    """Accuracy with its band, coverage and majority per step: a plot for each run of several steps, all on one scale."""
    rows = {number: list(_shares(run)) for number, run in enumerate(runs) if run.long}
    limits = domain(value for each in rows.values() for row in each for value in row[2:5])
    hover = tooltip(
        ("series", "measure", None),
        ("step", "step", "d"),
        ("mean", "share", _SHARE),
        ("low", "95 % from", _SHARE),
        ("high", "95 % to", _SHARE),
    )
    plots = []
    for number, found in rows.items():
        y = percent_axis("share of problems", limits)
        layer = [*bands(_MEASURES, y), *lines(_MEASURES, y, hover)]
        spec = {"height": _SMALL, "encoding": {"x": step_axis(len(runs[number].steps))}, "layer": layer}
        columns = ("series", "step", "mean", "low", "high")
        plots.append(Plot(f"steps-{number + 1}", runs[number].name, _trend(runs[number]), columns, found, spec))
    return plots


def _shares(run: Told) -> Iterator[tuple[Any, ...]]:
    for measure in _MEASURES:
        for step in run.steps:
            low, high = step[measure]["ci95"] or (None, None)
            band = (low, high) if measure == "accuracy" else (None, None)
            yield (measure, step["step"], step[measure]["mean"], *band)


def _trend(run: Told) -> str:
    first, last = run.steps[0], run.steps[-1]
    parts = (f"{name} {percent(first[name]['mean'])} % to {percent(last[name]['mean'])} %" for name in reversed(_MEASURES))
    return f"{run.name}, step 1 to {last['step']}: {', '.join(parts)}."


Reading = Callable[[Mapping[str, Any]], float | None]


def _over_steps(
    name: str, title: str, y: Mapping[str, Any], runs: Sequence[Told], known: Mapping[str, Look], read: Reading
) -> Plot | None:
    """One measure by step, a line a run. None where it is known of no run."""
    form = y["axis"].get("format", ",.4~g")
    rows = [(run.name, step["step"], value) for run in runs for step in run.steps if (value := read(step)) is not None]
    if not rows:
        return None
    hover = tooltip(
        ("series", "strategy", None), ("step", "step", "d"), ("mean", str(y["title"]), ".1%" if form == ".0%" else ",.4~g")
    )
    shown = named(known, (row[0] for row in rows))
    spec = {"height": _SMALL, "encoding": {"x": step_axis(max(row[1] for row in rows))}, "layer": lines(shown, y, hover)}
    return Plot(name, title, _ends(rows, form == ".0%"), ("series", "step", "mean"), rows, spec)


def _ends(rows: Sequence[tuple[Any, ...]], shares: bool) -> str:
    by_run: dict[str, list[str]] = {}
    for name, _, value in rows:
        by_run.setdefault(name, []).append(f"{percent(value)} %" if shares else f"{value:,.4g}")
    return "; ".join(f"{name}: {' to '.join(dict.fromkeys((found[0], found[-1])))}" for name, found in by_run.items()) + "."


def _plain(title: str) -> dict[str, Any]:
    return {
        "type": "quantitative",
        "title": title,
        "scale": {"zero": True, "nice": True},
        "axis": {"tickCount": 6, "format": "~s"},
    }


def story_plots(runs: Sequence[Told], known: Mapping[str, Look]) -> list[Plot]:
    """Gap, diversity, consensus and entropy per step, and flips by the number of right parents."""

    def told(*keys: str) -> Reading:
        def read(step: Mapping[str, Any]) -> float | None:
            found: Any = step.get("story")
            for key in keys:
                found = found[key] if found else None
            return found  # type: ignore[no-any-return]

        return read

    if not any(run.long for run in runs):
        return []
    number = {**_plain("answers"), "axis": {"tickCount": 6, "format": ",.4~g"}}
    plots = [
        _over_steps(
            "gap", "Gap between coverage and accuracy", percent_axis("coverage - accuracy"), runs, known, told("gap", "mean")
        ),
        _over_steps("distinct", "Distinct answers in a population", number, runs, known, told("distinct")),
        _over_steps(
            "consensus",
            "Share of the most frequent answer",
            percent_axis("share of answers"),
            runs,
            known,
            told("consensus"),
        ),
        _over_steps("entropy", "Entropy of the answers", {**number, "title": "bits"}, runs, known, told("entropy")),
        flip_plot(runs, known),
    ]
    return [plot for plot in plots if plot]


def token_plots(runs: Sequence[Told]) -> list[Plot]:
    """Where the tokens of each step go, a plot for each run, all on one scale; none for runs whose server does not count."""
    rows = {number: list(_tokens(run)) for number, run in enumerate(runs)}
    most = max((row[3] for each in rows.values() for row in each), default=0.0)
    hover = tooltip(("step", "step", "d"), ("kind", "tokens", None), ("tokens", "a problem", ",.6~g"))
    plots = []
    for number, found in rows.items():
        kinds = {row[2]: row[1] for row in found}
        colour = {
            "field": "kind",
            "type": "nominal",
            "sort": None,
            "scale": {"domain": list(kinds), "range": [_KIND_COLOURS[key] for key in kinds.values()]},
        }
        y = {
            "field": "tokens",
            "type": "quantitative",
            "title": "tokens a problem",
            "axis": {"format": "~s", "tickCount": 6},
            "scale": {"domain": [0, rounded_up(most)]},
        }
        x = {"field": "step", "type": "ordinal", "title": "step", "axis": {"labelAngle": 0, "labelOverlap": "greedy"}}
        encoding = {"x": x, "y": y, "color": colour, "order": {"field": "order", "type": "quantitative"}, "tooltip": hover}
        spec = {
            "height": _SMALL,
            "mark": {"type": "bar", "stroke": "var(--paper)", "strokeWidth": 1, "width": {"band": 0.7}},
            "encoding": encoding,
        }
        if found:
            columns = ("step", "key", "kind", "tokens", "order")
            plots.append(Plot(f"tokens-{number + 1}", runs[number].name, _spent(runs[number], found), columns, found, spec))
    return plots


def _tokens(run: Told) -> Iterator[tuple[int, str, str, float, int]]:
    for step in run.steps:
        tokens = step["tokens"]
        prompt, cached, new = tokens["prompt"], tokens["cached"], tokens["completion"]
        known = {"prompt": prompt} if cached is None or prompt is None else {"cached": cached, "uncached": prompt - cached}
        for order, (key, amount) in enumerate({**known, "completion": new}.items()):
            if amount is not None:
                yield step["step"], key, _KINDS[key], amount / run.repeats, order


def _spent(run: Told, rows: Sequence[tuple[Any, ...]]) -> str:
    sums: dict[str, float] = {}
    for row in rows:
        sums[row[2]] = sums.get(row[2], 0.0) + row[3]
    return (
        f"{run.name}, tokens a problem over all steps: "
        + ", ".join(f"{kind} {amount:,.0f}" for kind, amount in sums.items())
        + "."
    )


def cost_plots(runs: Sequence[Told], known: Mapping[str, Look]) -> list[Plot]:
    """Lengths, truncation, chains without an answer, dead chains and seconds per step."""

    def length(step: Mapping[str, Any]) -> float | None:
        new = (step.get("story") or {}).get("new_tokens")
        return float(new["mean"]) if new else None

    def seconds(step: Mapping[str, Any]) -> float | None:
        return step["seconds"] / step["chains"] if step["chains"] else None

    def rate(name: str) -> Reading:
        return itemgetter(name)

    share = percent_axis("share of chains")
    plots = [
        _over_steps("lengths", "New tokens a chain", _plain("tokens"), runs, known, length),
        _over_steps(
            "seconds",
            "Seconds a chain",
            {**_plain("seconds"), "axis": {"tickCount": 6, "format": ",.4~g"}},
            runs,
            known,
            seconds,
        ),
        _over_steps("truncated", "Truncated chains", share, runs, known, rate("truncated")),
        _over_steps("no-answer", "Chains without an answer", share, runs, known, rate("no_answer")),
        _over_steps("dead", "Dead chains", share, runs, known, rate("dead")),
    ]
    always = ("lengths", "seconds", "truncated")
    return [plot for plot in plots if plot and (plot.name in always or any(row[2] for row in plot.rows))]
