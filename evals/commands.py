"""What the commands of `rsa-eval` do, from checked input to what is shown."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.config import RunConfig
from evals.console import output, write_json
from evals.display import make_display
from evals.endings import ended, resumable
from evals.index import run_index
from evals.loading import load_config, read_sets
from evals.preparation import Preparation, prepare_score
from evals.rescoring import rescore
from evals.results import write_results
from evals.revival import drop_dead
from evals.runner import Outcome, evaluate
from evals.tables import percent, remarks, summary_table
from rsa.errors import Incomplete, UsageError

__all__ = ["configured", "located", "merged", "run_now", "score_again"]

_SHOWN_CHANGES = 20


def configured(target: str | None, flags: Mapping[str, Any], sets: Sequence[str]) -> RunConfig:
    """The configuration that a target (a config file or a task's name), `--set` and flags make together."""
    return load_config(*located(target, merged(flags, sets)))


def located(target: str | None, overrides: Mapping[str, Any]) -> tuple[Path | None, Mapping[str, Any]]:
    """The config file that a target names, or the overrides with the task that it names. Raises `UsageError` for a second
    task."""
    if target is None:
        return None, overrides
    if target.endswith((".yaml", ".yml")):
        return Path(target), overrides
    if overrides.get("task.name", target) != target:
        raise UsageError(f"two tasks are named: {target} and {overrides['task.name']}")
    return None, {**overrides, "task.name": target}


def merged(flags: Mapping[str, Any], sets: Sequence[str]) -> dict[str, Any]:
    """Flags and `--set` as one: a key given both ways with different values is an error."""
    overrides = read_sets(sets)
    for key, value in flags.items():
        if key in overrides and overrides[key] != value:
            raise UsageError(f"{key} is given by a flag ({value!r}) and by --set ({overrides[key]!r}): leave one out")
        overrides[key] = value
    return overrides


def run_now(run: Preparation, as_json: bool, retry_dead: bool = False) -> None:
    """Run, show the result, and raise what stopped it, if anything did."""
    with run.directory.locked():
        try:
            with make_display(quiet=as_json) as display:
                if retry_dead:
                    display.note(f"{drop_dead(run)} chains are taken back and generated again")
                (outcome,) = evaluate([run], ["rsa-eval", *sys.argv[1:]], display)
        except Incomplete as error:
            raise resumable(run.directory.path, run.directory.started, error) from error
        finally:
            run.directory.discard_if_empty()
    _show(run, outcome, as_json)
    if isinstance(outcome.problem, Incomplete):
        raise resumable(run.directory.path, run.directory.started, outcome.problem)
    if outcome.problem:
        raise outcome.problem


def _show(run: Preparation, outcome: Outcome, as_json: bool) -> None:
    if as_json:
        write_json({**ended(run.directory.path, outcome.problem), "summary": outcome.summary})
        return
    show_summary(outcome.summary)
    output().print(f"Run directory: {run.directory.path}", soft_wrap=True)


def show_summary(summary: Mapping[str, Any]) -> None:
    """Print a table a strategy, and how much of the run it tells of."""
    console = output()
    for label, strategy in summary["strategies"].items():
        console.print(summary_table(label, strategy))
        known = [f"{name} {count:,}" for name, count in strategy["tokens"].items() if count is not None]
        console.print(
            f"{strategy['chains']} of {strategy['planned']} chains in {summary['seconds']:.0f} s, "
            f"{strategy['calls']} calls, tokens: {', '.join(known) or 'not told by the server'}"
        )
    for line in remarks(summary):
        console.print(line)
    if not summary["complete"]:
        console.print("The run is not complete: its steps may tell of different problems.")


def score_again(path: Path, overrides: Mapping[str, Any], as_json: bool) -> None:
    """Score a run again, show what changed, and write its summary anew."""
    from evals.comparison.running import is_comparison  # noqa: PLC0415 - takes NumPy, which no start of a run needs

    if is_comparison(path):
        raise UsageError(f"{path} is a comparison: judge its runs one by one (rsa-eval score {path}/RUN), then resume it")
    run = prepare_score(path, overrides)
    with run.directory.locked(), run.scoring() as scoring:
        index = run_index(run)
        result = rescore(run.directory, run.dataset.problems, index, scoring)
        if overrides:  # from now on the run is judged this way, also when it is resumed
            content = {**run.directory.read_run(), "config": run.config.model_dump(mode="json")}
            run.directory.write_run(content)
        summary = write_results(run, scoring, index)
    kept = str(result.kept) if result.kept else None
    if as_json:
        content = {
            "scored": result.scored,
            "changed": [after for _, after in result.changed],
            "kept": kept,
            "summary": summary,
        }
        write_json(content)
        return
    console = output()
    console.print(
        f"{result.scored} chains scored, {len(result.changed)} verdicts changed; the verdicts before: {kept or 'none'}"
    )
    for before, after in result.changed[:_SHOWN_CHANGES]:
        place = f"problem {after['problem']} repeat {after['repeat']} step {after['step']} slot {after['slot']}"
        console.print(f"  {place}: {_verdict(before)} -> {_verdict(after)}")
    if len(result.changed) > _SHOWN_CHANGES:
        console.print(f"  and {len(result.changed) - _SHOWN_CHANGES} more")
    show_summary(summary)


def _verdict(record: Mapping[str, Any] | None) -> str:
    if record is None:
        return "none"
    outcome = "right" if record["solved"] else f"score {percent(record['score'])} %" if record["score"] else record["status"]
    return f"{record['answer']!r} ({'wrong' if outcome == 'ok' else outcome})"
