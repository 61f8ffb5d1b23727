"""What a training row knows of its right answer: all that a verdict needs, as one JSON text.

Trainers hand `reward_model.ground_truth` to their reward function as it is, so everything has to be in that one text. Rows
that hold it are read back as problems too, so that a training set can be run like any other data (`--data train.parquet`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evals.problems import Problem
from evals.tasks.files import Row
from rsa.errors import UsageError
from rsa.kinds import kind_named

__all__ = ["GroundTruth", "is_training_row", "training_problems"]

_FORMAT = "rsa-ground-truth/1"
_OURS = f'{{"format": "{_FORMAT}"'


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """A problem, and how answers to it are judged and rewarded.

    `scorer`, `tolerance` and `lenient` are those of a task section. With `graded` the reward is the score, with partial
    credit; without it is 1 for a solved problem and 0 for any other.
    """

    problem: Problem
    scorer: str
    tolerance: float = 0.0
    lenient: bool = False
    graded: bool = False

    def to_json(self) -> str:
        """The text for `reward_model.ground_truth`."""
        problem = self.problem
        content = {
            "format": _FORMAT,
            "scorer": self.scorer,
            "tolerance": self.tolerance,
            "lenient": self.lenient,
            "graded": self.graded,
            "problem": problem.id,
            "kind": problem.kind,
            "question": problem.question,
            "golds": list(problem.golds),
            "extra": problem.extra,
        }
        return json.dumps(content, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "GroundTruth":
        """The ground truth in a row. Raises `UsageError` for a text that `rsa-train build` did not write."""
        try:
            content = json.loads(text)
            if content["format"] != _FORMAT:
                raise UsageError(
                    f"its format is {content['format']!r}, not {_FORMAT}: build the data set again (rsa-train build)"
                )
            problem = Problem(
                content["problem"],
                content["question"],
                tuple(content["golds"]),
                kind_named(content["kind"]).name,
                extra=content["extra"],
            )
            return cls(problem, content["scorer"], content["tolerance"], content["lenient"], content["graded"])
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise UsageError(
                f"the ground truth {str(text)[:60]!r} says not how answers are judged ({error!r}): it must come out of "
                "a data set that rsa-train build made"
            ) from error


def is_training_row(row: Row) -> bool:
    """Whether a row is one of `rsa-train build`."""
    model = row.get("reward_model")
    return isinstance(model, Mapping) and str(model.get("ground_truth")).startswith(_OURS)


def training_problems(rows: Sequence[Row], source: str) -> list[Problem]:
    """Problems that ask what the rows' prompts ask, aggregation prompts included.

    Their ids are the problems' with the row's number, because a problem may have several rows. Raises `UsageError` for rows
    that are not all of a training set.
    """
    return [_problem(row, number, f"data: {source}, row {number}") for number, row in enumerate(rows, 1)]


def _problem(row: Row, number: int, where: str) -> Problem:
    try:
        problem = GroundTruth.from_json(row["reward_model"]["ground_truth"]).problem
        *before, last = row["prompt"]
        groups = {"mode": str(row["mode"]), "data_source": str(row["data_source"])}
        return replace(problem, id=f"{problem.id}-{number}", question=last["content"], before=tuple(before), groups=groups)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{where}: it is not a whole row of a training set ({error!r})") from error
