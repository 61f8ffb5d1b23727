"""A training set as parquet: verl's layout with columns of our own, one row a prompt. TRL and `rsa-eval` read it as it is.

| column | content |
|---|---|
| data_source | the source's name |
| prompt | chat messages: the prompt as it is sent |
| ability | the problem's kind: math, choice, gym, code, ... |
| reward_model | `style` rule, and as `ground_truth` all that a verdict needs (`evals.tasks.ground_truth`) |
| extra_info | `index`, `split`, `problem`, `mode`, how many `candidates`, how many of them are `right` (null: unknown) |
| problem | the problem's name, by which training and validation are apart |
| mode | plain or aggregate |
| candidates | `slot`, `text` and `solved` of each candidate in prompt order; empty for plain prompts |
| prompt_tokens | with the model's chat template |
| question | the plain question, so that prompts can be made anew with other candidates |
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evals.directory import disk_error
from rsa.endpoint import Messages

__all__ = ["SCHEMA", "Row", "Shown", "write_rows"]

_ROW_GROUP = 256  # rows with four long candidates each are some 40 MB

_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
_CANDIDATE = pa.struct([("slot", pa.int32()), ("text", pa.string()), ("solved", pa.bool_())])
_EXTRA = pa.struct(
    [
        ("index", pa.int64()),
        ("split", pa.string()),
        ("problem", pa.string()),
        ("mode", pa.string()),
        ("candidates", pa.int32()),
        ("right", pa.int32()),
    ]
)
SCHEMA = pa.schema(
    [
        ("data_source", pa.string()),
        ("prompt", pa.list_(_MESSAGE)),
        ("ability", pa.string()),
        ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
        ("extra_info", _EXTRA),
        ("problem", pa.string()),
        ("mode", pa.string()),
        ("candidates", pa.list_(_CANDIDATE)),
        ("prompt_tokens", pa.int32()),
        ("question", pa.string()),
    ]
)
"""The columns."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A candidate in a prompt."""

    slot: int
    text: str
    solved: bool | None


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt of a training set."""

    source: str
    kind: str
    problem: str
    question: str
    prompt: Messages
    tokens: int
    ground_truth: str
    candidates: tuple[Shown, ...] = ()

    @property
    def mode(self) -> str:
        """plain or aggregate."""
        return "aggregate" if self.candidates else "plain"

    @property
    def right(self) -> int | None:
        """How many candidates are right; None where that is not known of all, or there are none."""
        solved = [candidate.solved for candidate in self.candidates]
        return None if not solved or None in solved else sum(map(bool, solved))

    def record(self, index: int, split: str) -> Mapping[str, Any]:
        """The row by its columns."""
        shown = [{"slot": each.slot, "text": each.text, "solved": each.solved} for each in self.candidates]
        about = {"index": index, "split": split, "problem": self.problem, "mode": self.mode}
        return {
            "data_source": self.source,
            "prompt": [{"role": message["role"], "content": message["content"]} for message in self.prompt],
            "ability": self.kind,
            "reward_model": {"style": "rule", "ground_truth": self.ground_truth},
            "extra_info": {**about, "candidates": len(shown), "right": self.right},
            "problem": self.problem,
            "mode": self.mode,
            "candidates": shown,
            "prompt_tokens": self.tokens,
            "question": self.question,
        }


def write_rows(path: Path, rows: Iterable[Row], split: str) -> None:
    """Write a parquet file whole or not at all. Raises `Incomplete` if the disk does not take it."""
    scratch = path.with_suffix(".tmp")
    try:
        with pq.ParquetWriter(scratch, SCHEMA, compression="zstd") as writer:
            for batch in _batches(rows, split):
                writer.write_table(pa.Table.from_pylist(batch, SCHEMA))
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise disk_error(path, error) from error


def _batches(rows: Iterable[Row], split: str) -> Iterator[list[Mapping[str, Any]]]:
    records = (row.record(index, split) for index, row in enumerate(rows))
    while batch := list(islice(records, _ROW_GROUP)):
        yield batch
