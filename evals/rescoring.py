"""Verdicts for chains that have none yet, and new verdicts for a run whose scorer changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.directory import RunDirectory, next_free
from evals.problems import Problem
from evals.scoring import Scoring
from evals.store import AppendLog, RecordName, name_of, read_chains, read_log
from rsa.chain import Chain
from rsa.errors import UsageError
from rsa.strategies import Strategy

__all__ = ["Rescoring", "rescore", "score_missing"]

_COMPARED = ("answer", "status", "score", "solved", "detail")


@dataclass(frozen=True, slots=True)
class Rescoring:
    """What `rescore` did. `changed` lists chains whose answer or verdict differs, `kept` is where the old verdicts are."""

    scored: int
    changed: tuple[tuple[dict[str, Any] | None, dict[str, Any]], ...]
    kept: Path | None


def score_missing(directory: RunDirectory, problems: Sequence[Problem], strategy: Strategy, scoring: Scoring) -> None:
    """Score recorded chains that a crash left without a verdict."""
    done = {name_of(record) for _, _, record in read_log(directory.verdicts)}
    log = AppendLog(directory.verdicts)
    try:
        for verdict in scoring.score_all(_unscored(directory, problems, strategy, done)):
            log.append(verdict.to_record())
    finally:
        log.close()


def rescore(directory: RunDirectory, problems: Sequence[Problem], strategy: Strategy, scoring: Scoring) -> Rescoring:
    """Score every recorded chain again. The verdicts so far are kept beside the new ones as `verdicts.N.jsonl`.

    Raises `UsageError` if there are no chains.
    """
    if not directory.chains.is_file():
        raise UsageError(f"{directory.chains} is not there: there is nothing to score")
    old = {name_of(record): record for _, _, record in read_log(directory.verdicts)}
    fresh = directory.path / "verdicts.new.jsonl"
    fresh.unlink(missing_ok=True)
    log = AppendLog(fresh)
    changed = []
    scored = 0
    try:
        for verdict in scoring.score_all(_unscored(directory, problems, strategy, set())):
            record = verdict.to_record()
            log.append(record)
            scored += 1
            before = old.get(name_of(record))
            if before is None or any(before.get(name) != record.get(name) for name in _COMPARED):
                changed.append((before, record))
    finally:
        log.close()
    kept = next_free(directory.verdicts) if directory.verdicts.is_file() else None
    if kept:
        directory.verdicts.rename(kept)
    fresh.rename(directory.verdicts)
    return Rescoring(scored, tuple(changed), kept)


def _unscored(
    directory: RunDirectory, problems: Sequence[Problem], strategy: Strategy, done: set[RecordName]
) -> Iterator[tuple[Problem, Chain]]:
    """The living chains that carry an answer and are not in `done`."""
    by_id = {problem.id: problem for problem in problems}
    judging = strategy.plan(0, "").judging_steps
    for _, _, chain in read_chains(directory.chains):
        if chain.problem not in by_id:
            raise UsageError(f"{directory.chains} holds a chain of {chain.problem!r}, which is no problem of this run")
        name = (chain.problem, chain.repeat, chain.strategy, *chain.place)
        if not chain.dead and chain.step not in judging and name not in done:
            yield by_id[chain.problem], chain
