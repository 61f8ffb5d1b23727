"""A training set as `rsa-train build` left it, read back for training."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evals.scoring import check_has_gold
from evals.tasks.files import Row, read_rows
from evals.tasks.ground_truth import GroundTruth
from rsa.errors import UsageError
from rsa.generation import Question
from rsa.keys import Key
from rsa.kinds import kind_named

__all__ = ["TrainingRow", "TrainingSet", "read_training_set", "visiting_order"]


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One prompt. `candidates` is how many it shows (0: it is plain), `truth` the JSON that the reward reads.

    `tokens` is the length of the prompt by the tokenizer that the data set was built with.
    """

    prompt: tuple[Mapping[str, str], ...]
    question: Question
    candidates: int
    data_source: str
    truth: str
    tokens: int = 0

    def columns(self) -> dict[str, Any]:
        """What TRL and its reward function see of it."""
        return {
            "prompt": [dict(message) for message in self.prompt],
            "data_source": self.data_source,
            "reward_model": {"style": "rule", "ground_truth": self.truth},
        }


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Both splits. `sha256` identifies the files. Their prompts were made with `prompts`, and show of a candidate what
    `compaction` leaves of it.
    """

    folder: Path
    train: tuple[TrainingRow, ...]
    validation: tuple[TrainingRow, ...]
    sha256: str
    prompts: str = "default"
    compaction: str = "answer"

    def files(self) -> tuple[Path, Path]:
        """The parquet files of the two splits."""
        return self.folder / "train.parquet", self.folder / "validation.parquet"

    def questions(self, most: int) -> list[TrainingRow]:
        """One row for each of the first problems of the validation split."""
        by_question = {row.question.text: row for row in reversed(self.validation)}
        asked = list(dict.fromkeys(row.question.text for row in self.validation))
        return [by_question[text] for text in asked[:most]]


def read_training_set(folder: Path) -> TrainingSet:
    """Read and check both splits. Raises `UsageError` for files that are missing, rows that are not ours or have no gold."""
    splits, digest = [], hashlib.sha256()
    for name in ("train", "validation"):
        path = folder / f"{name}.parquet"
        if not path.is_file():
            raise UsageError(f"data: there is no {path}: make the data set first (rsa-train build CONFIG --out {folder})")
        digest.update(path.read_bytes())
        splits.append(tuple(_row(row, f"{path}, row {number}") for number, row in enumerate(read_rows(path), 1)))
    return TrainingSet(folder, splits[0], splits[1], digest.hexdigest(), **_made_with(folder / "build.yaml"))


def _made_with(path: Path) -> dict[str, str]:
    """What `rsa-train build` recorded of how prompts were made; nothing for files of another origin."""
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
        return {key: str(config[key]) for key in ("prompts", "compaction")}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise UsageError(f"data: {path} is not what rsa-train build writes ({error!r}): build the data set again") from error


def _row(row: Row, where: str) -> TrainingRow:
    try:
        prompt = tuple({"role": str(turn["role"]), "content": str(turn["content"])} for turn in row["prompt"])
        candidates, source, rule = len(row["candidates"] or ()), str(row["data_source"]), row["reward_model"]
        tokens = int(row["prompt_tokens"])
    except (KeyError, TypeError) as error:
        raise UsageError(
            f"data: {where} is not a row of a training set ({error!r}): data is a folder that rsa-train build made"
        ) from error
    truth = rule.get("ground_truth") if isinstance(rule, Mapping) else None
    if not truth:
        raise UsageError(
            f"data: {where} has no right answer in reward_model.ground_truth, so nothing can be rewarded: build the data "
            "set from a task with right answers"
        )
    try:
        parsed = GroundTruth.from_json(truth)
    except UsageError as error:
        raise UsageError(f"data: {where}: {error}") from error
    problem = parsed.problem
    check_has_gold(problem, parsed.scorer, f"data: {where}")
    question = Question(problem.question, kind_named(problem.kind), prompt[:-1])
    return TrainingRow(prompt, question, candidates, source, truth, tokens)


def visiting_order(rows: Sequence[TrainingRow], count: int, seed: int) -> list[int]:
    """Which rows are visited, one after the other: all in a random order, then all in another, until there are `count`.

    A pure function of the seed, so that a resumed run goes on where it was and a step's prompts are known in advance.
    """
    order: list[int] = []
    while len(order) < count:
        epoch = len(order) // len(rows)
        order += Key(seed, "training set", epoch, purpose="visiting order").permutation(len(rows))
    return order[:count]
