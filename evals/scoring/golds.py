"""Right answers that no answer could ever equal are a mistake in the data, told before anything is spent."""

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from evals.problems import Problem
from evals.scoring.latex import integer, plain_number, without_unit
from evals.scoring.scoring import default_scorer
from rsa.errors import UsageError

__all__ = ["check_golds"]


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


def check_golds(problems: Iterable[Problem], scorer: str | None) -> None:
    """Raise `UsageError` for the first right answer that the scorer cannot use. `scorer` None is that of each kind."""
    for problem in problems:
        name = scorer or default_scorer(problem.kind)
        usable, wanted = _CHECKS.get(name, (None, ""))
        for gold in problem.golds if usable else ():
            if usable and not usable(gold):
                raise UsageError(
                    f"problem {problem.id}: the right answer {gold!r} is not {wanted}, as the scorer {name} needs; "
                    "name another with task.scorer"
                )
        needed = {"gym": ("entry",), "code": ("tests", "source")}.get(name)
        if needed and not any(key in problem.extra for key in needed):
            raise UsageError(f"problem {problem.id}: it has no {needed[0]}, as the scorer {name} needs")
        options = problem.extra.get("options") or ()
        stray = [gold for gold in problem.golds if options and gold.strip().upper() not in options]
        if name == "choice" and stray:
            raise UsageError(f"problem {problem.id}: the right answer {stray[0]!r} is none of its {len(options)} options")
