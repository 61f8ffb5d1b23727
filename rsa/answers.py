r"""Reading the answer out of a chain's text.

Only text after the last closing thinking tag counts, if there is one. A math answer is the last `\boxed{}` whose braces
balance; what is not there is None, never a guess. Nothing here decides whether an answer is right.
"""

import re
from decimal import Decimal, InvalidOperation

__all__ = [
    "after_thinking",
    "any_code",
    "boxed_or_tagged",
    "choice_letter",
    "last_boxed",
    "last_code_block",
    "last_number",
    "last_tagged",
    "normalise_math",
    "normalise_number",
    "unwrapped",
    "whole_text",
]

_END_OF_THINKING = re.compile(r"</(?:think|thinking|thought|reasoning)>|<\|channel\|>final<\|message\|>", re.IGNORECASE)
_BRACES = re.compile(r"(?<!\\)\\+f?boxed\s*\{|\\.|[{}]", re.DOTALL)  # a box, an escaped character, a plain brace
_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_FENCE = re.compile(
    r"^[ \t]*```[ \t]*(?:python|python3|py)[ \t]*\r?\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE | re.IGNORECASE
)
_PLAIN_FENCE = re.compile(r"^[ \t]*```[ \t]*\r?\n(.*?)^[ \t]*```[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_NUMBERS = re.compile(
    r"(?<![\w.])[-\u2212]?(?:\d+(?:,\d+)*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3}(?!\d))?"
)  # or a list of them
_WITH_THOUSANDS = re.compile(r"[-\u2212]?\d{1,3}(?:,\d{3})+(?![\d,]).*")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+")
_INTEGER = re.compile(r"[+-]?\d+")
_WRAPPERS = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt|normal)?|math(?:rm|bf|it|sf|tt)|boldsymbol|bm|operatorname|mbox|emph)\s*\{|\\.|[{}]",
    re.DOTALL,
)
_LETTER = re.compile(
    r"[\s({\[*]*+(?:option|choice|answer)?\s*+:?\s*+[({\[*]*+([A-J])(?:[)}\]*]+|(?=\s*(?:[.:;,\u2013\u2014-]|$)))\s*(.*)",
    re.DOTALL | re.IGNORECASE,
)
_ANOTHER_LETTER = re.compile(r"(?:[.,;&/]|and\b|or\b|\s)*\(?[A-J]{1,3}\b\)?\s*(?:[,.;)&]|and\b|or\b|$)")
_NOISE = re.compile(
    r"(\\\\)"  # a line break, which is kept: the next character belongs to the next line
    r"|\\(?:left|right|displaystyle|textstyle|limits|[bB]igg?[lr]?)(?![a-zA-Z])|\\[!,]|\\?\$"
)
_LATEX_SPACE = re.compile(r"(\\\\)|\\[;: ]|~|\\q?quad(?![a-zA-Z])|,\\,")
_SPACE = re.compile(r"(?<![0-9]) | (?![0-9])")  # but not one that makes two numbers of what would else be one
_COLOUR = re.compile(r"\\(?:color|textcolor)\s*\{[a-zA-Z]+\}")
_SPELLINGS = (
    ("\\dfrac", "\\frac"),
    ("\\tfrac", "\\frac"),
    ("\\cfrac", "\\frac"),
    ("\\varnothing", "\\emptyset"),
    ("{:}", ":"),
    ("\N{MINUS SIGN}", "-"),
)
_BLACKBOARD = re.compile(r"\\mathbb\s*([A-Z])")
_MOST_ZEROS = 1000  # of a number that is written out


def after_thinking(text: str) -> str:
    """The text after the last closing thinking tag; the whole text where there is none."""
    if "<" not in text:  # many times faster than the search
        return text
    end = 0
    for match in _END_OF_THINKING.finditer(text):
        end = match.end()
    return text[end:]


def last_boxed(text: str) -> str | None:
    r"""The content of the last brace-balanced `\boxed{}` that is not blank; None if there is none.

    One pass with a stack of open braces, so that a text that opens thousands of boxes costs no more than any other.
    """
    text = after_thinking(text)
    open_braces: list[int | None] = []  # where a box's content starts; None for any other brace
    last: tuple[int, int] | None = None
    for match in _BRACES.finditer(text, _before_first_box(text)):
        if match[0] == "}":
            start = open_braces.pop() if open_braces else None
            if start is not None and (last is None or start > last[0]) and not text[start : match.start()].isspace():
                last = (start, match.start()) if match.start() > start else last
        elif match[0].endswith("{") and match[0] != "\\{":
            open_braces.append(match.end() if len(match[0]) > 1 else None)
    return text[slice(*last)].strip() if last else None


def _before_first_box(text: str) -> int:
    """Where the command of the first box starts. Braces before it pair with none of a box, so nobody needs to read them."""
    first = text.find("boxed")
    if first < 0:
        return len(text)
    return len(text[:first].removesuffix("f").rstrip("\\"))


def last_tagged(text: str) -> str | None:
    """The content of the last `<answer>...</answer>` that is not blank, line breaks kept; None if there is none."""
    text = after_thinking(text)
    start, content = None, None
    for tag in _TAG.finditer(text):
        if not tag[1]:
            start = tag.end()
        elif start is not None:
            content, start = text[start : tag.start()].strip() or content, None
    return content


def boxed_or_tagged(text: str) -> str | None:
    """The last box, else the last answer tag, else None."""
    return last_boxed(text) or last_tagged(text)


def choice_letter(text: str) -> str | None:
    r"""One letter A-J out of the last box: `\boxed{E}`, `{\text{E}}`, `{(E)}`, `{E.}`, `{E: ...}`, `{Option E}`; else None.

    Several letters are no answer.
    """
    content = last_boxed(text)
    match = _LETTER.match(_without_noise(content)) if content else None
    if not match or not match[1].isupper() or _ANOTHER_LETTER.match(match[2]):
        return None
    return match[1]


def last_code_block(text: str) -> str | None:
    """The last fenced Python block; None if there is none."""
    found = _FENCE.findall(after_thinking(text))
    return (found[-1].rstrip() or None) if found else None


def any_code(text: str) -> str | None:
    """A lenient reading: the last Python block, else the last fenced block without a language, else the whole text."""
    found = _PLAIN_FENCE.findall(after_thinking(text))
    return last_code_block(text) or ((found[-1].rstrip() or None) if found else whole_text(text))


def last_number(text: str) -> str | None:
    """The last number in plain text, without thousands separators; None if there is none."""
    found = _NUMBERS.findall(after_thinking(text))
    if not found:
        return None
    last: str = found[-1]
    number = last.replace(",", "") if _WITH_THOUSANDS.fullmatch(last) else last.rpartition(",")[2]
    return number.replace("\N{MINUS SIGN}", "-")


def whole_text(text: str) -> str | None:
    """Everything after any thinking block; None if that is blank."""
    return after_thinking(text).strip() or None


def unwrapped(answer: str) -> str:
    r"""The answer out of `\text{}`, `\mathrm{}`, `\textbf{}` and the like, wherever they stand in it."""
    kept: list[str] = []
    wrappers: list[bool] = []  # for each open brace, whether it belongs to a wrapper
    end = 0
    for match in _WRAPPERS.finditer(answer):
        found = match[0]
        opens = found.endswith("{") and found != "\\{"
        drop = len(found) > 1 if opens else found == "}" and bool(wrappers) and wrappers.pop()
        if opens:
            wrappers.append(drop)
        if drop:
            kept.append(answer[end : match.start()])
            end = match.end()
    return answer.strip() if any(wrappers) else "".join([*kept, answer[end:]]).strip()


def _without_noise(answer: str) -> str:
    """Without dollars, sizes and fine spacing, out of wrappers, with every other space of LaTeX a plain one."""
    answer = _LATEX_SPACE.sub(lambda match: match[1] or (", " if match[0][0] == "," else " "), answer)
    return unwrapped(_COLOUR.sub("", _NOISE.sub(lambda match: match[1] or "", answer)))


def normalise_math(answer: str) -> str:
    r"""A form in which two spellings of one integer or plain expression are the same string.

    Strips `$`, spacing commands, `\text{}`, a trailing dot and white space, except where that would make one number of two;
    integers also lose thousands commas, a plus sign and leading zeros. No computer algebra: `\frac{1}{2}` and `0.5` stay
    different, and so do the list `2, 100` and the number `2,100`.
    """
    answer = _BLACKBOARD.sub(r"\\mathbb{\1}", _without_noise(answer))
    for spelling, usual in _SPELLINGS:
        answer = answer.replace(spelling, usual)
    answer = answer.strip().removesuffix("\\\\").strip().rstrip(".").replace("{,}", ",")
    while answer.startswith("{") and answer.endswith("}") and _is_one_group(answer):
        answer = answer[1:-1].strip()
    if _THOUSANDS.fullmatch(answer):
        answer = answer.replace(",", "")
    answer = _SPACE.sub("", " ".join(answer.split()))
    if not _INTEGER.fullmatch(answer):
        return answer
    digits = answer.lstrip("+-").lstrip("0")
    return ("-" if answer.startswith("-") else "") + digits if digits else "0"


def _is_one_group(answer: str) -> bool:
    """Whether the brace that an answer begins with is closed by the one that it ends with."""
    depth = 0
    for place, character in enumerate(answer):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return place == len(answer) - 1
    return False


def normalise_number(answer: str) -> str:
    """A form in which two spellings of one decimal number are the same string: 3, 3.0 and 3e0."""
    plain = normalise_math(answer)
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return plain
    if not number.is_finite() or "_" in plain or abs(number.adjusted()) > _MOST_ZEROS:
        return plain
    written = format(number, "f")
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if number == 0 else written
