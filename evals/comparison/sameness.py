"""Whether runs can be compared at all, and what else differs between them than the strategy."""

from collections.abc import Mapping, Sequence
from typing import Any

from evals.preparation import identity
from evals.problems import Problem
from evals.records import Records
from rsa.errors import UsageError

__all__ = ["check_same_problems", "remarks_on_differences"]

_SHOWN = 5
_EXPECTED = ("strategy", "task.repeats", "problems (SHA-256)")


def check_same_problems(runs: Sequence[Records]) -> None:
    """Raises `UsageError` that says which problems differ between the first of the runs and another."""
    first = {problem.id: problem for problem in runs[0].run.dataset.problems}
    for other in runs[1:]:
        theirs = {problem.id: problem for problem in other.run.dataset.problems}
        differing = [
            *_listed("only in the first", [name for name in first if name not in theirs]),
            *_listed("only in the second", [name for name in theirs if name not in first]),
            *_listed("not the same", [name for name in first if name in theirs and not _same(first[name], theirs[name])]),
        ]
        if differing:
            paths = f"{runs[0].run.directory.path} and {other.run.directory.path}"
            raise UsageError(
                f"{paths} cannot be compared, for their problems are not the same ({'; '.join(differing)}): "
                "run both on the same task, with the same limit and the same file"
            )


def _same(ours: Problem, theirs: Problem) -> bool:
    return (ours.question, ours.golds, ours.before) == (theirs.question, theirs.golds, theirs.before)


def _listed(what: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return [f"{what}: {', '.join(names[:_SHOWN])}{more}"]


def remarks_on_differences(runs: Sequence[Records], names: Sequence[str]) -> list[str]:
    """One line for everything that may matter and is not the same in all runs, such as the model or the temperature."""
    facts = [_facts(each) for each in runs]
    lines = []
    for key in sorted({key for each in facts for key in each}):
        values = [each.get(key) for each in facts]
        if any(value != values[0] for value in values):
            told = "; ".join(f"{name}: {_short(value)}" for name, value in zip(names, values, strict=True))
            lines.append(f"not the same in all runs: {key} ({told})")
    return lines


def _facts(records: Records) -> Mapping[str, Any]:
    facts = {key: value for key, value in identity(records.run).items() if key not in _EXPECTED}
    return {**facts, "repeats": records.run.config.task.repeats, "scorers": sorted(records.verdicts.versions)}


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."
