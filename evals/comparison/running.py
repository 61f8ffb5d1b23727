"""`rsa-eval compare`: runs the strategies of a comparison on one server, or takes runs that are there, and compares them."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.comparison.comparing import NO_PRICES, compare
from evals.comparison.config import ComparisonConfig, Entry, entries, remembered
from evals.comparison.directory import ComparisonDirectory, Member, members
from evals.comparison.table import show_comparison
from evals.config import RunConfig
from evals.console import output, write_json
from evals.display import make_display
from evals.endings import ended, resumable
from evals.loading import checked
from evals.lock import locked
from evals.preparation import (
    Preparation,
    check_operational,
    new_directory,
    prepare,
    prepare_recorded,
    with_server,
)
from evals.records import Records, open_records
from evals.report import write_report
from evals.results import summed
from evals.revival import drop_dead
from evals.runner import Outcome, evaluate
from rsa.budget import Prices
from rsa.errors import Incomplete, RSAError, UsageError
from rsa.text import did_you_mean

__all__ = ["Wish", "compare_directories", "compared", "is_comparison", "resume_comparison", "run_comparison"]


_MAY_CHANGE = ("match", "reference", "votes", "task.scorer", "task.tolerance", "task.lenient")
"""What may differ when a comparison goes on: how it compares; and what `rsa-eval score` has changed in its runs."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How runs are to be compared, as `compare` takes it."""

    match: str = "generations"
    reference: str | None = None
    votes: bool = False
    prices: Prices | None = None
    strict: bool = False

    @classmethod
    def of(cls, config: ComparisonConfig) -> "Wish":
        """That of a configuration."""
        return cls(config.match, config.reference, config.votes, config.prices.build() if config.prices else None)

    def check(self, wanted: Sequence[Entry]) -> None:
        """See that what is wished for can be, before anything is spent. Raises `UsageError`."""
        if self.match == "price" and self.prices is None:
            raise UsageError(f"match: budgets cannot be matched by price{NO_PRICES}")
        names = [entry.name for entry in wanted]
        known = [*names, *(f"{name} + vote" for name in names)] if self.votes else names
        if self.reference is not None and self.reference not in known:
            raise UsageError(f"reference: there is no {self.reference!r}{did_you_mean(self.reference, known)}")


def is_comparison(path: Path) -> bool:
    """Whether a directory is that of a comparison."""
    return ComparisonDirectory(path).started


def run_comparison(config: ComparisonConfig, as_json: bool, *, retry_dead: bool = False) -> None:
    """Run what is not recorded yet, compare, and show the table. Raises what stopped a run, if anything did."""
    directory = ComparisonDirectory(Path(config.out) if config.out else new_directory(config.task, "compare"))
    config = _with_wishes_of_before(directory, config)
    wanted, notes = entries(config)
    directory.create()
    with locked(directory.path):
        try:
            wanted = [*_earlier(directory, config, wanted), *wanted]
            Wish.of(config).check(wanted)
            runs = _begun(directory, config, wanted)
            with make_display(quiet=as_json) as display, ExitStack() as stack:
                for note in notes:
                    display.note(note)
                for run in runs:
                    stack.callback(run.directory.discard_if_empty)
                    stack.enter_context(run.directory.locked())
                    if retry_dead and run.directory.started:
                        display.note(f"{run.directory.path.name}: {drop_dead(run)} chains are taken back")
                outcomes = evaluate(runs, ["rsa-eval", *sys.argv[1:]], display)
            problem = next((outcome.problem for outcome in outcomes if outcome.problem), None)
            _conclude(directory, Wish.of(config), outcomes, problem, notes, as_json)
        except Incomplete as error:
            raise resumable(directory.path, directory.started, error) from error
        finally:
            directory.discard_if_unused()
    if problem:
        raise problem if not isinstance(problem, Incomplete) else resumable(directory.path, directory.started, problem)


def resume_comparison(path: Path, overrides: Mapping[str, Any], as_json: bool, *, retry_dead: bool = False) -> None:
    """Go on with a comparison. `overrides` may change how chains are made, not which."""
    directory = ComparisonDirectory(path)
    check_operational(overrides, _MAY_CHANGE)
    content = with_server(directory.read()["config"], overrides)
    origins = dict.fromkeys(overrides, "command line")
    config = checked({**content, "out": str(path)}, origins, str(directory.compare_yaml), ComparisonConfig)
    run_comparison(config, as_json, retry_dead=retry_dead)


def compare_directories(paths: Sequence[Path], wish: Wish, out: Path | None, as_json: bool) -> None:
    """Compare runs that are there. With `out`, the comparison and its report are written there."""
    found = [member for path in paths for member in members(path)]
    with ExitStack() as stack:
        records = [stack.enter_context(open_records(member.path)) for member in found]
        comparison = compared(records, found, wish)
        if out:
            target = ComparisonDirectory(out)
            target.create(results=True)
            target.write_comparison(comparison)
            _write_report(target.report, records, comparison)
    if as_json:
        write_json(comparison)
        return
    show_comparison(comparison)
    where = f"Report: {target.report}" if out else "Nothing was written: --out FOLDER keeps the comparison and its report"
    output().print(where, soft_wrap=True)


def _with_wishes_of_before(directory: ComparisonDirectory, config: ComparisonConfig) -> ComparisonConfig:
    """The configuration; how it compares is as before where nothing is said of it now."""
    if not directory.started:
        return config
    before = checked(directory.read()["config"], {}, str(directory.compare_yaml), ComparisonConfig)
    open_ones = {"match", "reference", "votes", "prices"} - config.model_fields_set
    return config.model_copy(update={key: getattr(before, key) for key in open_ones})


def _earlier(directory: ComparisonDirectory, config: ComparisonConfig, wanted: Sequence[Entry]) -> list[Entry]:
    """The runs that a comparison has beside those that are wanted now: it may get further ones, but loses none."""
    recorded = directory.read()["runs"] if directory.started else {}
    now = {entry.folder for entry in wanted}
    return remembered(config, {folder: run for folder, run in recorded.items() if folder not in now})


def _begun(directory: ComparisonDirectory, config: ComparisonConfig, wanted: Sequence[Entry]) -> list[Preparation]:
    """All runs, made ready before anything is spent: first those that have chains which others can take over.

    A comparison that is there is written anew only once all its runs are known to belong to it.
    """

    def remember() -> None:
        told = {entry.folder: {"name": entry.name, "given": dict(entry.given)} for entry in wanted}
        recorded = directory.read()["runs"] if directory.started else {}
        content = {folder: told.get(folder, run) for folder, run in recorded.items()}  # in the order that they came
        directory.write(config.model_dump(mode="json", exclude={"out"}), {**content, **told})

    if not directory.started:
        remember()
    runs = _prepared(directory, wanted)
    remember()
    return sorted(runs, key=lambda run: not run.directory.started)


def _prepared(directory: ComparisonDirectory, wanted: Sequence[Entry]) -> list[Preparation]:
    """The problems are read once, and not at all where a run has recorded those of the same task."""
    folders = [directory.path / entry.folder for entry in wanted]
    started = next((folder for folder in folders if (folder / "run.yaml").is_file()), None)
    known = [prepare_recorded(started)] if started else []
    runs: list[Preparation] = []
    for entry, folder in zip(wanted, folders, strict=True):
        config = entry.config.model_copy(update={"out": str(folder)})
        same = next((run for run in [*known, *runs[:1]] if _problems_of(run.config) == _problems_of(config)), None)
        runs.append(prepare(config, same.dataset if same else None))
    return runs


def _problems_of(config: RunConfig) -> Mapping[str, Any]:
    """What of a configuration says which problems there are."""
    return config.task.model_dump(exclude={"repeats", "scorer", "tolerance", "lenient"})


def _conclude(
    directory: ComparisonDirectory,
    wish: Wish,
    outcomes: Sequence[Outcome],
    problem: RSAError | None,
    notes: Sequence[str],
    as_json: bool,
) -> None:
    found = members(directory.path)
    there = {member.path for member in found}
    waiting = [run["name"] for folder, run in directory.read()["runs"].items() if directory.path / folder not in there]
    with ExitStack() as stack:
        records = [stack.enter_context(open_records(member.path)) for member in found]
        comparison = compared(records, found, wish)
        comparison["remarks"] += [f"not started yet: {'; '.join(waiting)}"] if waiting else []
        directory.write_comparison(comparison)
        _write_report(directory.report, records, comparison)
    if as_json:
        summaries = [outcome.summary for outcome in outcomes]
        told = {"comparison": comparison, "summaries": summaries, "left_out": list(notes)}
        write_json({**ended(directory.path, problem), **told})
        return
    show_comparison(comparison)
    output().print(f"Comparison: {directory.path}", soft_wrap=True)
    output().print(f"Report: {directory.report}", soft_wrap=True)


def compared(records: Sequence[Records], found: Sequence[Member], wish: Wish) -> dict[str, Any]:
    """The comparison of runs as it is wished for."""
    names = [member.name for member in found]
    return compare(
        records,
        match=wish.match,
        reference=wish.reference,
        votes=wish.votes,
        prices=wish.prices,
        given_names=names,
        strict=wish.strict,
    )


def _write_report(path: Path, records: Sequence[Records], comparison: Mapping[str, Any]) -> None:
    write_report(path, records, [summed(each)[0] for each in records], comparison)
