"""`rsa-eval compare` and `rsa-eval report`: from what was typed to what is asked for."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from evals.commands import located, merged
from evals.comparison.config import ComparisonConfig, Match, read_sweeps
from evals.comparison.directory import ComparisonDirectory, members
from evals.comparison.forecast import plan_comparison
from evals.comparison.running import Wish, compare_directories, compared, run_comparison
from evals.console import output
from evals.loading import checked, load
from evals.records import open_records
from evals.report import MOST_TEXTS, write_report
from evals.results import summed
from rsa.errors import UsageError
from rsa.text import did_you_mean

__all__ = ["compare_now", "report_now"]

_MEGABYTE = 1_000_000
_OF_THE_WISH = ("match", "reference", "votes")


def compare_now(
    targets: Sequence[str],
    strategies: Sequence[str],
    sweeps: Sequence[str],
    flags: Mapping[str, Any],
    sets: Sequence[str],
    as_json: bool,
    plan_only: bool,
) -> None:
    """Run a comparison, or only say what it would cost, or compare the run directories that are named."""
    overrides = merged(flags, sets)
    if strategies:
        overrides["strategies"] = list(strategies)
        unused = next((key for key in overrides if key.startswith("strategy.") and not sweeps), None)
        if unused:
            raise UsageError(
                f"{unused} is not used beside --strategy: put it into its text, such as 'rsa(n=16,k=4,steps=10)'"
            )
    if sweeps:
        overrides["sweep"] = read_sweeps(sweeps)
    folders = [Path(target) for target in targets if _is_folder(target)]
    if not folders:
        config = _configured(targets, overrides)
        (plan_comparison if plan_only else run_comparison)(config, as_json)
        return
    if len(folders) < len(targets):
        other = next(target for target in targets if not _is_folder(target))
        raise UsageError(f"{other} is no run directory: name run directories only, or one config file or task")
    if plan_only:
        raise UsageError("--plan is for runs that are still to be made: leave it out")
    out = overrides.pop("out", None)
    compare_directories(folders, _wish(folders, _of_the_wish(overrides)), Path(out) if out else None, as_json)


def _of_the_wish(overrides: Mapping[str, Any]) -> Mapping[str, Any]:
    """The overrides, which may only say how runs are compared that are there."""
    surplus = [key for key in overrides if key not in _OF_THE_WISH and not key.startswith("prices.")]
    if surplus:
        raise UsageError(f"{surplus[0]} cannot be chosen for runs that are there: leave it out")
    return overrides


def _is_folder(target: str) -> bool:
    try:
        return Path(target).is_dir()
    except (OSError, ValueError):  # too long for a path, say
        return False


def _configured(targets: Sequence[str], overrides: Mapping[str, Any]) -> ComparisonConfig:
    if len(targets) > 1:
        raise UsageError(
            f"{targets[0]} and {targets[1]} are no run directories: name one config file or task, or directories"
        )
    return load(*located(targets[0] if targets else None, overrides), ComparisonConfig)


def _wish(folders: Sequence[Path], overrides: Mapping[str, Any]) -> Wish:
    """How the runs are to be compared: as was typed, else as the one comparison that is named was."""
    match = overrides.get("match")
    if match is not None and match not in get_args(Match):
        raise UsageError(f"match: there is no axis {match!r}{did_you_mean(match, get_args(Match))}")
    directory = ComparisonDirectory(folders[0])
    recorded = directory.read()["config"] if len(folders) == 1 and directory.started else {"task": "own"}
    given = {key: value for key, value in overrides.items() if key in _OF_THE_WISH and value is not None}
    prices = {key.partition(".")[2]: value for key, value in overrides.items() if key.startswith("prices.")}
    content = {**recorded, **given, **({"prices": prices} if prices else {})}
    config = checked(content, dict.fromkeys(overrides, "command line"), str(directory.compare_yaml), ComparisonConfig)
    return replace(Wish.of(config), strict=bool(given))


def report_now(
    paths: Sequence[Path],
    out: Path | None,
    exported: Path | None,
    texts: str | None,
    flags: Mapping[str, Any],
    sets: Sequence[str],
) -> None:
    """Write the report of runs, and all of its plots and tables as files where that is asked for."""
    target = out or (paths[0] / "report.html" if len(paths) == 1 else Path("report.html"))
    found = [member for path in paths for member in members(path)]
    chosen = _wish(paths, _of_the_wish(merged(flags, sets)))
    with ExitStack() as stack:
        records = [stack.enter_context(open_records(member.path)) for member in found]
        comparison = compared(records, found, chosen)
        summaries = [summed(each)[0] for each in records]
        write_report(target, records, summaries, comparison, _bytes_of(texts))
        if exported:
            from evals.report.export import export  # noqa: PLC0415 - a plot library in a language of its own

            export(exported, records, summaries, comparison)
    console = output()
    console.print(f"Report: {target}", soft_wrap=True)
    if exported:
        console.print(f"Plots and tables: {exported}", soft_wrap=True)


def _bytes_of(texts: str | None) -> int:
    if texts is None:
        return MOST_TEXTS
    if texts == "all":
        return 1 << 62
    if texts == "none":
        return 0
    try:
        amount = int(float(texts) * _MEGABYTE)
    except (ValueError, OverflowError):
        amount = -1
    if amount < 0:
        raise UsageError(f"--texts {texts}: give all, none, or a number of megabytes")
    return amount
