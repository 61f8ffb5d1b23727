"""Chains that several strategies have in common, so that none is generated twice.

A chain is the same in two plans if it stands at the same place, does the same there, and reads the same chains: the first
samples of all strategies, whole steps of an RSA that goes on for longer, every line of self-refinement. What one run has
recorded is written into the log of the other, with the strategy that it came from (`Chain.origin`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.index import ChainIndex, VerdictIndex
from evals.preparation import Preparation, identity
from evals.stats import Group
from evals.store import AppendLog, name_of_chain
from rsa.chain import Chain
from rsa.plan import Place, Plan

__all__ = ["common_places", "take_over", "takeable"]

_BATCH = 1 << 22  # bytes
_OF_ITS_OWN = ("strategy", "task.repeats", "endpoint.model")  # the model that a run was made with is known better
_JUDGING = ("scorer", "tolerance", "lenient")

Sibling = tuple[Preparation, ChainIndex]


def common_places(ours: Plan, theirs: Plan) -> set[Place]:
    """The places at which two plans for the same repeat of a problem have the same chain, whichever chains die."""
    known = {planned.place: planned for planned in theirs}
    common: set[Place] = set()
    for planned in ours:
        if known.get(planned.place) == planned and all((planned.step - 1, slot) in common for slot in planned.line):
            common.add(planned.place)
    return common


def take_over(run: Preparation, index: ChainIndex, siblings: Sequence[Sibling]) -> bool:
    """Record in a run whatever chains of it other runs have recorded, with their verdicts. False if a verdict is missing.

    Runs that differ in anything but the strategy and the number of repeats have no chain in common. The caller holds the
    lock of the run, which must be started.
    """
    judged = True
    for sibling, theirs in siblings:
        if _comparable(run, sibling):
            verdicts = VerdictIndex(sibling.directory.verdicts, theirs.layout)
            judged &= _copy(run.directory.chains, run.directory.verdicts, index, _shared(run, index, theirs), verdicts)
    return judged


def _comparable(run: Preparation, sibling: Preparation) -> bool:
    ours, theirs = identity(run), identity(sibling)
    keys = {*ours, *theirs}.difference(_OF_ITS_OWN)
    judging = (getattr(run.config.task, name) == getattr(sibling.config.task, name) for name in _JUDGING)
    return run.model == sibling.model and all(ours.get(key) == theirs.get(key) for key in keys) and all(judging)


def _shared(run: Preparation, index: ChainIndex, theirs: ChainIndex) -> Iterator[Chain]:
    """The chains of another run that are also chains of this one, and are not recorded in it."""
    for group in _groups(run, theirs):
        recorded, known = index.outline(group), theirs.outline(group)
        plans = [strategy.plan(run.config.seed, *group) for strategy in (run.strategy, theirs.layout.source)]
        wanted = takeable(plans[0], common_places(*plans), recorded, known)
        if wanted:
            yield from (chain for place, chain in theirs.load(group).items() if place in wanted)


def takeable(plan: Plan, common: set[Place], recorded: Mapping[Place, Chain], known: Mapping[Place, Chain]) -> set[Place]:
    """The common places to take from what is known elsewhere: none whose chain read others than those that are here.

    Two runs have two chains at one place where each had generated it before it could see that of the other, or where one had
    its dead chains taken back. Chains at the same place with the same times and usage are the same chain.
    """
    same: set[Place] = set()
    for planned in plan:
        place = planned.place
        if place in common and place in known and all((place[0] - 1, slot) in same for slot in planned.line):
            ours, theirs = recorded.get(place), known[place]
            if ours is None or _trace(ours) == _trace(theirs):
                same.add(place)
    return same - recorded.keys()


def _trace(chain: Chain) -> tuple[object, ...]:
    return chain.status, chain.usage, chain.started, chain.ended, chain.attempts


def _groups(run: Preparation, theirs: ChainIndex) -> list[Group]:
    return [group for group in theirs.groups if group[1] < run.config.task.repeats]


def _copy(chains: Path, verdicts: Path, index: ChainIndex, shared: Iterator[Chain], theirs: VerdictIndex) -> bool:
    judged = True
    label = index.layout.strategy
    waiting: list[dict[str, Any]] = []

    def save() -> None:
        chain_log.save()  # a verdict never comes before its chain
        for verdict in waiting:
            verdict_log.append(verdict)
        verdict_log.save()
        waiting.clear()

    with closing(AppendLog(verdicts)) as verdict_log, closing(AppendLog(chains)) as chain_log:
        for chain in shared:
            origin = chain.origin or chain.strategy
            ours = replace(chain, strategy=label, origin=None if chain.origin == label else origin)
            index.add(ours, chain_log.append(ours.to_record()))
            verdict = theirs.get(name_of_chain(chain))
            if verdict:
                waiting.append({**verdict, "strategy": label})
            elif not chain.dead and chain.step not in index.layout.judging:
                judged = False
            if chain_log.pending >= _BATCH:
                save()
        save()
    return judged
