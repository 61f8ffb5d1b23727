"""Rows out of .jsonl, .csv and .parquet files."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rsa.errors import UsageError

__all__ = ["Row", "read_rows"]

Row = Mapping[str, Any]


def read_rows(path: Path) -> list[Row]:
    """All rows of a file, told by its ending. CSV values stay text: 070 is not 70. Raises `UsageError` if unreadable."""
    readers = {".jsonl": _read_jsonl, ".csv": _read_csv, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"data: {path} is none of {', '.join(readers)}")
    try:
        rows = reader(path)
    except (OSError, UnicodeDecodeError) as error:
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
            except RecursionError as error:
                raise UsageError(
                    f"data: {path}, line {number} is nested too deep to be read: leave the row out, or what is so deep"
                ) from error
            if not isinstance(row, dict):
                raise UsageError(f"data: {path}, line {number} is not a JSON object")
            rows.append(row)
    return rows


def _read_csv(path: Path) -> list[Row]:
    rows: list[Row] = []
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        try:
            for row in reader:
                if None in row:  # where the module puts the cells that have no column
                    raise UsageError(
                        f"data: {path}, line {reader.line_num}: there are more cells than columns: "
                        "put a cell that holds commas in double quotes"
                    )
                rows.append(row)
        except csv.Error as error:
            # the module's limit on the length of a cell can only be raised for the whole process
            raise UsageError(
                f"data: {path} cannot be read: line {reader.reader.line_num}: {error}; "
                "mend the line, or give the rows as .jsonl or .parquet, where a cell may have any length"
            ) from error
    return rows


def _read_parquet(path: Path) -> list[Row]:
    import pyarrow as pa  # noqa: PLC0415 - only where a parquet file is read
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        rows: list[Row] = pq.read_table(path).to_pylist()
    except pa.ArrowException as error:
        raise UsageError(f"data: {path} cannot be read as parquet: {error}") from error
    return rows
