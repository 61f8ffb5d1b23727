"""Problem kinds: how a problem is called in a prompt, and in which form its answer is asked for and read back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rsa import answers
from rsa.errors import UsageError
from rsa.text import did_you_mean

__all__ = ["KINDS", "Kind", "kind_named"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem.

    `noun` stands for the problem in a prompt ("a math problem"), `answer_format` is a full sentence that asks for the
    answer's form, `extract` reads an answer out of a text (None: there is none), and `normalise` gives the form in which two
    answers are compared for a vote.
    """

    name: str
    noun: str
    answer_format: str
    extract: Callable[[str], str | None]
    normalise: Callable[[str], str]


_ALL = (
    Kind(
        "general",
        "problem",
        "End with the final answer in the form that the problem asks for.",
        answers.boxed_or_tagged,
        answers.normalise_math,
    ),
    Kind("math", "math problem", r"Give the final answer within \boxed{}.", answers.last_boxed, answers.normalise_math),
    Kind(
        "choice",
        "multiple-choice problem",
        r"Give the letter of the correct option within \boxed{}, for example \boxed{A}.",
        answers.choice_letter,
        str.strip,
    ),
    Kind(
        "gym",
        "reasoning problem",
        "Give the final answer between <answer> and </answer> tags.",
        answers.last_tagged,
        str.strip,
    ),
    Kind(
        "code",
        "programming problem",
        "Give the complete program in one ```python code block.",
        answers.last_code_block,
        str.strip,
    ),
    Kind(
        "number",
        "arithmetic problem",
        "End with the final answer as a number.",
        answers.last_number,
        answers.normalise_number,
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})
"""Every kind by its name. `general` asks for no form and reads a box or an answer tag if there is one."""


def kind_named(name: str) -> Kind:
    """The kind of that name. Raises `UsageError` with the nearest valid name."""
    if name in KINDS:
        return KINDS[name]
    raise UsageError(f"there is no problem kind {name!r}{did_you_mean(name, KINDS)}")
