"""The result in words, no stronger than its numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from evals.report.told import Told
from evals.tables import amount, axis_label, interval, judgement, percent, points

__all__ = ["result_sentence", "saved_sentence"]

_NAMED = 4
"""More strategies than this are counted rather than named."""


def result_sentence(comparison: Mapping[str, Any], runs: Sequence[Told]) -> str:
    """What came out: of one run its accuracy, of several how they compare with the reference at equal budget."""
    table = comparison["table"]
    reference = next((entry for entry in table if entry["at"] is None), None)
    if reference is None or reference["accuracy"]["mean"] is None:
        return "Nothing is measured yet."
    others = [entry for entry in table if entry is not reference]
    if not others:
        return _alone(reference, runs[0], comparison["problems"])
    by_verdict = {verdict: [entry for entry in others if judgement(entry) == verdict] for verdict in ("worse", "better")}
    undecided = [entry for entry in others if judgement(entry) == "not distinguishable"]
    lead = f"{reference['name']} answers {_accuracy(reference)}. Compared at equal {axis_label(comparison)}, it"
    if len(others) > _NAMED:
        return f"{lead} {_counted(len(by_verdict['worse']), len(by_verdict['better']), len(undecided))}."
    parts = [
        *([f"is better than {_listed([_by(entry, -1) for entry in by_verdict['worse']])}"] if by_verdict["worse"] else []),
        *([f"is worse than {_listed([_by(entry, 1) for entry in by_verdict['better']])}"] if by_verdict["better"] else []),
        *([f"is not distinguishable from {_listed([_named(entry) for entry in undecided])}"] if undecided else []),
    ]
    return f"{lead} {_listed(parts)}."


def _counted(beaten: int, better: int, undecided: int) -> str:
    """The same of many strategies: how many, for the table says which."""
    parts = [(beaten, "is better than"), (better, "is worse than"), (undecided, "is not distinguishable from")]
    told = [f"{verb} {count}" for count, verb in parts if count]
    return f"{_listed(told)} of the {beaten + better + undecided} others"


def _alone(reference: Mapping[str, Any], run: Told, problems: int) -> str:
    first, last = run.steps[0], run.steps[-1]
    trend = f" after {last['step']} steps; at step 1 it was {percent(first['accuracy']['mean'])} %" if run.long else ""
    said = f"{reference['name']} answers {_accuracy(reference)}{trend}."
    return said if problems > 1 else f"{said} One problem allows no error bars."


def _accuracy(entry: Mapping[str, Any]) -> str:
    spread = interval(entry["accuracy"])
    return f"{percent(entry['accuracy']['mean'])} % of the problems right" + (
        f" (95 % interval {spread})" if spread != "-" else ""
    )


def _by(entry: Mapping[str, Any], sign: int) -> str:
    """A strategy with the size of the difference, told from the reference's side."""
    difference = entry["difference"]
    bounds = sorted(sign * bound for bound in difference["ci95"]) if difference["ci95"] else None
    spread = f" (95 % interval {' to '.join(points(bound).lstrip('+') for bound in bounds)})" if bounds else ""
    return f"{_named(entry)} by {points(sign * difference['mean']).lstrip('+')} points{spread}"


def _named(entry: Mapping[str, Any]) -> str:
    """A strategy's name; of one that ends before the reference begins it is said, for then the budgets are not equal."""
    return f"{entry['name']} at its end ({amount(entry['cost'])})" if entry["held"] else str(entry["name"])


def _listed(items: Sequence[str]) -> str:
    return " and ".join(items) if len(items) < 3 else f"{', '.join(items[:-1])} and {items[-1]}"


def saved_sentence(comparison: Mapping[str, Any]) -> str | None:
    """What did not have to be generated, because another strategy had it; None if nothing."""
    saved = comparison.get("saved") or {}
    if not saved.get("chains"):
        return None
    tokens = saved.get("completion_tokens")
    more = f" with {tokens:,} new tokens" if tokens else ""
    return f"{saved['chains']:,} chains{more} were shared between strategies, and generated once."
