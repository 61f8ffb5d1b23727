r"""Reading the answer out of a chain's text.

Only text after the last closing thinking tag counts, if there is one. A math answer is the last `\boxed{}` whose braces
balance; what is not there is None, never a guess. Nothing here decides whether an answer is right.
"""

import re
from collections.abc import Hashable, Sequence
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
    "vote",
]

_END_OF_THINKING = re.compile(r"</(?:think|thinking|thought|reasoning)>|<\|channel\|>final<\|message\|>", re.IGNORECASE)
_BOX = re.compile(r"\\f?boxed\s*\{")
_TAG = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(
    r"^[ \t]*```[ \t]*(?:python|python3|py)[ \t]*\r?\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE | re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?")
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
    r"""The content of the last brace-balanced `\boxed{}`; None if there is none or it is blank."""
    text = after_thinking(text)
    for match in reversed(list(_BOX.finditer(text))):
        content = _balanced(text, match.end())
        if content is not None:
            return content.strip() or None
    return None


def _balanced(text: str, start: int) -> str | None:
    depth, position = 1, start
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1  # an escaped brace is not a brace
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return text[start:position]
        position += 1
    return None


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
    match = _LETTER.match(_unwrap(content)) if content else None
    return match[1] if match else None


def last_code_block(text: str) -> str | None:
    """The last fenced Python block; None if there is none."""
    found = _FENCE.findall(after_thinking(text))
    return (found[-1].rstrip() or None) if found else None


def last_number(text: str) -> str | None:
    """The last number in plain text, without thousands separators; None if there is none."""
    found = _NUMBER.findall(after_thinking(text))
    return found[-1].replace(",", "") if found else None


def _unwrap(answer: str) -> str:
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
    answer = _unwrap(answer).replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    answer = "".join(answer.split()).rstrip(".").replace("{,}", ",")
    if _THOUSANDS.fullmatch(answer):
        answer = answer.replace(",", "")
    if not _INTEGER.fullmatch(answer):
        return answer
    digits = answer.lstrip("+-").lstrip("0")
    return ("-" if answer.startswith("-") else "") + digits if digits else "0"


AnswerT = TypeVar("AnswerT", bound=Hashable)


def vote(answers: Sequence[AnswerT | None]) -> AnswerT | None:
    """The most frequent answer. None never votes; a tie goes to the answer that the lowest slot gave."""
    counts: dict[AnswerT, int] = {}
    for answer in answers:
        if answer is not None:
            counts[answer] = counts.get(answer, 0) + 1
    return max(counts, key=lambda answer: counts[answer], default=None)
