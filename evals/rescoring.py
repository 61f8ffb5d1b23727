"""Verdicts for chains that have none yet, and new verdicts for a run whose scorer changed."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.directory import RunDirectory, next_free
from evals.index import ChainIndex, VerdictIndex
from evals.problems import Problem
from evals.scoring import Scoring
from evals.store import AppendLog, name_of, name_of_chain
from rsa.chain import Chain
from rsa.errors import UsageError

__all__ = ["Rescoring", "rescore", "score_missing"]

_BATCH = 1 << 20  # bytes
_COMPARED = ("answer", "status", "score", "solved", "detail")


@dataclass(frozen=True, slots=True)
class Rescoring:
    """What `rescore` did. `changed` lists chains whose answer or verdict differs, `kept` is where the old verdicts are."""

    scored: int
    changed: tuple[tuple[dict[str, Any] | None, dict[str, Any]], ...]
    kept: Path | None


def score_missing(directory: RunDirectory, problems: Sequence[Problem], chains: ChainIndex, scoring: Scoring) -> None:
    """Index the recorded chains, and on the way score those that a crash left without a verdict."""
    verdicts = VerdictIndex(directory.verdicts, chains.layout)
    unscored = (chain for chain in chains.read() if name_of_chain(chain) not in verdicts)
    with closing(AppendLog(directory.verdicts)) as log:
        for verdict in scoring.score_all(_judged(unscored, problems, chains.layout.judging)):
            _keep(log, verdict.to_record())


def rescore(directory: RunDirectory, problems: Sequence[Problem], chains: ChainIndex, scoring: Scoring) -> Rescoring:
    """Index the recorded chains, and score each again. The verdicts so far are kept beside the new as `verdicts.N.jsonl`.

    Raises `UsageError` if there are no chains.
    """
    if not directory.chains.is_file():
        raise UsageError(f"{directory.chains} is not there: there is nothing to score")
    old = VerdictIndex(directory.verdicts, chains.layout)
    changed = []
    scored = 0
    with closing(AppendLog(directory.fresh_verdicts)) as log:
        for verdict in scoring.score_all(_judged(chains.read(), problems, chains.layout.judging)):
            record = verdict.to_record()
            _keep(log, record)
            scored += 1
            before = old.get(name_of(record))
            if before is None or any(before.get(name) != record.get(name) for name in _COMPARED):
                changed.append((before, record))
    kept = next_free(directory.verdicts) if directory.verdicts.is_file() else None
    if kept:
        directory.verdicts.rename(kept)
    directory.fresh_verdicts.rename(directory.verdicts)
    return Rescoring(scored, tuple(changed), kept)


def _keep(log: AppendLog, record: Mapping[str, Any]) -> None:
    log.append(record)
    if log.pending >= _BATCH:
        log.save()


def _judged(
    chains: Iterable[Chain], problems: Sequence[Problem], judging: Container[int]
) -> Iterator[tuple[Problem, Chain]]:
    """The living chains that carry an answer, with their problems. Chains of the steps `judging` carry none."""
    by_id = {problem.id: problem for problem in problems}
    return ((by_id[chain.problem], chain) for chain in chains if not chain.dead and chain.step not in judging)
