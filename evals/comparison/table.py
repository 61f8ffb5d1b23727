"""A comparison on the terminal, within 100 columns."""

from collections.abc import Mapping
from textwrap import fill
from typing import Any

from rich import box
from rich.table import Table

from evals.console import output
from evals.tables import accuracy_text, amount, axis_label, judgement, points

__all__ = ["comparison_table", "findings", "show_comparison"]

_NARROW = 11  # columns


def show_comparison(comparison: Mapping[str, Any]) -> None:
    """Print the table, what it says in words, and what belongs beside it."""
    console = output()
    console.print(comparison_table(comparison))
    for line in [*findings(comparison), *_saved(comparison), *comparison["remarks"]]:
        console.print(line)


def comparison_table(comparison: Mapping[str, Any]) -> Table:
    """One row a curve: what it reaches, what it takes for that, and how it differs from the reference at equal budget."""
    axis = axis_label(comparison)
    title = (
        f"{comparison['task']}, {comparison['problems']} problems x {comparison['repeats']}: accuracy in % ± standard error"
    )
    table = Table(title=title, title_justify="left", title_style="", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("strategy", overflow="fold")
    for column in ("accuracy", fill(axis, _NARROW), "compared\nat", "difference\n(95 %)", "p\n(Holm)"):
        table.add_column(column, justify="right", overflow="fold")
    for row in comparison["table"]:
        table.add_row(*_cells(row))
    return table


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    own = (row["name"], accuracy_text(row["accuracy"]), amount(row["cost"]))
    if row["at"] is None:
        return (*own, "", "reference", "")
    difference = row["difference"]
    span = " to ".join(map(points, difference["ci95"])) if difference["ci95"] else "-"
    return (*own, amount(row["at"]) + _star(row), f"{points(difference['mean'])}\n({span})", p_text(row["p_holm"]))


def _star(row: Mapping[str, Any]) -> str:
    return "*" if row["held"] else ""


def findings(comparison: Mapping[str, Any]) -> list[str]:
    """What the table says, in sentences."""
    reference, axis = comparison["reference"], axis_label(comparison)
    rows = [row for row in comparison["table"] if row["at"] is not None]
    lines = [_finding(row, reference, axis) for row in rows if row["distinguishable"]]
    alike = [row["name"] for row in rows if not row["distinguishable"] and row["difference"]["mean"] is not None]
    apart = [row["name"] for row in rows if row["difference"]["mean"] is None]
    lines += [f"Not distinguishable from {reference}: {'; '.join(alike)}."] if alike else []
    lines += [f"No whole problem in common with {reference}: {'; '.join(apart)}."] if apart else []
    if any(row["held"] for row in comparison["table"]):
        lines.append("* One of the two cannot use as much as the other needs to begin, and is taken as it ends.")
    if lines:
        lines.append(
            "Budgets are equal where no star says otherwise; between points of a curve it is interpolated linearly. "
            "Intervals: paired bootstrap over problems; p: sign-flip permutation."
        )
    return lines


def _finding(row: Mapping[str, Any], reference: str, axis: str) -> str:
    at = f"at {amount(row['at'])}{_star(row)} {axis}"
    size = points(abs(row["difference"]["mean"])).lstrip("+")
    return f"{row['name']} is {judgement(row)} than {reference} {at}, by {size} points."


def _saved(comparison: Mapping[str, Any]) -> list[str]:
    saved = comparison["saved"]
    if not saved["chains"]:
        return []
    return [
        f"Shared between strategies and generated once: {saved['chains']:,} chains with {saved['completion_tokens']:,} new "
        f"and {saved['prompt_tokens']:,} prompt tokens were saved; every strategy is charged for its own in full."
    ]


def p_text(value: float | None) -> str:
    """A p-value."""
    return "-" if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"
