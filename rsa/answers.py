r"""Reading the answer out of a chain's text.

Only text after the last closing thinking tag counts, if there is one. A math answer is the last `\boxed{}` whose braces
balance; what is not there is None, never a guess. Nothing here decides whether an answer is right.
"""

import re
from collections.abc import Hashable, Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeVar

__all__ = [
    "after_thinking",
    "boxed_or_tagged",
    "choice_letter",
    "last_boxed",
    "last_code_block",
    "last_number",
    "last_tagged",
    "normalise_math",
    "normalise_number",
    "unwrapped",
    "vote",
]

_END_OF_THINKING = re.compile(r"</(?:think|thinking|thought|reasoning)>|<\|channel\|>final<\|message\|>", re.IGNORECASE)
_BRACES = re.compile(r"\\+f?boxed\s*\{|\\.|[{}]", re.DOTALL)  # a box, an escaped character, a plain brace
_TAG = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(
    r"^[ \t]*```[ \t]*(?:python|python3|py)[ \t]*\r?\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE | re.IGNORECASE
)
_NUMBER = re.compile(
    r"(?<![\w.])[-\u2212]?(?:(?:\d{1,3}(?:,\d{3})+(?!\d|,\d)|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3}(?!\d))?"
)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+")
_INTEGER = re.compile(r"[+-]?\d+")
_WRAPPER = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mathit|operatorname|mbox|emph)\s*\{([^{}]*)\}")
_LETTER = re.compile(r"\(?\s*([A-J])\s*(?:\)|[.:,]|$)")
_NOISE = ("\\left", "\\right", "\\displaystyle", "\\!", "\\,", "\\;", "\\:", "\\ ", "~", "$")


def after_thinking(text: str) -> str:
    """The text after the last closing thinking tag; the whole text where there is none."""
    end = 0
    for match in _END_OF_THINKING.finditer(text):
        end = match.end()
    return text[end:]


def last_boxed(text: str) -> str | None:
    r"""The content of the last brace-balanced `\boxed{}`; None if there is none or it is blank.

    One pass with a stack of open braces, so that a text that opens thousands of boxes costs no more than any other.
    """
    text = after_thinking(text)
    open_braces: list[int | None] = []  # where a box's content starts; None for any other brace
    last: tuple[int, int] | None = None
    for match in _BRACES.finditer(text):
        if match[0] == "}":
            start = open_braces.pop() if open_braces else None
            if start is not None and (last is None or start > last[0]):
                last = (start, match.start())
        elif match[0].endswith("{") and match[0] != "\\{":
            open_braces.append(match.end() if len(match[0]) > 1 else None)
    return (text[slice(*last)].strip() or None) if last else None


def last_tagged(text: str) -> str | None:
    """The content of the last `<answer>...</answer>`, line breaks kept; None if there is none or it is blank."""
    found = _TAG.findall(after_thinking(text))
    return (found[-1].strip() or None) if found else None


def boxed_or_tagged(text: str) -> str | None:
    """The last box, else the last answer tag, else None."""
    return last_boxed(text) or last_tagged(text)


def choice_letter(text: str) -> str | None:
    r"""One letter A-J out of the last box: `\boxed{E}`, `{\text{E}}`, `{(E)}`, `{E.}`, `{E: ...}`; else None."""
    content = last_boxed(text)
    match = _LETTER.match(unwrapped(content)) if content else None
    return match[1] if match else None


def last_code_block(text: str) -> str | None:
    """The last fenced Python block; None if there is none."""
    found = _FENCE.findall(after_thinking(text))
    return (found[-1].rstrip() or None) if found else None


def last_number(text: str) -> str | None:
    """The last number in plain text, without thousands separators; None if there is none."""
    found = _NUMBER.findall(after_thinking(text))
    return found[-1].replace(",", "").replace("\N{MINUS SIGN}", "-") if found else None


def unwrapped(answer: str) -> str:
    r"""The answer out of `\text{}`, `\mathrm{}`, `\textbf{}` and the like."""
    while (plain := _WRAPPER.sub(r"\1", answer)) != answer:
        answer = plain
    return answer.strip()


def normalise_math(answer: str) -> str:
    r"""A form in which two spellings of one integer or plain expression are the same string.

    Strips `$`, spacing commands, `\text{}`, a trailing dot and all white space; integers also lose thousands commas, a plus
    sign and leading zeros. No computer algebra: `\frac{1}{2}` and `0.5` stay different.
    """
    for noise in _NOISE:
        answer = answer.replace(noise, "")
    answer = unwrapped(answer).replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    answer = "".join(answer.split()).rstrip(".").replace("{,}", ",")
    if _THOUSANDS.fullmatch(answer):
        answer = answer.replace(",", "")
    if not _INTEGER.fullmatch(answer):
        return answer
    digits = answer.lstrip("+-").lstrip("0")
    return ("-" if answer.startswith("-") else "") + digits if digits else "0"


def normalise_number(answer: str) -> str:
    """A form in which two spellings of one decimal number are the same string: 3, 3.0 and 3e0."""
    try:
        number = Decimal(normalise_math(answer))
    except InvalidOperation:
        return normalise_math(answer)
    return str(number.normalize() + 0) if number.is_finite() else str(number)


AnswerT = TypeVar("AnswerT", bound=Hashable)


def vote(answers: Sequence[AnswerT | None]) -> AnswerT | None:
    """The most frequent answer. None never votes; a tie goes to the answer that the lowest slot gave."""
    counts: dict[AnswerT, int] = {}
    for answer in answers:
        if answer is not None:
            counts[answer] = counts.get(answer, 0) + 1
    return max(counts, key=lambda answer: counts[answer], default=None)
