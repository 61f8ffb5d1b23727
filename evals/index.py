"""Where each record of a run lies, and of each chain the few numbers that a summary needs: some 60 bytes a chain, no text.

A log is parsed once, when it is indexed; whoever needs the texts as well reads along (`ChainIndex.read`). What a run then
records is added as it is written, so that a run of any length ends without reading its log again.
"""

import json
import struct
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from evals.preparation import Preparation
from evals.stats import Group, Mark
from evals.store import RecordName, Span, name_of, name_of_chain, read_chains, read_log
from rsa.chain import Chain, Status, Usage
from rsa.errors import UsageError
from rsa.plan import Place
from rsa.selection import accepts
from rsa.strategies import Strategy, label

__all__ = ["ChainIndex", "Layout", "VerdictIndex", "run_index"]

_READ = 1 << 16
_ROW = struct.Struct("<BBBBqqqqddq")
"""State (0: not recorded), whether it is an accepting judgement, whether its prompt was shortened, whether another run
generated it, offset, three token counts, start, end, attempts."""
_STATES = {status: number for number, status in enumerate(Status, 1)}
_STATUSES = dict(enumerate(Status, 1))
_UNTOLD = -(1 << 63)  # stands for a token count that the server did not give
_ACCEPTING = r"\boxed{correct}"


class Layout:
    """Which chains a run has: repeats of problems, and in each of them the places of its strategy's plan."""

    def __init__(self, strategy: Strategy, problems: Iterable[str], repeats: int) -> None:
        plan = strategy.plan(0, "")
        self.source = strategy
        self.strategy = label(strategy)
        self.judging = plan.judging_steps
        self.places = tuple(planned.place for planned in plan)
        self._numbers = {place: number for number, place in enumerate(self.places)}
        self._groups = {(problem, repeat): (problem, repeat) for problem in problems for repeat in range(repeats)}

    def find(self, name: RecordName) -> tuple[Group, int]:
        """The group of a chain, and the number of its place. Raises `UsageError` if the run has no such chain."""
        problem, repeat, strategy, step, slot = name
        try:
            found = self._groups[problem, repeat], self._numbers[step, slot]
        except (KeyError, TypeError):
            found = None
        if found is None or strategy != self.strategy:
            raise UsageError(
                f"problem {problem!r} repeat {repeat!r} strategy {strategy!r} step {step!r} slot {slot!r} is no chain of "
                "this run: move the line elsewhere, then try again"
            )
        return found


class ChainIndex:
    """What `chains.jsonl` records. Of records of the same chain the first counts."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self.layout = layout
        self._rows: dict[Group, bytearray] = {}
        self._end = 0

    def read(self) -> Iterator[Chain]:
        """Index the log, and give each chain with its texts as it is met. What was indexed before is forgotten.

        Raises `UsageError` with its place for whatever is no record of a chain of this run.
        """
        self._rows.clear()
        self._end = 0
        for offset, length, chain in read_chains(self._path):
            try:
                new = self.add(chain, (offset, length))
            except UsageError as error:
                raise UsageError(f"{self._path}, at byte {offset}: {error}") from error
            if new:
                yield chain

    def refresh(self) -> None:
        """Read the log again if the disk did not take just what was added."""
        size = self._path.stat().st_size if self._path.exists() else 0
        if size != self._end:
            for _ in self.read():
                pass

    def add(self, chain: Chain, span: Span) -> bool:
        """Take in a chain that was recorded at `span`. False if it is recorded already."""
        group, number = self.layout.find(name_of_chain(chain))
        self._end = max(self._end, sum(span))
        if group not in self._rows:
            self._rows[group] = bytearray(_ROW.size * len(self.layout.places))
        rows = self._rows[group]
        if rows[number * _ROW.size]:
            return False
        counts = (chain.usage.prompt, chain.usage.cached, chain.usage.completion)
        tokens = (_UNTOLD if count is None else count for count in counts)
        accepting = chain.step in self.layout.judging and accepts(chain.text)
        flags = (accepting, chain.overflow is not None, chain.origin is not None)
        row = (_STATES[chain.status], *flags, span[0], *tokens, chain.started, chain.ended, chain.attempts)
        try:
            _ROW.pack_into(rows, number * _ROW.size, *row)
        except struct.error as error:
            raise UsageError(f"not a chain record: a count or a time is no number ({error})") from error
        return True

    @property
    def groups(self) -> list[Group]:
        """The groups that have chains, in order."""
        return sorted(self._rows)

    def by_population(self) -> dict[tuple[Group, int], Counter[Status]]:
        """Of every population (a group's chains of one step) that has chains: how many of them ended how."""
        counts: defaultdict[tuple[Group, int], Counter[Status]] = defaultdict(Counter)
        for group in self._rows:
            for (step, _), row in self._recorded(group):
                counts[group, step][_STATUSES[row[0]]] += 1
        return dict(counts)

    def count(self, group: Group) -> int:
        """How many chains of one repeat of a problem are recorded."""
        states = self._rows.get(group, b"")[:: _ROW.size]
        return len(states) - states.count(0)

    def outline(self, group: Group) -> dict[Place, Chain]:
        """The recorded chains of a group as a summary sees them: status, usage, times and attempts, no parents, no texts.

        The text of a judgement says as much as shows whether it accepts.
        """
        return {place: self._outlined(group, place, row) for place, row in self._recorded(group)}

    def _outlined(self, group: Group, place: Place, row: tuple[Any, ...]) -> Chain:
        state, accepting, shortened, taken, _, *tokens, started, ended, attempts = row
        return Chain(
            *group,
            strategy=self.layout.strategy,
            step=place[0],
            slot=place[1],
            parents=(),
            model="",
            seed=0,
            prompt_sha256="",
            text=_ACCEPTING if accepting else "",
            finish_reason="",
            status=_STATUSES[state],
            usage=Usage(*(None if count == _UNTOLD else count for count in tokens)),
            started=started,
            ended=ended,
            attempts=attempts,
            overflow={} if shortened else None,
            origin="" if taken else None,
        )

    def load(self, group: Group) -> dict[Place, Chain]:
        """The recorded chains of a group, texts and all."""
        places = [(place, row[4]) for place, row in self._recorded(group)]
        if not places:
            return {}
        with self._path.open("rb", buffering=_READ) as file:
            return {place: Chain.from_record(_record_at(file, offset)) for place, offset in places}

    def _recorded(self, group: Group) -> Iterator[tuple[Place, tuple[Any, ...]]]:
        rows = zip(self.layout.places, _ROW.iter_unpack(self._rows.get(group, b"")), strict=False)
        return ((place, row) for place, row in rows if row[0])


def run_index(run: Preparation) -> ChainIndex:
    """The index of what a run records, in which nothing is read yet."""
    problems = (problem.id for problem in run.dataset.problems)
    return ChainIndex(run.directory.chains, Layout(run.strategy, problems, run.config.task.repeats))


class VerdictIndex:
    """What `verdicts.jsonl` records. Of verdicts on the same chain the last counts; their answers stay on the disk.

    `versions` are those of the scorers, `errors` is how many verdicts ended in one, `example` what the first of them by the
    alphabet says.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        """Raises `UsageError` with its place for whatever is no verdict on a chain of this run."""
        self.versions: set[str] = set()
        self.errors = 0
        self.example: str | None = None
        self._path = path
        self._layout = layout
        self._places: dict[Group, array[int]] = {}
        for offset, _, record in read_log(path):
            try:
                self._take(record, offset)
            except (KeyError, TypeError) as error:
                raise UsageError(f"{path}, at byte {offset}: not a verdict ({error!r})") from error
            except UsageError as error:
                raise UsageError(f"{path}, at byte {offset}: {error}") from error

    def _take(self, record: dict[str, Any], offset: int) -> None:
        mark = _mark(record)
        group, number = self._layout.find(name_of(record))
        if group not in self._places:
            self._places[group] = array("q", [-1]) * len(self._layout.places)
        self._places[group][number] = offset
        self.versions.add(str(record["scorer_version"]))
        if mark.status == "error":
            self.errors += 1
            text = f"problem {group[0]}: {record.get('detail')}"
            self.example = text if self.example is None else min(self.example, text)

    def __contains__(self, name: RecordName) -> bool:
        group, number = self._layout.find(name)
        return group in self._places and self._places[group][number] >= 0

    def get(self, name: RecordName) -> dict[str, Any] | None:
        """The record of a verdict; None if there is none."""
        if name not in self:
            return None
        group, number = self._layout.find(name)
        with self._path.open("rb") as file:
            record: dict[str, Any] = _record_at(file, self._places[group][number])
        return record

    def marks(self, group: Group) -> dict[Place, Mark]:
        """The marks of a group."""
        places = zip(self._layout.places, self._places.get(group, ()), strict=False)
        recorded = [(place, offset) for place, offset in places if offset >= 0]
        if not recorded:
            return {}
        with self._path.open("rb") as file:
            return {place: _mark(_record_at(file, offset)) for place, offset in recorded}


def _mark(record: dict[str, Any]) -> Mark:
    answer = record.get("vote", record["answer"])
    return Mark(answer, record["status"], record["score"], record["solved"], record["method"], record["answer"])


def _record_at(file: BinaryIO, offset: int) -> Any:
    file.seek(offset)
    return json.loads(file.readline())
