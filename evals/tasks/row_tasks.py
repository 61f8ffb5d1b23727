"""Problems out of rows: of a file or of a data set on the hub."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from evals.problems import Dataset, Problem
from evals.tasks.code import code_problems
from evals.tasks.config import TaskConfig
from evals.tasks.files import Row, read_rows
from evals.tasks.ground_truth import is_training_row, training_problems
from evals.tasks.hub import HubSource, hub_rows
from evals.tasks.rows import Layout, problems_from_rows
from evals.tasks.spec import HUB_KEYS, ROW_KEYS, TaskSpec
from rsa.errors import UsageError

__all__ = ["dataset_of_rows", "is_file"]

_REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w.-]+")


def dataset_of_rows(config: TaskConfig, spec: TaskSpec | None) -> Dataset:
    """The problems of a task that is read from rows, or of the user's own (`spec` None)."""
    rows, source, revision = _rows(config, spec)
    chosen = (spec.select(rows, config) if spec and spec.select else rows)[: config.limit]
    return Dataset(tuple(_problems(chosen, config, spec, source)), source, revision, len(rows))


def is_file(data: str) -> bool:
    """Whether `task.data` means a file and no data set on the hub; a file goes before a data set of the same name."""
    return Path(data).exists() or not _REPOSITORY.fullmatch(data)


def _rows(config: TaskConfig, spec: TaskSpec | None) -> tuple[Sequence[Row], str, str | None]:
    """The rows, what they are called, and their revision if they come from the hub."""
    if config.data and is_file(config.data):
        return read_rows(Path(config.data)), Path(config.data).name, None
    given = {name: value for name in HUB_KEYS if (value := getattr(config, name)) is not None}
    if config.data:
        hub = HubSource(config.data, **given)
    elif spec and spec.hub:
        hub = replace(spec.hub, **given)
    else:
        raise UsageError(f"task {config.name}: it is read from a file: name it with --data FILE")
    rows, revision = hub_rows(hub)
    return rows, hub.repository, revision


def _problems(rows: Sequence[Row], config: TaskConfig, spec: TaskSpec | None, source: str) -> list[Problem]:
    parse = spec.parse if spec else None
    if parse is None and rows and is_training_row(rows[0]):
        return training_problems(rows, source)
    if parse is None and rows and ((config.kind or (spec and spec.kind)) == "code" or {"style", "tests"} <= set(rows[0])):
        parse = code_problems
        _refuse_columns(config)
    if parse:
        return parse(rows, source, config.instruction)
    return problems_from_rows(rows, _layout(config, spec, rows), source)


def _refuse_columns(config: TaskConfig) -> None:
    """Programming problems have a layout of their own, in which no column has another name."""
    for key in ROW_KEYS:
        if (key.endswith("_field") or key == "group_fields") and getattr(config, key):
            raise UsageError(f"task.{key}: the columns of programming problems have fixed names: leave it out")


def _layout(config: TaskConfig, spec: TaskSpec | None, rows: Sequence[Row]) -> Layout:
    """The task's columns if the rows have them, else the usual ones, and over both those that the user names."""
    known = spec and rows and spec.layout.question in rows[0]
    layout = spec.layout if spec and known else Layout(kind=spec.kind if spec else None)
    kind = config.kind or layout.kind
    return Layout(
        kind,
        config.question_field or layout.question,
        config.answer_field or layout.answer,
        config.id_field or layout.id,
        config.options_field or (layout.options if kind == "choice" else None),
        tuple(config.group_fields) or layout.groups,
        config.instruction if config.instruction is not None else layout.instruction,
    )
