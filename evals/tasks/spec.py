"""What a task is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from evals.problems import Dataset, Problem
from evals.tasks.config import TaskConfig
from evals.tasks.files import Row
from evals.tasks.hub import HubSource
from evals.tasks.rows import Layout

__all__ = ["HUB_KEYS", "OWN_KEYS", "ROW_KEYS", "TaskSpec"]

ROW_KEYS = ("kind", "question_field", "answer_field", "id_field", "options_field", "group_fields", "instruction")
"""Keys of a task section for whatever is read from plain rows."""
HUB_KEYS = ("split", "subset", "revision")
"""Keys for what comes from the hub."""
OWN_KEYS = ("size", "data_seed", "discipline", "difficulty", "parameters", "release", "start", "end", "exclude_errata")
"""Keys that single tasks take."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task: what `rsa-eval tasks` says of it, and where its problems come from.

    `takes` are the keys of a task section that mean something to it. Its problems are rows, of the `hub` or of a file, of
    which `select` takes some and which `parse`, or else the `layout`, turns into problems. Or they are what `make` makes of
    the section, of the text behind the colon of `NAME:TEXT` (where `takes_text`), and of the run's seed.
    """

    name: str
    kind: str
    scorer: str
    count: str
    licence: str
    about: str
    takes: tuple[str, ...] = ()
    hub: HubSource | None = None
    layout: Layout = field(default_factory=Layout)
    select: Callable[[Sequence[Row], TaskConfig], Sequence[Row]] | None = None
    parse: Callable[[Sequence[Row], str, str | None], list[Problem]] | None = None
    make: Callable[[TaskConfig, str, int], Dataset] | None = None
    makes_of_files: bool = False
    takes_text: bool = False
