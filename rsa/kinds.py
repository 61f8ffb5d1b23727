"""Problem kinds: how a problem is called in a prompt, and in which form its answer is asked for and read back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from rsa import answers
from rsa.equivalence import AS_TEXT, Equivalence
from rsa.errors import UsageError
from rsa.text import did_you_mean

__all__ = ["KINDS", "Kind", "kind_named", "kind_of"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem.

    `noun` stands for the problem in a prompt ("a math problem"), `answer_format` is a full sentence that asks for the
    answer's form, `extract` reads an answer out of a text (None: there is none), and `equivalence` says which answers vote
    together.
    """

    name: str
    noun: str
    answer_format: str
    extract: Callable[[str], str | None]
    equivalence: Equivalence


_AS_MATH = Equivalence(answers.normalise_math)
_ALL = (
    Kind(
        "general",
        "problem",
        "End with the final answer in the form that the problem asks for.",
        answers.boxed_or_tagged,
        _AS_MATH,
    ),
    Kind("math", "math problem", r"Give the final answer within \boxed{}.", answers.last_boxed, _AS_MATH),
    Kind(
        "choice",
        "multiple-choice problem",
        r"Give the letter of the correct option within \boxed{}, for example \boxed{A}.",
        answers.choice_letter,
        AS_TEXT,
    ),
    Kind(
        "gym",
        "reasoning problem",
        "Give the final answer between <answer> and </answer> tags.",
        answers.last_tagged,
        AS_TEXT,
    ),
    Kind(
        "code",
        "programming problem",
        "Give the complete program in one ```python code block.",
        answers.last_code_block,
        AS_TEXT,
    ),
    Kind("text", "problem", "Give only the answer.", answers.whole_text, AS_TEXT),
    Kind(
        "number",
        "arithmetic problem",
        "End with the final answer as a number.",
        answers.last_number,
        Equivalence(answers.normalise_number),
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})
"""Every kind by its name. `general` asks for no form and reads a box or an answer tag if there is one."""


def kind_named(name: str) -> Kind:
    """The kind of that name. Raises `UsageError` with the nearest valid name."""
    if name in KINDS:
        return KINDS[name]
    raise UsageError(f"there is no problem kind {name!r}{did_you_mean(name, KINDS)}")


def kind_of(
    kind: str | Kind,
    extract: Callable[[str], str | None] | None = None,
    equivalence: Equivalence | Callable[[str, str], bool] | None = None,
) -> Kind:
    """A kind, perhaps with another way to read answers, and another to say which are the same.

    Both are tried once, so that most mistakes in them are told before anything is spent; what they raise passes. Raises
    `UsageError` for a kind that is not there, and for functions that do not give what they must.
    """
    base = kind if isinstance(kind, Kind) else kind_named(kind)
    if extract is not None:
        base = replace(base, extract=_reader(extract))
        base.extract("")
    if equivalence is not None:
        same = equivalence if isinstance(equivalence, Equivalence) else Equivalence(str.strip, equivalence)
        if not isinstance(same.key("0"), str):
            raise UsageError("equivalence: the key must be a text, so that classes have an order: give str(...) of it")
        same.classes(["0", "1"])
        base = replace(base, equivalence=same)
    return base


def _reader(extract: Callable[[str], str | None]) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        answer = extract(text)
        if not isinstance(answer, str | None):
            raise UsageError(f"extract must give a text, or None where there is no answer, not {answer!r}")
        return answer

    return read
