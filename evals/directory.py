"""The run directory: which files a run has, and one process at a time in it."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from evals.problems import Dataset
from rsa.errors import Incomplete, UsageError
from rsa.prompts import Prompts

__all__ = ["FORMAT", "RunDirectory", "disk_error", "next_free", "write_whole"]

FORMAT = 1
"""The version of the run directory's layout."""


class RunDirectory:
    """The paths of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_yaml = path / "run.yaml"
        self.problems = path / "problems.jsonl"
        self.prompts = path / "prompts"
        self.chains = path / "chains.jsonl"
        self.verdicts = path / "verdicts.jsonl"
        self.summary = path / "summary.json"
        self.report = path / "report.html"
        self.server_log = path / "server.log"
        self._lock = path / "run.lock"

    @property
    def started(self) -> bool:
        """Whether a run was started here."""
        try:
            return self.run_yaml.is_file()
        except OSError:  # a path that is too long, say; `create` tells
            return False

    def create(self, dataset: Dataset, prompts: Prompts) -> None:
        """Make the folder for a run on these problems with these prompts.

        Raises `UsageError` if it cannot be written or holds something else than what a start that was cut short leaves.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            foreign = [entry.name for entry in self.path.iterdir() if not self._left_by_a_start(entry, dataset, prompts)]
        except OSError as error:
            raise UsageError(f"out: {self.path} cannot be used as a run directory ({error.strerror})") from error
        if foreign:
            raise UsageError(f"out: {self.path} is not a run directory and not empty (it holds {foreign[0]}): name another")
        if not os.access(self.path, os.W_OK):
            raise UsageError(f"out: {self.path} cannot be written to: name another folder (--out)")

    def _left_by_a_start(self, entry: Path, dataset: Dataset, prompts: Prompts) -> bool:
        if entry == self.problems:
            return entry.read_bytes() == dataset.lines()
        if entry == self.prompts:
            ours = {f"{name}.j2": source.encode() for name, source in prompts.sources.items()}
            return all(path.suffix == ".tmp" or path.read_bytes() == ours.get(path.name) for path in entry.iterdir())
        return entry in (self.server_log, self._lock, _scratch(self.run_yaml), _scratch(self.problems))

    def discard_if_empty(self) -> None:
        """Take back what `create` and `locked` made for a run that never started. For the holder of the lock."""
        if not self.started:
            self._lock.unlink(missing_ok=True)
            if not any(self.path.iterdir()):
                self.path.rmdir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process out of the run. A lock ends with the process that holds it, however that dies.

        Raises `UsageError` with the process id of the holder.
        """
        try:
            lock = self._lock.open("a+", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"{self._lock} cannot be opened ({error.strerror}): the run directory must be writable"
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise UsageError(
                    f"{self.path} is in use by another process (pid {holder}): wait for it, or stop it"
                ) from error
            except OSError as error:
                raise UsageError(
                    f"{self._lock} cannot be locked ({error.strerror}): use a file system with locks"
                ) from error
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def freeze(self, dataset: Dataset, prompts: Prompts) -> None:
        """Write the problems and the prompts, so that nothing outside is needed to resume or to score."""
        write_whole(self.problems, dataset.lines().decode())
        self.prompts.mkdir(exist_ok=True)
        for name, source in prompts.sources.items():
            write_whole(self.prompts / f"{name}.j2", source)

    def write_run(self, content: Mapping[str, Any]) -> None:
        """Write `run.yaml`; from then on the run counts as started."""
        text = yaml.safe_dump({"format": FORMAT, **content}, sort_keys=False, width=120)  # ASCII: every text survives
        write_whole(self.run_yaml, text)

    def read_run(self) -> dict[str, Any]:
        """The content of `run.yaml`. Raises `UsageError` if there is none, or if a newer version wrote it."""
        try:
            content = yaml.safe_load(self.run_yaml.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(
                f"{self.path} is not a run directory: there is no readable run.yaml ({error.strerror})"
            ) from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise UsageError(f"{self.run_yaml} is not YAML: {error}") from error
        if not isinstance(content, dict) or not isinstance(content.get("format"), int):
            raise UsageError(f"{self.run_yaml} says no format number: it is not the file of a run")
        if content["format"] > FORMAT:
            raise UsageError(
                f"{self.path} was written by a newer version (format {content['format']}, this one knows {FORMAT}): "
                "upgrade recursive-self-aggregation"
            )
        return content

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write `summary.json`."""
        write_whole(self.summary, json.dumps(summary, indent=2, ensure_ascii=False) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all, also when the power is cut. Raises `Incomplete` if the disk does not take it."""
    scratch = _scratch(path)
    try:
        with scratch.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise disk_error(path, error) from error


def _scratch(path: Path) -> Path:
    return path.with_suffix(".tmp")


def disk_error(path: Path, error: OSError) -> Incomplete:
    """The error for a file that the disk does not take."""
    return Incomplete(f"{path} cannot be written ({error.strerror}): make space, then resume")


def next_free(path: Path) -> Path:
    """A name beside `path` to keep its content under: `chains.1.jsonl` for `chains.jsonl`, and so on."""
    number = 1
    while (kept := path.with_suffix(f".{number}{path.suffix}")).exists():
        number += 1
    return kept
