"""`rsa-train build`: from what was typed to a training set."""

import asyncio
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evals.commands import merged
from evals.console import output, write_json
from evals.directory import RunDirectory
from evals.display import Display, make_display
from evals.endings import ended
from evals.lock import locked, remove_locks
from evals.train.building.build import BuildDirectory, write_training_set
from evals.train.building.config import BuildConfig
from evals.train.building.forecast import show_plan
from evals.train.building.frozen import discard_frozen
from evals.train.building.lengths import check_counting, check_lengths
from evals.train.building.prompting import Prompting
from evals.train.building.sampling import sample, sampling_runs
from evals.train.building.sources import Selection, select
from rsa.errors import Incomplete, RSAError, UsageError
from rsa.settings import load

__all__ = ["build_now", "load_build"]

_EXAMPLE = "sources: [{task: arithmetic}]"
_REMEDIES = MappingProxyType({"sources": "name at least one, such as [{task: arithmetic}]"})
_PROGRAM = "rsa-train"


def load_build(path: Path, overrides: Mapping[str, Any]) -> BuildConfig:
    """The configuration of a file with values put over it. Raises `UsageError` that lists every mistake at once."""
    return load(path, overrides, BuildConfig, _EXAMPLE, _REMEDIES)


def build_now(
    target: str,
    flags: Mapping[str, Any],
    sets: Sequence[str],
    *,
    as_json: bool,
    plan_only: bool = False,
    retry_dead: bool = False,
) -> None:
    """Build a training set, or go on with the one in its folder, or only say what it would cost."""
    config = load_build(Path(target), merged(flags, sets))
    check_lengths(config)
    Prompting.of(config)
    directory = BuildDirectory(Path(config.out) if config.out else _new_folder(Path(target)))
    if plan_only:
        show_plan(config, select(config, directory.sources if directory.begun else None), as_json)
        return
    asyncio.run(check_counting(config))
    _create(directory)
    with locked(directory.path):
        try:
            with make_display(quiet=as_json) as display:
                summary = _build(config, directory, display, retry_dead)
        except RSAError as error:
            if as_json and directory.begun:
                write_json({**ended(directory.path, error), "summary": None})
            raise _resumable(directory, error) if isinstance(error, Incomplete) else error from error
        finally:
            _discard_if_unused(directory)
    _show(directory, summary, as_json)


def _build(config: BuildConfig, directory: BuildDirectory, display: Display, retry_dead: bool) -> dict[str, Any]:
    selection = select(config, directory.sources)
    runs = sampling_runs(config, selection, directory.path)
    display.note(_told(config, selection))
    command = [_PROGRAM, *sys.argv[1:]]
    problem = sample(runs, command, display, retry_dead=retry_dead)
    if problem:
        raise problem
    try:
        return asyncio.run(write_training_set(config, selection, runs, directory, command, display))
    except KeyboardInterrupt as error:
        raise Incomplete("interrupted before all files were written") from error


def _told(config: BuildConfig, selection: Selection) -> str:
    names = ", ".join(f"{source.name} {len(source.dataset.problems):,}" for source in selection.sources)
    left_out = f"; {len(selection.dropped):,} are left out" if selection.dropped else ""
    return f"{selection.problems:,} problems ({names}){left_out}; {config.n} candidates for each"


def _new_folder(target: Path) -> Path:
    """A folder under runs/ that is not there yet, named by the time and the config file."""
    stamped = f"{time.strftime('%Y%m%d-%H%M%S')}-{target.stem}-build"
    number = 1
    while (path := Path("runs") / (stamped if number == 1 else f"{stamped}-{number}")).exists():
        number += 1
    return path


def _create(directory: BuildDirectory) -> None:
    """Make the folder. Raises `UsageError` if it cannot be made or holds something else than a training set."""
    path = directory.path
    try:
        path.mkdir(parents=True, exist_ok=True)
        foreign = directory.foreign()
    except OSError as error:
        raise UsageError(f"out: {path} cannot be used for a training set ({error.strerror})") from error
    if foreign:
        raise UsageError(f"out: {path} is not a training set and not empty (it holds {foreign[0]}): name another (--out)")


def _discard_if_unused(directory: BuildDirectory) -> None:
    """Take back the folders of a training set for which nothing was ever sampled. For the holder of the lock."""
    if not directory.begun:
        discard_frozen(directory.sources)
    for folder in directory.samples.iterdir() if directory.samples.is_dir() else ():
        RunDirectory(folder).discard_if_empty()
    for folder in (directory.samples, directory.path):
        if folder == directory.path and not directory.begun:
            remove_locks(folder)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _resumable(directory: BuildDirectory, problem: Incomplete) -> Incomplete:
    """The problem, with the command that goes on where anything was begun."""
    if not directory.begun:
        return Incomplete(f"{problem} before anything was generated")
    typed = sys.argv[1:]
    command = [_PROGRAM, *typed, *(() if "--out" in typed else ("--out", str(directory.path)))]
    return Incomplete(f"{problem}\nResume with: {shlex.join(command)} {problem.remedy}".rstrip())


def _show(directory: BuildDirectory, summary: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        write_json({**ended(directory.path, None), "summary": dict(summary)})
        return
    console = output()
    console.print(directory.card.read_text(encoding="utf-8"), soft_wrap=True)
    console.print(f"Training set: {directory.path}", soft_wrap=True)
