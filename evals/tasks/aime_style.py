"""The shipped data set: problems at the level of the AIME, so that a first run needs no network."""

import json
from pathlib import Path

from evals.problems import Problem
from evals.tasks.rows import instruction_for

__all__ = ["aime_style_problems"]

_FILE = Path(__file__).parents[1] / "data" / "aime_style.jsonl"


def aime_style_problems(instruction: str | None) -> list[Problem]:
    """All problems, with the instruction at their end (None: the usual one)."""
    ending = instruction_for("math") if instruction is None else instruction
    rows = [json.loads(line) for line in _FILE.read_text(encoding="utf-8").splitlines()]
    return [
        Problem(
            row["id"],
            f"{row['problem']}\n\n{ending}" if ending else row["problem"],
            (row["answer"],),
            "math",
            groups={"subject": row["subject"]},
        )
        for row in rows
    ]
