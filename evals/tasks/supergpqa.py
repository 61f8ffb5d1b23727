"""SuperGPQA: graduate-level multiple choice, all of it or a seeded sample, by discipline and difficulty."""

from collections.abc import Mapping, Sequence
from typing import Any

from evals.tasks.config import TaskConfig
from evals.tasks.files import Row
from evals.tasks.rows import Layout
from rsa.errors import UsageError
from rsa.keys import Key
from rsa.text import did_you_mean

__all__ = ["LAYOUT", "selected"]

LAYOUT = Layout(
    kind="choice",
    question="question",
    answer="answer_letter",
    id="uuid",
    options="options",
    groups=("discipline", "difficulty"),
)
"""The columns on the hub."""


def selected(rows: Sequence[Row], config: TaskConfig) -> list[Row]:
    """The rows of the wanted discipline and difficulty, and of these a sample drawn by `data_seed`, in their own order.

    Raises `UsageError` for a discipline or difficulty that no row has.
    """
    for name in ("discipline", "difficulty"):
        wanted = getattr(config, name)
        if wanted is not None:
            there = {str(_value(row, name)) for row in rows}
            if wanted not in there:
                raise UsageError(f"task.{name}: no question has the {name} {wanted!r}{did_you_mean(wanted, there)}")
            rows = [row for row in rows if _value(row, name) == wanted]
    if config.size is None:
        return list(rows)
    order = Key(config.data_seed, "supergpqa", purpose="data").permutation(len(rows))
    return [rows[index] for index in sorted(order[: config.size])]


def _value(row: Mapping[str, Any], name: str) -> Any:
    """A column's value; the published RSA files keep it in `extra_info`."""
    info = row.get("extra_info")
    return row.get(name, info.get(name) if isinstance(info, Mapping) else None)
