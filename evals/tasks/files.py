"""Rows out of .jsonl, .csv and .parquet files, and rows to problems.

Two layouts are read: plain columns (a question, an answer, perhaps an id), and that of the published RSA files, which is
also verl's: `prompt` is a list of chat messages whose last one already ends with the answer instruction, and the right
answer is `reward_model.ground_truth`.
"""

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.config import TaskConfig
from evals.problems import Problem
from rsa.errors import UsageError
from rsa.kinds import KINDS

__all__ = ["problems_from_rows", "read_rows"]

Row = Mapping[str, Any]
_QUESTION_FIELDS = ("question", "problem", "prompt")
_ANSWER_FIELDS = ("answer", "gold", "ground_truth", "target")
_ID_FIELDS = ("id", "problem_idx", "uuid")
_KIND_OF_ABILITY = {"math": "math", "supergpqa": "choice", "games": "gym", "cognition": "gym", "code": "code"}


def read_rows(path: Path) -> list[Row]:
    """All rows of a file, told by its ending. CSV values stay text: 070 is not 70. Raises `UsageError` if unreadable."""
    readers = {".jsonl": _read_jsonl, ".csv": _read_csv, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"data: {path} is none of {', '.join(readers)}")
    try:
        rows = reader(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"data: {path} cannot be read: {error}") from error
    if not rows:
        raise UsageError(f"data: {path} holds no rows")
    return rows


def _read_jsonl(path: Path) -> list[Row]:
    rows: list[Row] = []
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise UsageError(f"data: {path}, line {number} is not JSON: {error}") from error
            if not isinstance(row, dict):
                raise UsageError(f"data: {path}, line {number} is not a JSON object")
            rows.append(row)
    return rows


def _read_csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines, strict=True))


def _read_parquet(path: Path) -> list[Row]:
    import pyarrow as pa  # noqa: PLC0415 - only where a parquet file is read
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        rows: list[Row] = pq.read_table(path).to_pylist()
    except pa.ArrowException as error:
        raise UsageError(f"data: {path} cannot be read as parquet: {error}") from error
    return rows


def problems_from_rows(rows: Sequence[Row], config: TaskConfig, kind: str | None, source: str) -> list[Problem]:
    """Problems in row order. Raises `UsageError` naming the row and column of what is missing, blank or double."""
    rows = rows[: config.limit]
    problems = [_problem(row, number, config, kind, source) for number, row in enumerate(rows)]
    double = [name for name, count in Counter(problem.id for problem in problems).items() if count > 1]
    if double:
        raise UsageError(
            f"data: {source}: the id {double[0]!r} stands for more than one row; name another column (--id-field)"
        )
    return problems


def _problem(row: Row, number: int, config: TaskConfig, kind: str | None, source: str) -> Problem:
    where = f"data: {source}, row {number + 1}"
    row_id = _row_id(row, number, config.id_field, where)
    if config.question_field is None and isinstance(row.get("prompt"), list):
        return _published_row(row, row_id, kind, config.instruction, where)
    kind = kind or "math"
    question = _column(row, config.question_field, _QUESTION_FIELDS, "--question-field", where)
    gold = _column(row, config.answer_field, _ANSWER_FIELDS, "--answer-field", where)
    instruction = config.instruction
    if instruction is None:
        instruction = f"Think step by step. {KINDS[kind].answer_format}"
    asked = f"{question}\n\n{instruction}" if instruction else question
    return Problem(row_id, asked, _checked_gold(gold, kind, where), kind)


def _published_row(row: Row, row_id: str, kind: str | None, instruction: str | None, where: str) -> Problem:
    if instruction is not None:
        raise UsageError(f"{where}: its prompt ends with an instruction already: leave task.instruction out")
    messages = [_message(message, where) for message in row["prompt"]]
    gold = _text(_nested(row, "reward_model", "ground_truth"))
    if gold is None:
        raise UsageError(f"{where}: reward_model.ground_truth is missing or blank")
    if not messages or messages[-1]["role"] != "user":
        raise UsageError(f"{where}: the last message of prompt is not a user's text")
    kind = kind or _KIND_OF_ABILITY.get(str(row.get("ability")), "math")
    return Problem(row_id, messages[-1]["content"], _checked_gold(gold, kind, where), kind, tuple(messages[:-1]))


def _message(message: Any, where: str) -> dict[str, str]:
    role, content = (message.get("role"), message.get("content")) if isinstance(message, Mapping) else (None, None)
    text = _text(content)
    if not isinstance(role, str) or text is None:
        raise UsageError(f"{where}: a message of prompt has no role or no text; images are not supported")
    return {"role": role, "content": text}


def _checked_gold(gold: str, kind: str, where: str) -> str:
    """The right answer, if an answer of that kind can be equal to it at all."""
    reads = {"choice": r"\s*[A-Ja-j]\s*", "number": r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"}
    if kind in reads and not re.fullmatch(reads[kind], gold.strip()):
        wanted = {"choice": "a letter from A to J", "number": "a number"}[kind]
        raise UsageError(f"{where}: the right answer {gold!r} is not {wanted}, as the kind {kind} needs")
    return gold


def _row_id(row: Row, number: int, field: str | None, where: str) -> str:
    if field is not None:
        return _column(row, field, (), "--id-field", where)
    named = next((_text(row[name]) for name in _ID_FIELDS if name in row), None)
    return named or _text(_nested(row, "extra_info", "index")) or f"row {number + 1}"


def _column(row: Row, field: str | None, usual: Sequence[str], flag: str, where: str) -> str:
    name = field or next((name for name in usual if name in row), None)
    if name is None or name not in row:
        wanted = f"no column {field!r}" if field else f"none of the columns {', '.join(usual)}"
        raise UsageError(f"{where}: there is {wanted}; name one with {flag} (there are: {', '.join(map(str, row))})")
    value = _text(row[name])
    if value is None:
        raise UsageError(f"{where}: the column {name!r} is blank, or neither text nor a number: {row[name]!r:.80}")
    return value


def _nested(row: Row, outer: str, inner: str) -> Any:
    value = row.get(outer)
    return value.get(inner) if isinstance(value, Mapping) else None


def _text(value: Any) -> str | None:
    """A cell as text; None for a blank one and for anything that is neither text nor a finite number."""
    if isinstance(value, float) and math.isfinite(value):
        value = int(value) if value.is_integer() else repr(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        return None
    return value.encode("utf-8", errors="replace").decode("utf-8")  # half surrogates fit into no file
