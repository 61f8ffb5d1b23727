"""The append-only logs of a run: `chains.jsonl` and `verdicts.jsonl`.

A record says that its chain is done; nothing else is state. A last line that was torn by a crash is dropped when the log is
opened for writing, and its chain is generated again.
"""

import asyncio
import json
import os
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from evals.directory import disk_error
from rsa.chain import Chain
from rsa.errors import UsageError

__all__ = ["AppendLog", "ChainIndex", "ChainKey", "RecordName", "name_of", "read_chains", "read_log"]

ChainKey = tuple[str, int, str]
"""(problem, repeat, strategy)."""
RecordName = tuple[Any, ...]
"""(problem, repeat, strategy, step, slot): which chain a record of either log is about."""
_NAME = ("problem", "repeat", "strategy", "step", "slot")
_TAIL = 1 << 16


def name_of(record: Mapping[str, Any]) -> RecordName:
    """The chain that a record is about; None stands for what the record does not say."""
    return tuple(record.get(field) for field in _NAME)


def read_log(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """(offset, length, record) of every whole line. A torn last line is left out.

    Raises `UsageError` with the line's number for any other that is not a JSON object.
    """
    if not path.exists():
        return
    offset = 0
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                record = _record(line)
                if record is None:
                    if line.endswith(b"\n") and lines.read(1):
                        raise UsageError(
                            f"{path}, line {number} is damaged: move the line elsewhere, and its chain will be made again"
                        )
                    return
                yield offset, len(line), record
                offset += len(line)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})") from error


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def read_chains(path: Path) -> Iterator[tuple[int, int, Chain]]:
    """(offset, length, chain) of every recorded chain. Raises `UsageError` for a record that is not one."""
    for offset, length, record in read_log(path):
        try:
            chain = Chain.from_record(record)
        except UsageError as error:
            raise UsageError(f"{path}, at byte {offset}: {error}") from error
        yield offset, length, chain


class AppendLog:
    """Appends records to a file, off the event loop; records that come while the disk is busy share the next write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)
        self._file.truncate(_whole_length(path))
        self._failed = False
        self._pending: deque[bytes] = deque()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="append-log")

    def append(self, record: Mapping[str, Any]) -> None:
        """Take a record; `flush` writes it."""
        self._pending.append(json.dumps(record, ensure_ascii=False).encode("utf-8", errors="replace") + b"\n")

    async def flush(self) -> None:
        """Return when every record taken so far is on the disk. Raises `Incomplete` if the disk does not take them."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._drain)

    def _drain(self) -> None:
        batch = b"".join(self._pending.popleft() for _ in range(len(self._pending)))
        if not batch or self._failed:  # nothing may be written behind a torn line
            return
        try:
            while batch:
                batch = batch[self._file.write(batch) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            self._failed = True
            raise disk_error(self.path, error) from error

    def close(self) -> None:
        """Write what is left and close the file."""
        self._writer.shutdown(wait=True)
        try:
            self._drain()
        finally:
            self._file.close()


def _whole_length(path: Path) -> int:
    """The length of a log without a torn last line."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start, tail = end, b""
            while start and b"\n" not in tail[:-1]:
                start = max(0, start - _TAIL)
                file.seek(start)
                tail = file.read(end - start)
            last = start + tail[:-1].rfind(b"\n") + 1
            if _record(tail[last - start :]) is not None:
                return end
            end = last
    return 0


class ChainIndex:
    """Where each recorded chain of a run lies, without its text."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[ChainKey, dict[tuple[int, int], tuple[int, int]]] = {}
        for offset, length, chain in read_chains(path):
            places = self._places.setdefault((chain.problem, chain.repeat, chain.strategy), {})
            places.setdefault(chain.place, (offset, length))

    def by_step(self) -> dict[int, int]:
        """How many chains of each step are recorded, over all problems."""
        return dict(Counter(step for places in self._places.values() for step, _ in places))

    def count(self, key: ChainKey) -> int:
        """How many chains of one repeat of a problem are recorded."""
        return len(self._places.get(key, ()))

    def load(self, key: ChainKey) -> dict[tuple[int, int], Chain]:
        """The recorded chains of one repeat of a problem, texts and all."""
        places = self._places.get(key)
        if not places:
            return {}
        with self._path.open("rb") as file:
            return {place: Chain.from_record(json.loads(_at(file, *span))) for place, span in places.items()}


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)
