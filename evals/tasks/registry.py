"""The tasks by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from evals.config import TaskConfig
from evals.problems import Dataset
from evals.scoring import SCORED_KINDS
from evals.tasks.arithmetic import arithmetic_problems
from evals.tasks.files import problems_from_rows, read_rows
from evals.tasks.hub import hub_rows
from rsa.errors import UsageError
from rsa.text import did_you_mean

__all__ = ["TASKS", "TaskSpec", "load_task"]


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task. `hub` is its data set on the Hugging Face hub, None for one that is made on the spot."""

    name: str
    kind: str
    count: int
    licence: str
    about: str
    hub: str | None = None


_OF_ROWS = ("kind", "instruction", "question_field", "answer_field", "id_field")
_ALL = (
    TaskSpec("aime25", "math", 30, "CC BY-NC-SA 4.0", "AIME 2025 I and II, integer answers", "MathArena/aime_2025"),
    TaskSpec(
        "hmmt25",
        "math",
        30,
        "CC BY-NC-SA 4.0",
        "HMMT February 2025; answers compared as plain text",
        "MathArena/hmmt_feb_2025",
    ),
    TaskSpec("arithmetic", "number", 121, "Apache-2.0", "products up to 12 x 12, generated; the demo; last number counts"),
)

TASKS: Mapping[str, TaskSpec] = MappingProxyType({spec.name: spec for spec in _ALL})
"""Every named task."""


def load_task(config: TaskConfig, seed: int) -> Dataset:
    """The problems that a task section asks for. Raises `UsageError` for whatever is wrong with them."""
    spec = None
    if config.name:
        if config.name not in TASKS:
            raise UsageError(
                f"there is no task {config.name!r}{did_you_mean(config.name, TASKS)}; "
                "for a file of your own give --data FILE"
            )
        spec = TASKS[config.name]
    dataset = _load(config, spec, seed)
    unscored = {problem.kind for problem in dataset.problems} - set(SCORED_KINDS)
    if unscored:
        raise UsageError(
            f"{dataset.source}: problems of kind {', '.join(sorted(unscored))} cannot be scored "
            f"(--kind takes {', '.join(SCORED_KINDS)})"
        )
    return dataset


def _load(config: TaskConfig, spec: TaskSpec | None, seed: int) -> Dataset:
    kind = config.kind or (spec.kind if spec else None)
    if config.data:
        rows = read_rows(Path(config.data))
        source = Path(config.data).name
        return Dataset(tuple(problems_from_rows(rows, config, kind, source)), source, rows=len(rows))
    if spec is None or spec.hub is None:
        given = [name for name in _OF_ROWS if getattr(config, name) is not None]
        if given:
            raise UsageError(f"task.{given[0]}: {config.name} is generated and takes no {', '.join(given)}: leave it out")
        return Dataset(tuple(arithmetic_problems(seed, config.limit)), "generated", rows=121)
    rows, revision = hub_rows(spec.hub, "train")
    return Dataset(tuple(problems_from_rows(rows, config, kind, spec.hub)), spec.hub, revision, len(rows))
