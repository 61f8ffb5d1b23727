"""Verdicts for chains that have none yet, and new verdicts for a run whose scorer changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.problems import Problem
from evals.scoring import Verdict, score
from evals.store import AppendLog, RunDirectory, read_log
from rsa.chain import Chain
from rsa.plan import Role
from rsa.strategies import Strategy

__all__ = ["Rescoring", "rescore", "score_missing"]

_PLACE = ("problem", "repeat", "strategy", "step", "slot")
Place = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Rescoring:
    """What `rescore` did. `changed` lists chains whose answer or verdict differs, `kept` is where the old verdicts are."""

    scored: int
    changed: tuple[tuple[dict[str, Any] | None, dict[str, Any]], ...]
    kept: Path | None


def score_missing(directory: RunDirectory, problems: Sequence[Problem], strategy: Strategy) -> None:
    """Score recorded chains that a crash left without a verdict."""
    done = {_place(record) for _, _, record in read_log(directory.verdicts)}
    log = AppendLog(directory.verdicts)
    try:
        for verdict in _verdicts(directory, problems, strategy, done):
            log.append(verdict.to_record())
    finally:
        log.close()


def rescore(directory: RunDirectory, problems: Sequence[Problem], strategy: Strategy) -> Rescoring:
    """Score every recorded chain again. The verdicts so far are kept beside the new ones as `verdicts.N.jsonl`."""
    old = {_place(record): record for _, _, record in read_log(directory.verdicts)}
    fresh = directory.path / "verdicts.new.jsonl"
    fresh.unlink(missing_ok=True)
    log = AppendLog(fresh)
    changed = []
    scored = 0
    try:
        for verdict in _verdicts(directory, problems, strategy, set()):
            record = verdict.to_record()
            log.append(record)
            scored += 1
            before = old.get(_place(record))
            if before is None or any(before[name] != record[name] for name in ("answer", "status", "score", "solved")):
                changed.append((before, record))
    finally:
        log.close()
    kept = _next_free(directory) if directory.verdicts.is_file() else None
    if kept:
        directory.verdicts.rename(kept)
    fresh.rename(directory.verdicts)
    return Rescoring(scored, tuple(changed), kept)


def _verdicts(directory: RunDirectory, problems: Sequence[Problem], strategy: Strategy, done: set[Place]) -> list[Verdict]:
    by_id = {problem.id: problem for problem in problems}
    judging = {chain.step for chain in strategy.plan(0, "") if chain.role is Role.VERIFY}
    chains = (Chain.from_record(record) for _, _, record in read_log(directory.chains) if _place(record) not in done)
    return [score(by_id[chain.problem], chain) for chain in chains if not chain.dead and chain.step not in judging]


def _place(record: dict[str, Any]) -> Place:
    return tuple(record[name] for name in _PLACE)


def _next_free(directory: RunDirectory) -> Path:
    number = 1
    while (path := directory.path / f"verdicts.{number}.jsonl").exists():
        number += 1
    return path
