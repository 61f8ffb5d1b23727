"""Taking dead chains back, so that a resumed run generates them again: `rsa-eval resume DIR --retry-dead`.

With a dead chain go all chains that another one stood in for it, and all that read any of those: what is left is what a run
would have recorded in which no call had failed.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evals.directory import next_free, write_whole
from evals.preparation import Preparation
from evals.store import name_of, read_chains, read_log
from rsa.chain import Chain
from rsa.plan import Place, Plan
from rsa.strategies import label

__all__ = ["drop_dead", "to_drop"]

Key = tuple[str, int]
"""(problem, repeat)."""


def to_drop(plan: Plan, recorded: Mapping[Place, Chain]) -> set[Place]:
    """The dead chains of one plan, and every recorded chain that would have read others if they had lived."""
    dropped: set[Place] = set()
    for planned in plan:
        chain = recorded.get(planned.place)
        if chain is None:
            continue
        stale = any((planned.step - 1, parent) in dropped for parent in planned.parents)
        if chain.dead or stale or chain.parents != planned.parents:
            dropped.add(planned.place)
    return dropped


def drop_dead(run: Preparation) -> int:
    """Take the dead chains of a run back, and say how many chains that were. The logs so far are kept as `*.N.jsonl`."""
    recorded: dict[Key, dict[Place, Chain]] = defaultdict(dict)
    for _, _, chain in read_chains(run.directory.chains):
        recorded[chain.problem, chain.repeat].setdefault(chain.place, chain)
    dropped = {
        (*key, label(run.strategy), *place)
        for key, chains in recorded.items()
        for place in to_drop(run.strategy.plan(run.config.seed, *key), chains)
    }
    if dropped:
        for log in (run.directory.chains, run.directory.verdicts):
            _filter(log, lambda record: name_of(record) not in dropped)
    return len(dropped)


def _filter(log: Path, keep: Callable[[Mapping[str, Any]], bool]) -> None:
    kept = [json.dumps(record, ensure_ascii=False) for _, _, record in read_log(log) if keep(record)]
    if log.is_file():
        shutil.copyfile(log, next_free(log))
        write_whole(log, "".join(f"{line}\n" for line in kept))
