"""What tasks and scorers there are: `rsa-eval tasks`."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich import box
from rich.table import Table

from evals.console import output, write_json
from evals.scoring.explanations import EXPLANATIONS, Explanation
from evals.tasks import TASKS, TaskSpec
from rsa.errors import UsageError
from rsa.text import did_you_mean

__all__ = ["explain", "list_tasks"]


def list_tasks(as_json: bool) -> None:
    """Show every named task."""
    if as_json:
        write_json([_described(spec) for spec in TASKS.values()])
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("task", "problems", "scorer", "licence"):
        table.add_column(column, no_wrap=True)
    table.add_column("about, and where it comes from")
    for spec in TASKS.values():
        about = "\n".join(filter(None, (spec.about, _origin(spec))))
        table.add_row(spec.name, spec.count, spec.scorer, spec.licence, about)
    console = output()
    console.print(table)
    console.print("How answers are judged: rsa-eval tasks --explain SCORER")
    console.print("Your own: rsa-eval run --data FILE.jsonl|.csv|.parquet|HUB/NAME --question-field Q --answer-field A")


def _origin(spec: TaskSpec) -> str:
    return f"{spec.hub.repository} at {(spec.hub.revision or 'its newest')[:12]}" if spec.hub else ""


def _described(spec: TaskSpec) -> Mapping[str, Any]:
    shown = ("name", "kind", "scorer", "count", "licence", "about")
    return {
        **{name: getattr(spec, name) for name in shown},
        "hub": spec.hub.repository if spec.hub else None,
        "revision": spec.hub.revision if spec.hub else None,
        "keys": list(spec.takes),
    }


def explain(name: str, as_json: bool) -> None:
    """Show how a scorer, or a task's, reads answers and when they are right. Raises `UsageError` for any other name."""
    scorer = TASKS[name].scorer if name in TASKS else name
    if scorer not in EXPLANATIONS:
        raise UsageError(f"there is no scorer or task {name!r}{did_you_mean(name, [*EXPLANATIONS, *TASKS])}")
    explanation = EXPLANATIONS[scorer]
    if as_json:
        write_json({"scorer": scorer, **asdict(explanation)})
        return
    console = output()
    console.print(f"scorer {scorer}", soft_wrap=True)
    console.print(f"reads   {explanation.reads}", soft_wrap=True)
    console.print(f"right   {explanation.right}", soft_wrap=True)
    if explanation.examples:
        console.print(_examples(explanation))


def _examples(explanation: Explanation) -> Table:
    table = Table("reply", "right answer", "verdict", "because", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for example in explanation.examples:
        table.add_row(example.reply, example.gold, example.outcome, example.rule)
    return table
