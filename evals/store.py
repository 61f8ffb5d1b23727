"""The run directory: `run.yaml`, `problems.jsonl`, and the append-only `chains.jsonl` and `verdicts.jsonl`.

A record in a log says that its chain is done; nothing else is state. A last line that was torn by a crash is dropped when
the log is opened for writing, and its chain is generated again.
"""

import asyncio
import json
import os
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from rsa.chain import Chain
from rsa.errors import Incomplete, UsageError

__all__ = ["FORMAT", "AppendLog", "ChainIndex", "RunDirectory", "read_log", "write_whole"]

FORMAT = 1
"""The version of the run directory's layout."""

ChainKey = tuple[str, int, str]
"""(problem, repeat, strategy)."""


class RunDirectory:
    """The paths of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_yaml = path / "run.yaml"
        self.problems = path / "problems.jsonl"
        self.chains = path / "chains.jsonl"
        self.verdicts = path / "verdicts.jsonl"
        self.summary = path / "summary.json"
        self.report = path / "report.html"
        self.server_log = path / "server.log"

    @property
    def started(self) -> bool:
        """Whether a run was started here."""
        return self.run_yaml.is_file()

    def create(self, problems: bytes) -> None:
        """Make the folder for a run on these frozen problems.

        Raises `UsageError` if it cannot be written or holds something else than what a start that was cut short leaves.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            ours = [self.server_log.name, self.run_yaml.with_suffix(".tmp").name, self.problems.with_suffix(".tmp").name]
            if self.problems.is_file() and self.problems.read_bytes() == problems:
                ours.append(self.problems.name)
            foreign = [entry.name for entry in self.path.iterdir() if entry.name not in ours]
        except OSError as error:
            raise UsageError(f"out: {self.path} cannot be used as a run directory ({error.strerror})") from error
        if foreign and not self.started:
            raise UsageError(f"out: {self.path} is not a run directory and not empty (it holds {foreign[0]}): name another")
        if not os.access(self.path, os.W_OK):
            raise UsageError(f"out: {self.path} cannot be written to: name another folder (--out)")

    def write_run(self, content: Mapping[str, Any]) -> None:
        """Write `run.yaml` whole or not at all."""
        text = yaml.safe_dump({"format": FORMAT, **content}, sort_keys=False, allow_unicode=True, width=120)
        write_whole(self.run_yaml, text)

    def read_run(self) -> dict[str, Any]:
        """The content of `run.yaml`. Raises `UsageError` if there is none, or if a newer version wrote it."""
        try:
            content = yaml.safe_load(self.run_yaml.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(
                f"{self.path} is not a run directory: there is no readable run.yaml ({error.strerror})"
            ) from error
        except yaml.YAMLError as error:
            raise UsageError(f"{self.run_yaml} is not YAML: {error}") from error
        if not isinstance(content, dict) or not isinstance(content.get("format"), int):
            raise UsageError(f"{self.run_yaml} says no format number: it is not the file of a run")
        if content["format"] > FORMAT:
            raise UsageError(
                f"{self.path} was written by a newer version (format {content['format']}, this one knows {FORMAT}): "
                "upgrade recursive-self-aggregation"
            )
        return content

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write `summary.json` whole or not at all."""
        write_whole(self.summary, json.dumps(summary, indent=2, ensure_ascii=False) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises `Incomplete` if the disk does not take it."""
    scratch = path.with_suffix(".tmp")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise _disk_error(path, error) from error


def _disk_error(path: Path, error: OSError) -> Incomplete:
    return Incomplete(f"{path} cannot be written ({error.strerror}): make space, then resume")


def read_log(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """(offset, length, record) of every whole line. A torn last line is left out; any other that is not JSON is an error."""
    if not path.is_file():
        return
    offset = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                record = json.loads(line) if line.endswith(b"\n") else None
            except ValueError as error:
                if lines.read(1):
                    raise UsageError(
                        f"{path}, line {number} is damaged: move the line elsewhere, and its chain will be generated again"
                    ) from error
                return
            if isinstance(record, dict):
                yield offset, len(line), record
            offset += len(line)


class AppendLog:
    """Appends records to a file, off the event loop; records that come while the disk is busy share the next write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        whole = max((offset + length for offset, length, _ in read_log(path)), default=0)
        self._file = path.open("ab", buffering=0)
        self._file.truncate(whole)
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
        if not batch:
            return
        try:
            while batch:
                batch = batch[self._file.write(batch) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _disk_error(self.path, error) from error

    def close(self) -> None:
        """Write what is left and close the file."""
        self._writer.shutdown(wait=True)
        try:
            self._drain()
        finally:
            self._file.close()


class ChainIndex:
    """Where each recorded chain of a run lies, without its text."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[ChainKey, dict[tuple[int, int], tuple[int, int]]] = {}
        for offset, length, record in read_log(path):
            chain = Chain.from_record(record)
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
