"""Tasks: where problems come from."""

from evals.tasks.registry import TASKS, load_task, scorer_of
from evals.tasks.spec import TaskSpec

__all__ = ["TASKS", "TaskSpec", "load_task", "scorer_of"]
