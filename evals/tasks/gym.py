"""Reasoning Gym: procedurally generated items of any of its data sets."""

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

from evals.installed import installed_version
from evals.problems import Dataset, Problem
from evals.tasks.config import TaskConfig
from evals.tasks.rows import instruction_for
from rsa.errors import UsageError
from rsa.text import did_you_mean

__all__ = ["gym_dataset"]

_SIZE = 100


def gym_dataset(names: str, config: TaskConfig) -> Dataset:
    """`size` items, shared evenly by the data sets that `names` names: data sets or categories, separated by commas.

    Raises `UsageError` for a name that is neither, and without the package.
    """
    if importlib.util.find_spec("reasoning_gym") is None:
        raise UsageError("task reasoning_gym needs its package: pip install 'recursive-self-aggregation[gym]'")
    request = {
        "names": [name.strip() for name in names.split(",") if name.strip()],
        "size": config.size or _SIZE,
        "seed": config.data_seed,
        "parameters": config.parameters,
    }
    items = _generate(request)
    instruction = instruction_for("gym") if config.instruction is None else config.instruction
    problems = tuple(_problem(item, instruction) for item in items[: config.limit])
    package = f"reasoning-gym {installed_version('reasoning-gym')}"
    datasets = sorted({item["dataset"] for item in items})
    return Dataset(problems, package, rows=len(items), details={"datasets": datasets, "data_seed": config.data_seed})


def _problem(item: dict[str, Any], instruction: str) -> Problem:
    entry, dataset = item["entry"], item["dataset"]
    question = f"{entry['question']}\n\n{instruction}" if instruction else entry["question"]
    golds = () if entry["answer"] is None else (str(entry["answer"]),)
    extra = {"dataset": dataset, "entry": entry}
    return Problem(f"{dataset}-{item['index']}", question, golds, "gym", (), {"dataset": dataset}, extra)


def _generate(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The items, made by a process of its own: some data sets depend on the hash seed that a process starts with."""
    done = subprocess.run(
        [sys.executable, "-m", "evals.tasks.gym_items"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    lines = done.stdout.splitlines()
    outcome = json.loads(lines[-1]) if done.returncode == 0 and lines else None
    if outcome is None:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UsageError(f"Reasoning Gym could not make the items: {last}")
    if "unknown" in outcome:
        name = outcome["unknown"]
        raise UsageError(f"Reasoning Gym has no data set or category {name!r}{did_you_mean(name, outcome['valid'])}")
    if "refused" in outcome:
        raise UsageError(f"task.parameters: {outcome['refused']}")
    items: list[dict[str, Any]] = outcome["items"]
    return items
