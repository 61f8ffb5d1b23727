"""The append-only logs of a run: `chains.jsonl` and `verdicts.jsonl`.

A record says that its chain is done; nothing else is state. A last line that was torn by a crash is dropped when the log is
opened for writing, and its chain is generated again.
"""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from evals.directory import disk_error, sync_folder
from rsa.chain import Chain
from rsa.encoding import json_bytes
from rsa.errors import UsageError

__all__ = ["AppendLog", "RecordName", "Span", "name_of", "name_of_chain", "read_chains", "read_log"]

RecordName = tuple[Any, ...]
"""(problem, repeat, strategy, step, slot): which chain a record of either log is about."""
Span = tuple[int, int]
"""Where a record lies in its log: (offset, length) in bytes."""
_NAME = ("problem", "repeat", "strategy", "step", "slot")
_TAIL = 1 << 16
_READ = 1 << 20


def name_of(record: Mapping[str, Any]) -> RecordName:
    """The chain that a record is about; None stands for what the record does not say."""
    return tuple(record.get(field) for field in _NAME)


def name_of_chain(chain: Chain) -> RecordName:
    """The name under which a chain is recorded."""
    return (chain.problem, chain.repeat, chain.strategy, *chain.place)


def read_log(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """(offset, length, record) of every whole line. A torn last line is left out.

    Raises `UsageError` with the line's number for any other that is not a JSON object.
    """
    if not path.exists():
        return
    offset = 0
    try:
        with path.open("rb", buffering=_READ) as lines:
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
    """Appends records to a file; those that come while the disk is busy share the next write.

    A write that fails is the last one: nothing ever stands behind a torn line. From then on `save` and `flush` raise
    `Incomplete`, also to those whose records were in somebody else's write.
    """

    def __init__(self, path: Path) -> None:
        """Open a log, without its torn last line if it has one. Raises `Incomplete` if the disk does not let it."""
        self.path = path
        try:
            new = not path.exists()
            self._file = path.open("ab", buffering=0)
            try:
                self._taken = self._saved = _whole_length(path)  # bytes
                self._file.truncate(self._taken)
                if new:
                    sync_folder(path.parent)
            except OSError:
                self._file.close()
                raise
        except OSError as error:
            raise disk_error(path, error) from error
        self._failure: OSError | None = None
        self._pending: list[bytes] = []
        self._saving: asyncio.Future[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="append-log")

    def append(self, record: Mapping[str, Any]) -> Span:
        """Take a record, and say where it will lie; `save` or `flush` writes it."""
        line = json_bytes(record, "replace") + b"\n"
        span = self._taken, len(line)
        self._taken += len(line)
        self._pending.append(line)
        return span

    @property
    def pending(self) -> int:
        """How many bytes were taken and are not on the disk yet."""
        return self._taken - self._saved

    def save(self) -> None:
        """Write every record taken so far. Not while `flush` is awaited."""
        self._write(self._batch())

    async def flush(self) -> None:
        """Return when every record taken so far is on the disk, which is written to off the event loop."""
        wanted = self._taken
        while self._saved < wanted:
            if self._saving is None or self._saving.done():
                self._saving = asyncio.get_running_loop().run_in_executor(self._thread, self._write, self._batch())
                self._saving.add_done_callback(_seen)
            await asyncio.shield(self._saving)

    def _batch(self) -> list[bytes]:
        batch, self._pending = self._pending, []
        return batch

    def _write(self, batch: list[bytes]) -> None:
        if self._failure:
            raise disk_error(self.path, self._failure)
        try:
            for line in batch:
                left = memoryview(line)
                while left:
                    left = left[self._file.write(left) :]
            if batch:
                os.fsync(self._file.fileno())
        except OSError as error:
            self._failure = error
            raise disk_error(self.path, error) from error
        self._saved += sum(map(len, batch))

    def close(self) -> None:
        """Write what is left, unless a write has failed, and close the file."""
        self._thread.shutdown(wait=True)
        try:
            if not self._failure:
                self.save()
        finally:
            self._file.close()


def _seen(writing: asyncio.Future[None]) -> None:
    if not writing.cancelled():
        writing.exception()  # has been told to whoever waited; nobody may have


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
