"""The options of the solvers, checked before anything is spent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, TypedDict, get_args

from inspect_ai.solver import Solver
from rich.markup import escape

from rsa.answers import after_thinking, boxed_or_tagged
from rsa.compaction import COMPACTIONS
from rsa.demand import Need
from rsa.errors import UsageError
from rsa.inspect_solvers.internals import PrerequisiteError
from rsa.kinds import KINDS, Kind
from rsa.ordering import CANDIDATE_ORDERS
from rsa.overflow import OVERFLOWS
from rsa.prompts import Prompts
from rsa.strategies import Select, Strategy
from rsa.text import did_you_mean

__all__ = ["Choices", "Options", "Settings", "settings_of"]

Choices = Literal["cot", "plain", "leave"]
"""How the choices of a sample are asked for: with room to think, with the letter alone, or not at all."""

_LETTER = re.compile(r"\banswer[ \t*_]*:[ \t*_$(]*([a-z])(?![ \t]*[\w,])", re.IGNORECASE)
_ANSWER_LINE = re.compile(r"^[ \t*_#>]*answer[ \t*_]*:[ \t*_]*(\S.*)$", re.IGNORECASE | re.MULTILINE)


class Options(TypedDict, total=False):
    """What every solver takes besides the parameters of its strategy. `docs/inspect.md` says what each means."""

    seed: int
    kind: str
    select: Select
    need: Need
    choices: Choices
    candidate_order: str
    compaction: str
    on_overflow: str
    prompts: str
    around: Solver


@dataclass(frozen=True, slots=True)
class Settings:
    """A solver's options, checked. `seed` None stands for the eval's own."""

    strategy: Strategy
    kind: Kind
    select: Select
    prompts: Prompts
    seed: int | None = None
    need: Need = "answer"
    choices: Choices = "cot"
    candidate_order: str = "draw"
    compaction: str = "answer"
    on_overflow: str = "fail"
    around: Solver | None = None

    def of_choices(self) -> "Settings":
        """The same for a sample with choices: "ANSWER: B) pear" is the answer B, as inspect_ai reads it."""
        return replace(self, kind=replace(self.kind, extract=_option_letter)) if self.kind.name == "inspect" else self


def settings_of(strategy: type[Strategy], parameters: Mapping[str, Any], options: Mapping[str, Any]) -> Settings:
    """The settings of a solver. Raises `PrerequisiteError`, which inspect_ai shows as a line of text, for bad ones."""
    try:
        _check(parameters, options)
        made = strategy(**parameters)
        return Settings(
            **{
                **options,
                "strategy": made,
                "kind": _KINDS[options.get("kind", "inspect")],
                "select": options.get("select", made.select),
                "prompts": Prompts(options.get("prompts", "default")),
            }
        )
    except UsageError as error:
        raise PrerequisiteError(escape(str(error))) from error


def _answer_line(text: str) -> str | None:
    """What stands after the last `ANSWER:`, as inspect_ai's own prompts ask for it; else the last box or tag."""
    lines = _ANSWER_LINE.findall(after_thinking(text))
    return lines[-1].rstrip(" \t\r*_.").strip("$ ") or None if lines else boxed_or_tagged(text)


def _option_letter(text: str) -> str | None:
    """The letter after the last `ANSWER:`; where several are right, or there is none, what `_answer_line` reads."""
    letters = _LETTER.findall(after_thinking(text))
    return letters[-1].upper() if letters else _answer_line(text)


_KINDS: Mapping[str, Kind] = MappingProxyType(
    {**KINDS, "inspect": replace(KINDS["general"], name="inspect", extract=_answer_line)}
)
_VALID = MappingProxyType(
    {
        "kind": tuple(_KINDS),
        "select": get_args(Select),
        "need": get_args(Need),
        "choices": get_args(Choices),
        "candidate_order": tuple(CANDIDATE_ORDERS),
        "compaction": tuple(COMPACTIONS),
        "on_overflow": tuple(OVERFLOWS),
    }
)


def _check(parameters: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    known = [*parameters, *Options.__annotations__]
    for name, value in {**parameters, **options}.items():
        if name not in known:
            raise UsageError(f"there is no option {name!r}{did_you_mean(name, known)}")
        if (name == "seed" or name in parameters) and type(value) is not int:
            raise UsageError(f"{name} must be a whole number, not {value!r}")
        if (name == "prompts" or name in _VALID) and not isinstance(value, str):
            raise UsageError(f"{name} must be a text, not {value!r}")
        if name == "around" and not callable(value):
            raise UsageError(f"around must be a solver, such as multiple_choice(), not {value!r}: it is not for -S")
        if name in _VALID and value not in _VALID[name]:
            raise UsageError(f"{name}: there is no {value!r}{did_you_mean(value, _VALID[name])}")
