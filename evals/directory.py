"""The run directory: which files a run has, and how they are written."""

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from evals.lock import is_lock, locked, remove_locks
from evals.problems import Dataset
from rsa.errors import Incomplete, UsageError
from rsa.prompts import Prompts

__all__ = ["FORMAT", "RunDirectory", "disk_error", "next_free", "sync_folder", "write_parts", "write_whole"]

FORMAT = 1
"""The version of the run directory's layout."""
_REMEDIES = MappingProxyType(
    {
        errno.EIO: "check the disk",
        errno.EFBIG: "raise the limit on the size of files (ulimit -f) or make space",
        errno.EROFS: "make the file system writable",
        errno.EACCES: "make the folder writable",
        errno.EMFILE: "raise the limit on open files (ulimit -n)",
    }
)


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
        self.spending = path / "spending.json"
        self.answers = path / "answers.jsonl"
        self.report = path / "report.html"
        self.server_log = path / "server.log"
        self.fresh_verdicts = path / "verdicts.new.jsonl"
        logs = (self.chains, self.verdicts)
        results = (self.summary, self.report, self.answers, self.spending)
        self._half_written = (*map(_scratch, (self.run_yaml, self.problems, *logs, *results)), self.fresh_verdicts)

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
        return is_lock(entry) or entry == self.server_log or entry in self._half_written

    def discard_if_empty(self) -> None:
        """Take back what `create` and `locked` made for a run that never started. For the holder of the lock."""
        if not self.started:
            remove_locks(self.path)
            if not any(self.path.iterdir()):
                self.path.rmdir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process out of the run (see `evals.lock`), and clear away what a killed one left half written.

        Raises `UsageError` if a process is in it.
        """
        with locked(self.path):
            for path in self._half_written:
                path.unlink(missing_ok=True)
            yield

    def freeze(self, dataset: Dataset, prompts: Prompts) -> None:
        """Write the problems and the prompts, so that nothing outside is needed to resume or to score."""
        write_whole(self.problems, dataset.lines().decode())
        try:
            self.prompts.mkdir(exist_ok=True)
        except OSError as error:
            raise disk_error(self.prompts, error) from error
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
    write_parts(path, [text.encode()])


def write_parts(path: Path, parts: Iterable[bytes], kept: Path | None = None) -> None:
    """As `write_whole`, from parts, which may read the file itself; what it holds so far is kept as `kept`, if given."""
    scratch = _scratch(path)
    try:
        with scratch.open("wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        if kept:
            _keep(path, kept)
        scratch.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise disk_error(path, error) from error


def _keep(path: Path, kept: Path) -> None:
    """Give a file a second name; where the file system knows no such thing, a copy."""
    try:
        kept.hardlink_to(path)
    except OSError:
        try:
            shutil.copyfile(path, kept)
        except OSError:
            kept.unlink(missing_ok=True)
            raise


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where the file system can be asked for that."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise
    finally:
        os.close(descriptor)


def _scratch(path: Path) -> Path:
    return path.with_suffix(".tmp")


def disk_error(path: Path, error: OSError) -> Incomplete:
    """The error for a file that the disk does not take."""
    remedy = _REMEDIES.get(error.errno or 0, "make space")
    return Incomplete(f"{path} cannot be written ({error.strerror}): {remedy}, then resume")


def next_free(path: Path) -> Path:
    """A name beside `path` to keep its content under: `chains.1.jsonl` for `chains.jsonl`, and so on."""
    number = 1
    while (kept := path.with_suffix(f".{number}{path.suffix}")).exists():
        number += 1
    return kept
