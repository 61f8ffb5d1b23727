"""Taking dead chains back, so that a resumed run generates them again: `rsa-eval resume DIR --retry-dead`.

With a dead chain go all chains that another one stood in for it, and all that read any of those: what is left is what a run
would have recorded in which no call had failed.
"""

from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from evals.directory import next_free, write_parts
from evals.index import run_index
from evals.preparation import Preparation
from evals.store import RecordName, name_of, read_log
from rsa.chain import Chain
from rsa.plan import Place, Plan, PlannedChain
from rsa.strategies import label

__all__ = ["drop_dead", "to_drop"]


def to_drop(plan: Plan, recorded: Mapping[Place, Chain]) -> set[Place]:
    """The dead chains of one plan, and every recorded chain that would have read others if they had lived."""
    dropped: set[Place] = set()
    for planned in plan:
        chain = recorded.get(planned.place)
        if chain is None:
            continue
        stale = any((planned.step - 1, parent) in dropped for parent in planned.parents)
        if chain.dead or stale or not _read_as_planned(planned, chain):
            dropped.add(planned.place)
    return dropped


def _read_as_planned(planned: PlannedChain, chain: Chain) -> bool:
    """Whether a chain read its planned parents, or the first of them if only those fit, and no summary of one had failed."""
    overflow = chain.overflow or {}
    shrunk = overflow.get("rule") == "shrink_k"
    expected = planned.parents[: len(chain.parents)] if shrunk else planned.parents
    return chain.parents == expected and not overflow.get("failed")


def drop_dead(run: Preparation) -> int:
    """Take the dead chains of a run back, and say how many chains that were. The logs so far are kept as `*.N.jsonl`."""
    index = run_index(run)
    index.refresh()
    dropped = {
        (*group, label(run.strategy), *place)
        for group in index.groups
        if any(chain.dead for chain in index.outline(group).values())
        for place in to_drop(run.plan(*group), index.load(group))
    }
    if dropped:
        for log in (run.directory.verdicts, run.directory.chains):  # a verdict never outlives its chain
            _filter(log, dropped)
    return len(dropped)


def _filter(log: Path, dropped: Container[RecordName]) -> None:
    if log.is_file():
        write_parts(log, _kept(log, dropped), kept=next_free(log))


def _kept(log: Path, dropped: Container[RecordName]) -> Iterator[bytes]:
    with log.open("rb") as file:
        for offset, length, record in read_log(log):
            if name_of(record) not in dropped:
                file.seek(offset)
                yield file.read(length)
