"""LiveCodeBench, from its published JSONL files, read line by line: the tests stay in the files.

A release `release_v1` to `release_v6` (or `release_latest`) holds everything up to that version, `v1` to `v6` only what one
version added, and `v4_v6` what several did. "LiveCodeBench v6" is said of three things: release_v6 (1,055 problems), its
window from August 2024 to May 2025 (454), and v6 (175). So release, window and count belong beside every result.
"""

import datetime
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Json, ValidationError

from evals.problems import Problem
from evals.tasks.code.layout import refuse_double
from evals.tasks.code.schema import PlainText
from evals.tasks.code.source import place_of
from evals.tasks.code.wording import asked
from evals.tasks.hub import HubSource, hub_folder
from rsa.errors import UsageError
from rsa.text import did_you_mean

__all__ = ["HUB", "PUBLISHED", "Selection", "livecodebench_files", "livecodebench_problems", "release_files"]

HUB = HubSource("livecodebench/code_generation_lite", revision="0fe84c3912ea0c4d4a78037083943e8f0c4dd505")
"""Where the files are published. All six take 4.5 GB."""
PUBLISHED: Mapping[str, int] = MappingProxyType(
    {"test.jsonl": 400, "test2.jsonl": 111, "test3.jsonl": 101, "test4.jsonl": 101, "test5.jsonl": 167, "test6.jsonl": 175}
)
"""The published files, oldest first, with how many problems each holds."""
_FILES = tuple(PUBLISHED)


def _releases() -> Mapping[str, tuple[str, ...]]:
    versions = range(1, len(_FILES) + 1)
    releases = {f"release_v{last}": _FILES[:last] for last in versions}
    releases["release_latest"] = _FILES
    releases |= {f"v{version}": (_FILES[version - 1],) for version in versions}
    return releases | {f"v{first}_v{last}": _FILES[first - 1 : last] for last in versions for first in range(1, last)}


def release_files(release: str) -> tuple[str, ...]:
    """The published files that make a release. Raises `UsageError` for a name that is none."""
    releases = _releases()
    if release not in releases:
        raise UsageError(
            f"task.release: there is no {release!r}{did_you_mean(release, releases)}; release_v1 to release_v6 hold all "
            "up to that version, v1 to v6 one version alone, v4_v6 several"
        )
    return releases[release]


def livecodebench_files(
    release: str, data: Path | None = None, revision: str | None = None
) -> tuple[list[Path], str | None]:
    """The files of a release, and the revision they came from (None: they are your own).

    They are those in `data`, a single file or a folder with the files of the release, or come from the hub, where only what
    the release needs is downloaded. Raises `UsageError` if one is not there.
    """
    names = release_files(release)
    if data is not None and data.is_file():
        return [data.absolute()], None
    if data is None:
        folder = hub_folder(HubSource(HUB.repository, revision=revision or HUB.revision), names)
    else:
        folder = data.absolute()
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise UsageError(f"data: {folder} lacks {', '.join(missing)}, which {release} needs")
    return [folder / name for name in names], None if data is not None else folder.name


@dataclass(frozen=True, slots=True)
class Selection:
    """The problems of a release in a window, in the files' order, and what to say of them beside every result.

    `rows` counts all problems of the files, `count` those that were selected, before a limit; `left_out` are the excluded
    ones that would have been selected.
    """

    problems: tuple[Problem, ...]
    release: str
    start: datetime.date | None
    end: datetime.date | None
    rows: int
    count: int
    left_out: tuple[str, ...]

    def details(self) -> dict[str, Any]:
        """The facts as plain JSON."""
        window = [day.isoformat() if day else None for day in (self.start, self.end)]
        return {
            "release": self.release,
            "window": window,
            "problems_in_release": self.rows,
            "problems_in_window": self.count,
            "left_out": list(self.left_out),
        }


class _Metadata(BaseModel):
    func_name: str | None = None


class _Row(BaseModel):
    """What of a published row is needed before an answer is judged."""

    model_config = ConfigDict(strict=True)

    question_id: PlainText
    question_title: PlainText
    question_content: PlainText
    platform: PlainText
    contest_date: str
    starter_code: PlainText
    difficulty: PlainText
    metadata: Json[_Metadata]

    def names(self) -> set[str]:
        """What an exclusion may call this problem: its id, or its title as in a web address."""
        return {self.question_id, re.sub(r"[^a-z0-9]+", "-", self.question_title.lower()).strip("-")}


def livecodebench_problems(
    files: Sequence[Path],
    release: str,
    *,
    start: datetime.date | None = None,
    end: datetime.date | None = None,
    difficulty: str | None = None,
    exclude: Collection[str] = (),
    limit: int | None = None,
    instruction: str | None = None,
) -> Selection:
    """The problems whose contests were held from `start` to `end`, both included, without those that `exclude` names.

    One row at a time is in memory, and no test is decoded. Raises `UsageError` that names the file and line of what cannot
    be read, and if nothing is left.
    """
    excluded = set(exclude)
    problems: list[Problem] = []
    left_out: list[str] = []
    rows = count = 0
    for row, file, offset, line in _rows(files):
        rows += 1
        day = _day(row, file)
        if (start and day < start) or (end and day > end) or difficulty not in (None, row.difficulty):
            continue
        if excluded & row.names():
            left_out.append(row.question_id)
            continue
        count += 1
        if limit is None or count <= limit:
            problems.append(_problem(row, place_of(file, offset, line), instruction))
    if not problems:
        wanted = f" of difficulty {difficulty}" if difficulty else ""
        raise UsageError(
            f"task: none of the {rows} problems of {release}{wanted} is from {start or 'any day'} to {end or 'any day'}"
        )
    refuse_double(problems, release)
    return Selection(tuple(problems), release, start, end, rows, count, tuple(left_out))


def _rows(files: Sequence[Path]) -> Iterator[tuple[_Row, Path, int, bytes]]:
    for file in files:
        offset = 0
        try:
            with file.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        yield _parsed(line, f"data: {file}, line {number}"), file, offset, line
                    offset += len(line)
        except OSError as error:
            raise UsageError(f"data: {file} cannot be read: {error.strerror}") from error


def _parsed(line: bytes, where: str) -> _Row:
    try:
        return _Row.model_validate(json.loads(line))
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        key = ".".join(map(str, error["loc"]))
        raise UsageError(f"{where}: not a row of LiveCodeBench: {key}: {error['msg']}") from failure
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not JSON ({error}): the file may not be downloaded whole") from error


def _day(row: _Row, file: Path) -> datetime.date:
    try:
        return datetime.datetime.fromisoformat(row.contest_date).date()
    except ValueError as error:
        raise UsageError(f"data: {file}: contest_date of {row.question_id!r} is no date: {row.contest_date!r}") from error


def _problem(row: _Row, place: Mapping[str, Any], instruction: str | None) -> Problem:
    function = row.metadata.func_name
    question = asked(row.question_content, (), function, row.starter_code.rstrip() or None, instruction)
    extra: dict[str, Any] = {"style": "functional" if function else "stdin", "source": dict(place)}
    if function:
        extra["function"] = function
    groups = {"difficulty": row.difficulty, "platform": row.platform}
    return Problem(row.question_id, question, (), "code", (), groups, extra)
