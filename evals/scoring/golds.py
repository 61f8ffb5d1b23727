"""Right answers that no answer could ever equal are a mistake in the data, told before anything is spent."""

import importlib.util
import re
from collections.abc import Callable, Iterable, Mapping
from reprlib import repr as shortened
from types import MappingProxyType

from evals.problems import Problem
from evals.scoring.custom import is_custom
from evals.scoring.latex import LONGEST, integer, plain_number
from evals.scoring.scoring import SCORERS, default_scorer, lacks_gold
from evals.scoring.units import without_unit
from rsa.errors import UsageError
from rsa.text import did_you_mean

__all__ = ["check_golds", "check_has_gold"]


def _is_pattern(gold: str) -> bool:
    try:
        re.compile(gold)
    except re.error:
        return False
    return True


_CHECKS: Mapping[str, tuple[Callable[[str], bool], str]] = MappingProxyType(
    {
        "integer": (lambda gold: integer(gold) is not None, "an integer"),
        "choice": (lambda gold: re.fullmatch(r"\s*[A-Ja-j]\s*", gold) is not None, "a letter from A to J"),
        "number": (lambda gold: plain_number(without_unit(gold)[0]) is not None, "a number"),
        "regex": (_is_pattern, "a regular expression"),
    }
)

_FINAL_ONLY = ("math", "integer", "number")
_NOT_SCORED = "composite"  # a Reasoning Gym data set made of others, whose items bear the others' names


def check_golds(problems: Iterable[Problem], scorer: str | None, source: str | None = None) -> None:
    """Raise `UsageError` for the first right answer that the scorer cannot use. `scorer` None is that of each kind.

    `source` is where the problems come from, for the message.
    """
    if scorer and scorer not in SCORERS and not is_custom(scorer):
        raise UsageError(
            f"task.scorer: there is no scorer {scorer!r}{did_you_mean(scorer, SCORERS)}; your own is module:function or "
            "file.py:function"
        )
    of_gym: dict[str, str] = {}
    for problem in problems:
        where = f"data: {source}, problem {problem.id}" if source else f"problem {problem.id}"
        name = scorer or default_scorer(problem.kind)
        check_has_gold(problem, name, where)
        for gold in problem.golds:
            _check_gold(gold, name, problem, where)
        _check_extra(name, problem, where)
        if name == "gym":
            of_gym.setdefault(str(problem.extra.get("dataset")), where)
    if of_gym:
        _check_gym(of_gym)


def check_has_gold(problem: Problem, scorer: str, where: str) -> None:
    """Raise `UsageError` if a problem has no right answer and its scorer has nothing else to judge by."""
    if lacks_gold(problem, scorer):
        raise UsageError(
            f"{where}: it has no right answer, and the scorer {scorer} has nothing else to judge by: give data with right "
            "answers, or leave the row out"
        )


def _check_gold(gold: str, scorer: str, problem: Problem, where: str) -> None:
    if scorer in _FINAL_ONLY and ("####" in gold or len(gold) > LONGEST):
        raise UsageError(
            f"{where}: the right answer {shortened(gold)} is a whole solution, which no answer can equal: give "
            "a column that holds the final answer alone (--answer-field)"
        )
    usable, wanted = _CHECKS.get(scorer, (None, ""))
    if usable and not usable(gold):
        raise UsageError(
            f"{where}: the right answer {gold!r} is not {wanted}, as the scorer {scorer} needs: correct it, or name another "
            "kind (--kind) or scorer (--scorer)"
        )
    options = problem.extra.get("options") or ()
    if scorer == "choice" and options and gold.strip().upper() not in options:
        raise UsageError(f"{where}: the right answer {gold!r} is none of its {len(options)} options")


def _check_extra(scorer: str, problem: Problem, where: str) -> None:
    needed = {"gym": ("entry",), "code": ("tests", "source")}.get(scorer)
    if needed and not any(key in problem.extra for key in needed):
        raise UsageError(f"{where}: it has no {needed[0]}, as the scorer {scorer} needs")


def _check_gym(first: Mapping[str, str]) -> None:
    """Whether Reasoning Gym has the data sets, each with where it is first met; says nothing without the package."""
    if importlib.util.find_spec("reasoning_gym") is None:
        return
    from reasoning_gym.factory import DATASETS  # noqa: PLC0415 - more than a second, and an extra

    there = DATASETS.keys() - {_NOT_SCORED}
    for dataset, where in first.items():
        if dataset not in there:
            raise UsageError(
                f"{where}: Reasoning Gym has no data set {dataset!r}{did_you_mean(dataset, there)}, so nothing "
                "can score it: correct extra_info.dataset_name, or leave the row out"
            )
