"""The directory of a comparison: one run directory for each of its runs, and what they come to together.

`compare.yaml` has the configuration and says which folder holds which run, `comparison.json` the comparison,
`report.html` the page about all of them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evals.directory import write_whole
from evals.lock import is_lock, remove_locks
from rsa.errors import UsageError

__all__ = ["ComparisonDirectory", "Member", "members"]

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Member:
    """A run of a comparison: its directory, and its name where it has one of its own."""

    path: Path
    name: str | None = None


class ComparisonDirectory:
    """The paths of one comparison."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.compare_yaml = path / "compare.yaml"
        self.comparison = path / "comparison.json"
        self.report = path / "report.html"

    @property
    def started(self) -> bool:
        """Whether a comparison was started here."""
        try:
            return self.compare_yaml.is_file()
        except OSError:  # a path that is too long, say; `create` tells
            return False

    def create(self, *, results: bool = False) -> None:
        """Make the folder. Raises `UsageError` if it cannot be made or holds something else; where it is only for `results`
        of runs that lie elsewhere, those of before may be there."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            own = {self.compare_yaml.with_suffix(".tmp")}  # a start that was cut short left it half written
            own |= {self.comparison, self.report} if results else set()
            foreign = [entry.name for entry in self.path.iterdir() if not is_lock(entry) and entry not in own]
        except OSError as error:
            raise UsageError(f"out: {self.path} cannot be used for a comparison ({error.strerror})") from error
        if foreign and not self.started:
            raise UsageError(f"out: {self.path} is not a comparison and not empty (it holds {foreign[0]}): name another")

    def discard_if_unused(self) -> None:
        """Take back what a comparison left of which no run ever started. For the holder of the lock."""
        folders = [self.path / folder for folder in self.read()["runs"]] if self.started else []
        if not any((folder / "run.yaml").exists() for folder in folders):
            for folder in folders:
                _discard_empty(folder)
            self.compare_yaml.unlink(missing_ok=True)
            remove_locks(self.path)
            if self.path.is_dir() and not any(self.path.iterdir()):
                self.path.rmdir()

    def write(self, config: Mapping[str, Any], runs: Mapping[str, Mapping[str, Any]]) -> None:
        """Write `compare.yaml`: the configuration, and of the run in each folder its name and what it has of its own."""
        content = {"format": _FORMAT, "runs": dict(runs), "config": dict(config)}
        write_whole(self.compare_yaml, yaml.safe_dump(content, sort_keys=False, width=120))

    def read(self) -> dict[str, Any]:
        """The content of `compare.yaml`. Raises `UsageError` if it is none, or if a newer version wrote it."""
        try:
            content = yaml.safe_load(self.compare_yaml.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise UsageError(f"{self.compare_yaml} cannot be read ({error})") from error
        if not isinstance(content, dict) or not isinstance(content.get("runs"), dict) or "config" not in content:
            raise UsageError(f"{self.compare_yaml} is not the file of a comparison")
        if content.get("format") != _FORMAT:
            raise UsageError(f"{self.path} was written by another version (format {content.get('format')}): upgrade")
        for folder, run in content["runs"].items():
            if not isinstance(run, dict) or not isinstance(run.get("name"), str) or not isinstance(run.get("given"), dict):
                raise UsageError(f"{self.compare_yaml}: run {folder} has no name, or not what is its own: restore the file")
        return content

    def write_comparison(self, comparison: Mapping[str, Any]) -> None:
        """Write `comparison.json`."""
        write_whole(self.comparison, json.dumps(comparison, indent=2, ensure_ascii=False) + "\n")


def _discard_empty(folder: Path) -> None:
    """Take back the folder of a run that never started."""
    if folder.is_dir():
        remove_locks(folder)
        if not any(folder.iterdir()):
            folder.rmdir()


def members(path: Path) -> list[Member]:
    """The runs in a directory: those of a comparison that were started, or the one run that it is."""
    directory = ComparisonDirectory(path)
    if not directory.started:
        return [Member(path)]
    found = [Member(path / folder, run["name"]) for folder, run in directory.read()["runs"].items()]
    started = [member for member in found if (member.path / "run.yaml").is_file()]
    if not started:
        raise UsageError(f"{path} is a comparison of which no run has started: rsa-eval resume {path}")
    return started
