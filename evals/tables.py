"""A summary as a table for the terminal, and what has to be said beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

__all__ = [
    "COLUMNS",
    "accuracy_text",
    "amount",
    "axis_label",
    "interval",
    "judgement",
    "percent",
    "points",
    "remarks",
    "row",
    "summary_table",
]

_MILLION = 1_000_000
_SHOWN_SHORT = 5


def percent(value: float | None) -> str:
    """A share in percent with one digit; a dash for none."""
    return "-" if value is None else f"{100 * value:.1f}"


def accuracy_text(accuracy: Mapping[str, Any]) -> str:
    """Mean ± standard error in percent."""
    return percent(accuracy["mean"]) + (f" ± {percent(accuracy['se'])}" if accuracy["se"] is not None else "")


COLUMNS = (
    "step",
    "chains",
    "accuracy",
    "majority",
    "coverage",
    "no answer",
    "truncated",
    "dead",
    "prompt tokens",
    "cached",
    "new tokens",
)


def _count(value: int | None) -> str:
    """A number in at most eight characters: 12,345 or 63.0 M."""
    if value is None:
        return "-"
    return f"{value:,}" if value < _MILLION else f"{value / _MILLION:,.1f} M"


def row(step: Mapping[str, Any]) -> tuple[str, ...]:
    """One step's cells, in the order of `COLUMNS`."""
    tokens = step["tokens"]
    return (
        str(step["step"]),
        _count(step["chains"]),
        accuracy_text(step["accuracy"]),
        percent(step["majority"]["mean"]),
        percent(step["coverage"]["mean"]),
        percent(step["no_answer"]),
        percent(step["truncated"]),
        percent(step["dead"]),
        _count(tokens["prompt"]),
        _count(tokens["cached"]),
        _count(tokens["completion"]),
    )


def interval(accuracy: Mapping[str, Any]) -> str:
    """The 95 % interval of a mean, in percent."""
    return " to ".join(percent(bound) for bound in accuracy["ci95"]) if accuracy["ci95"] else "-"


def summary_table(name: str, strategy: Mapping[str, Any]) -> Table:
    """One strategy's steps, within 100 columns. Shares are in percent."""
    title = f"{name}: shares in %, accuracy ± standard error over problems"
    table = Table(title=title, title_justify="left", title_style="", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in COLUMNS:
        table.add_column(column.replace(" ", "\n"), justify="right", no_wrap=True)
    for step in strategy["steps"]:
        table.add_row(*row(step))
    return table


def _data(data: Mapping[str, Any]) -> str:
    """Where the problems came from, and what has to be said with them."""
    details = {name: value for name, value in data.items() if name not in ("source", "revision") and value not in (None, [])}
    revision = f" at {data['revision'][:12]}" if data["revision"] else ""
    facts = "; ".join(f"{name.replace('_', ' ')} {_fact(value)}" for name, value in details.items())
    return f"data: {data['source']}{revision}" + (f"; {facts}" if facts else "")


def _fact(value: Any) -> str:
    return ", ".join("any" if each is None else str(each) for each in value) if isinstance(value, list) else str(value)


def remarks(summary: Mapping[str, Any]) -> list[str]:
    """What belongs beside the tables: partial credit, verdicts that ended in an error, groups, the floor of guessing."""
    lines = [_data(summary["data"])]
    if summary["short"]:
        lines.append(_shortfall(summary["short"]))
    for strategy in summary["strategies"].values():
        last = strategy["steps"][-1]
        if any(step["score"]["mean"] != step["accuracy"]["mean"] for step in strategy["steps"]):
            scores = ", ".join(accuracy_text(step["score"]) for step in strategy["steps"])
            lines.append(f"mean score with partial credit, by step: {scores}")
        if any(step["error"] for step in strategy["steps"]):
            shares = ", ".join(percent(step["error"]) for step in strategy["steps"])
            lines.append(f"verdicts that ended in an error, left out of all means, by step: {shares} %")
            lines.append(f"one of them: {summary['errors']['example']}")
        if any(step["shortened"] for step in strategy["steps"]):
            shares = ", ".join(percent(step["shortened"]) for step in strategy["steps"])
            lines.append(f"prompts shortened to fit the context window, by step: {shares} %")
        for name, values in last["groups"].items():
            parts = (f"{value} {accuracy_text(found)} ({found['problems']})" for value, found in values.items())
            lines.append(f"step {last['step']} by {name} (problems): {'; '.join(parts)}")
        if any(scorer.startswith("code/") for scorer in summary["scorers"]):
            outcomes = ", ".join(f"{name} {count}" for name, count in last["methods"].items())
            lines.append(f"step {last['step']}, programs by outcome: {outcomes or 'none yet'}")
    floor = summary["floor"]
    if floor:
        best = f", always {floor['best']} {percent(floor['always_best'])}" if floor["best"] != "A" else ""
        lines.append(f"floor: always answering A scores {percent(floor['always_A'])}{best}")
    if len(summary["scorers"]) > 1:
        lines.append(f"verdicts of several scorers ({'; '.join(summary['scorers'])}): make them one with rsa-eval score")
    return lines


def _shortfall(short: Sequence[Mapping[str, Any]]) -> str:
    named = [f"{each['problem']} after {each['steps']}" for each in short[:_SHOWN_SHORT]]
    more = f" and {len(short) - _SHOWN_SHORT} more" if len(short) > _SHOWN_SHORT else ""
    return f"short of their steps: {', '.join(named)}{more}; their best answers so far are in answers.jsonl"


def axis_label(comparison: Mapping[str, Any]) -> str:
    """What the budget of the table is counted in."""
    labels = {axis["name"]: axis["label"] for axis in comparison["axes"]}
    return str(labels.get(comparison["match"], comparison["match"]))


def amount(value: float | None) -> str:
    """A budget with four digits at least: 16, 51,200, 0.0123."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


def points(value: float | None) -> str:
    """A difference of shares in points, with its sign."""
    return "-" if value is None else f"{100 * value:+.1f}"


def judgement(entry: Mapping[str, Any]) -> str:
    """What an entry of a comparison's table says of a strategy: better, worse, or not distinguishable."""
    mean = (entry["difference"] or {}).get("mean")
    if not entry["distinguishable"] or mean is None:
        return "not distinguishable"
    return "better" if mean > 0 else "worse"
