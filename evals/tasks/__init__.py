"""Tasks: where problems come from."""

from evals.tasks.registry import TASKS, TaskSpec, load_task

__all__ = ["TASKS", "TaskSpec", "load_task"]
