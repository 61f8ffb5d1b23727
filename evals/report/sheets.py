"""The tables of a report, by the section they stand in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evals.report.budget import ordered_axes
from evals.report.flips import flips
from evals.report.sheet import Sheet
from evals.report.told import Told
from evals.tables import COLUMNS, accuracy_text, amount, axis_label, interval, judgement, percent, points, row

__all__ = ["comparison_sheet", "cost_sheet", "sample_sheet", "sheets"]

_ESTIMATE = ("", "_se", "_low", "_high")
_NOTHING: Mapping[str, Any] = {"mean": None, "se": None, "ci95": None}


def sheets(runs: Sequence[Told], comparison: Mapping[str, Any]) -> dict[str, list[Sheet]]:
    """The tables of each section of `evals.report.plots.SECTIONS` that has any."""
    found = {
        "comparison": [comparison_sheet(comparison)],
        "budget": [cost_sheet(comparison)],
        "samples": [sample_sheet(comparison)],
        "steps": [_step_sheet(number, run) for number, run in enumerate(runs, 1)],
        "story": [_story_sheet(runs), _flip_sheet(runs)],
    }
    return {section: [sheet for sheet in those if sheet and sheet.rows] for section, those in found.items()}


def comparison_sheet(comparison: Mapping[str, Any]) -> Sheet:
    """Every strategy at its own end, and beside the reference at the same budget."""
    label = axis_label(comparison)
    several = len(comparison["table"]) > 1
    lead = ("strategy", "accuracy", "95 % interval", label)
    more = ("compared at", "accuracy there", "reference there", "difference (95 % interval)", "p (Holm)", "verdict")
    fields = (
        "strategy", *_fields("accuracy"), comparison["match"], "at", "held", "accuracy_there", "reference_there",
        *_fields("difference"), "p", "p_holm", "distinguishable",
    )  # fmt: skip
    return Sheet(
        "comparison",
        f"{'Strategies' if several else 'Result'} on {comparison['task']}, {comparison['problems']} problems, "
        f"{comparison['repeats']} repeat{'' if comparison['repeats'] == 1 else 's'} of each; accuracy in %, ± standard "
        "error over problems" + ("; differences in points, paired by problem" if several else ""),
        (*lead, *more) if several else lead,
        [_compared(entry, several) for entry in comparison["table"]],
        fields,
        [_compared_values(entry) for entry in comparison["table"]],
        remarked=several,
    )


def _compared(entry: Mapping[str, Any], several: bool) -> tuple[str, ...]:
    lead = (entry["name"], accuracy_text(entry["accuracy"]), interval(entry["accuracy"]), amount(entry["cost"]))
    if not several:
        return lead
    if entry["at"] is None:
        return (*lead, *["-"] * 5, "reference")
    difference = entry["difference"] or _NOTHING
    shares = (percent(entry["accuracy_there"]), percent(entry["reference_there"]))
    spread = f" ({' to '.join(points(bound) for bound in difference['ci95'])})" if difference["ci95"] else ""
    at = amount(entry["at"]) + (" (held)" if entry["held"] else "")
    return (*lead, at, *shares, points(difference["mean"]) + spread, probability(entry["p_holm"]), judgement(entry))


def _compared_values(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    there = (entry["at"], entry["held"], entry["accuracy_there"], entry["reference_there"])
    told = (entry["p"], entry["p_holm"], entry["distinguishable"])
    return (entry["name"], *_values(entry["accuracy"]), entry["cost"], *there, *_values(entry["difference"]), *told)


def cost_sheet(comparison: Mapping[str, Any]) -> Sheet:
    """What each curve costs at its end, on every axis."""
    axes = ordered_axes(comparison)
    ends = [(curve["name"], curve["points"][-1]) for curve in comparison["curves"] if curve["points"]]
    return Sheet(
        "budgets",
        "What each strategy costs at its end",
        ("strategy", "accuracy", *(axis["label"] for axis in axes)),
        [
            (name, accuracy_text(end["accuracy"]), *(amount(end["cost"].get(axis["name"])) for axis in axes))
            for name, end in ends
        ],
        ("strategy", *_fields("accuracy"), *(axis["name"] for axis in axes)),
        [(name, *_values(end["accuracy"]), *(end["cost"].get(axis["name"]) for axis in axes)) for name, end in ends],
    )


def sample_sheet(comparison: Mapping[str, Any]) -> Sheet:
    """pass@k and maj@k of every run with independent samples."""
    found = [(name, point) for name, points_ in comparison["pass_at"].items() for point in points_]
    return Sheet(
        "samples",
        "pass@k and maj@k over independent samples, in %, ± standard error over problems",
        ("strategy", "k", "pass@k", "95 % interval", "maj@k", "95 % interval"),
        [
            (
                name,
                str(point["k"]),
                *(text for key in ("pass", "majority") for text in (accuracy_text(point[key]), interval(point[key]))),
            )
            for name, point in found
        ],
        ("strategy", "k", *_fields("pass"), *_fields("majority")),
        [(name, point["k"], *_values(point["pass"]), *_values(point["majority"])) for name, point in found],
    )


def _step_sheet(number: int, run: Told) -> Sheet:
    shares = ("accuracy", "majority", "coverage", "score")
    rates = ("no_answer", "error", "truncated", "dead", "shortened")
    fields = ("step", "problems", "chains", *(field for name in shares for field in _fields(name)), *rates)
    return Sheet(
        f"steps-{number}",
        f"{run.name}, step by step: shares in %, accuracy ± standard error over problems",
        (*COLUMNS, "95 % interval"),
        [(*row(step), interval(step["accuracy"])) for step in run.steps],
        (*fields, "prompt_tokens", "cached_tokens", "completion_tokens", "calls", "seconds"),
        [
            (
                *(step["step"], step["problems"], step["chains"]),
                *(value for name in shares for value in _values(step[name])),
                *(step[name] for name in rates),
                *(step["tokens"][name] for name in ("prompt", "cached", "completion")),
                *(step["calls"], step["seconds"]),
            )
            for step in run.steps
        ],
        words=False,
    )


def _story_sheet(runs: Sequence[Told]) -> Sheet:
    told = [(run.name, step["step"], step["story"]) for run in runs if run.long for step in run.steps if step.get("story")]
    return Sheet(
        "story",
        "From step to step: gap between coverage and accuracy, consensus (both in %), diversity of answers, lengths",
        ("strategy", "step", "gap", "distinct answers", "entropy, bits", "consensus", "new tokens", "median", "most"),
        [
            (name, str(step), accuracy_text(story["gap"]), plain(story["distinct"]), plain(story["entropy"]),
             percent(story["consensus"]), *(amount(value) for value in _lengths(story)))
            for name, step, story in told
        ],
        ("strategy", "step", *_fields("gap"), "distinct", "entropy", "consensus",
         "new_tokens", "new_tokens_median", "new_tokens_most"),
        [
            (name, step, *_values(story["gap"]), story["distinct"], story["entropy"], story["consensus"], *_lengths(story))
            for name, step, story in told
        ],
    )  # fmt: skip


def _lengths(story: Mapping[str, Any]) -> Iterator[float | None]:
    tokens = story["new_tokens"] or {}
    return (tokens.get(name) for name in ("mean", "median", "most"))


def _flip_sheet(runs: Sequence[Told]) -> Sheet:
    found = [(run.name, *flip) for run in runs for flip in flips(run)]
    return Sheet(
        "flips",
        "Right children by the number of right parents, over all steps",
        ("strategy", "right parents", "parents", "children", "right", "share right, %"),
        [(name, *(f"{number:,}" for number in numbers), percent(share)) for name, *numbers, share in found],
        ("strategy", "right_parents", "parents", "children", "right", "share"),
        found,
    )


def plain(value: float | None) -> str:
    """A number with two decimals."""
    return "-" if value is None else f"{value:.2f}"


def probability(value: float | None) -> str:
    """A p-value with two digits; very small ones as a bound."""
    return "-" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _fields(name: str) -> tuple[str, ...]:
    return tuple(name + ending for ending in _ESTIMATE)


def _values(estimate: Mapping[str, Any] | None) -> tuple[Any, ...]:
    found = estimate or _NOTHING
    return (found["mean"], found["se"], *(found["ci95"] or (None, None)))
