"""What a run comes to: its answers, its summary, its report, and whether too much of it failed."""

from typing import Any

from evals.answers import Answer, Answers, lines, short
from evals.directory import write_parts
from evals.index import ChainIndex, VerdictIndex
from evals.preparation import Preparation
from evals.records import Records, subjects_of
from evals.scoring import Scoring
from evals.summary import summarise
from rsa.errors import Incomplete

__all__ = ["summed", "too_many_failures", "write_results"]


def write_results(run: Preparation, scoring: Scoring, index: ChainIndex) -> dict[str, Any]:
    """Write `answers.jsonl`, `summary.json` and `report.html` of all that is recorded, and give the summary."""
    from evals.comparison import compare  # noqa: PLC0415 - these take NumPy, which no start of a run needs
    from evals.report import write_report  # noqa: PLC0415

    index.refresh()
    verdicts = VerdictIndex(run.directory.verdicts, index.layout)
    records = Records(run, index, verdicts, subjects_of(run, scoring))
    summary, found = summed(records)
    write_parts(run.directory.answers, lines(found))
    run.directory.write_summary(summary)
    write_report(run.directory.report, [records], [summary], compare([records]))
    return summary


def summed(records: Records) -> tuple[dict[str, Any], list[Answer]]:
    """The summary of all that is recorded, and the answers."""
    run = records.run
    answers = Answers(run.strategy, run.config.seed, records.subjects)
    summary = summarise(records, answers.noting(records.groups()))
    found = answers.all(records.subjects, run.config.task.repeats)
    summary["short"] = short(found)
    return summary, found


def too_many_failures(summary: dict[str, Any], allowed: float) -> Incomplete | None:
    """Why a run that is done still counts as incomplete, if it does."""
    dead, chains = (sum(strategy[name] for strategy in summary["strategies"].values()) for name in ("dead", "chains"))
    if chains and dead / chains > allowed:
        return Incomplete(
            f"{dead} of {chains} chains are dead, more than max_dead={allowed:g} allows; "
            "the reasons are in chains.jsonl under 'error'; to generate them again resume with --retry-dead",
            "--retry-dead",
        )
    errors = summary["errors"]
    if chains and errors["verdicts"] / chains > allowed:
        return Incomplete(
            f"{errors['verdicts']} verdicts of {chains} chains ended in an error, more than max_dead={allowed:g} allows; "
            f"one is: {errors['example']}. When that is repaired, judge again with rsa-eval score"
        )
    return None
