"""Problems of named tasks, kept beside the training set: some take minutes to generate, and going on must find the same."""

import hashlib
import json
import re
from pathlib import Path

from evals.directory import disk_error, write_parts
from evals.problems import Dataset, load_problems
from evals.tasks import load_task
from evals.tasks.config import TaskConfig
from rsa.errors import UsageError

__all__ = ["discard_frozen", "load_frozen"]

_NAME = re.compile(r"[0-9a-f]{16}\.(json|jsonl|tmp)")


def load_frozen(task: TaskConfig, seed: int, folder: Path | None) -> Dataset:
    """The problems of a task: those that were kept in the folder, else they are loaded, and kept if there is a folder.

    A file of the user's is read every time, because it may have changed. Raises as `load_task` does.
    """
    if folder is None or task.data is not None:
        return load_task(task, seed)
    name = hashlib.blake2b(f"{task.model_dump_json()} {seed}".encode(), digest_size=8).hexdigest()
    about, problems = folder / f"{name}.json", folder / f"{name}.jsonl"
    if about.is_file():
        return _read(about, problems)
    dataset = load_task(task, seed)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from error
    write_parts(problems, [dataset.lines()])
    told = {"source": dataset.source, "revision": dataset.revision, "rows": dataset.rows, "details": dict(dataset.details)}
    write_parts(about, [json.dumps({"sha256": dataset.sha256(), **told}).encode()])
    return dataset


def discard_frozen(folder: Path) -> None:
    """Take back what was kept in a folder, and the folder if nothing else is in it."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if _NAME.fullmatch(path.name):
            path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _read(about: Path, problems: Path) -> Dataset:
    try:
        told = json.loads(about.read_text(encoding="utf-8"))
        sha256 = told.pop("sha256")
        return Dataset(load_problems(problems, sha256), **told)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{about} cannot be read ({error}): remove it, and the problems are made again") from error
