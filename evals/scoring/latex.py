r"""What can be said of mathematical answers without computer algebra: numbers, `\pm`, shapes, things not to touch."""

import re
from decimal import Decimal
from enum import Enum, auto
from fractions import Fraction

from evals.scoring.units import without_unit
from rsa.answers import normalise_math, unwrapped

__all__ = [
    "LONGEST",
    "Shape",
    "integer",
    "is_decimal",
    "is_word",
    "parts",
    "plain_number",
    "shape",
    "too_large",
    "written_out",
]

LONGEST = 400
"""Characters: what is longer is no final answer, is compared as text only, and is given to no pattern here."""
_MOST_DIGITS = 1000
_TOO_LARGE = re.compile(
    r"\^\s*\{?\s*[-+(]*\s*\d{5,}"  # an exponent of five digits
    r"|\*\*"  # Python's power, which LaTeX does not have
    r"|\^\s*(?:\d|\{[^{}]*\})\s*\^"  # a power of a power
    r"|\d{5,}\s*!|!\s*!|\)\s*!"  # the factorial of a large or of a computed number
    r"|\\[lc]?dots(?![a-z])|…"  # left open
    r"|:[^:]*:"  # a ratio of three
)
_EXPONENT = re.compile(r"\^\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_COMPUTED = re.compile(r"\d[\s)}]*(?:\^|!)")  # the power or factorial of a number
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)"
_DECIMAL = re.compile(rf"{_NUMBER}(?:[eE][-+]?\d{{1,3}})?", re.ASCII)
_FRACTION = re.compile(
    rf"([-+]?)(\d*) ?(?:\\frac\{{({_NUMBER})\}}\{{({_NUMBER})\}}|\\frac(\d)(\d))|()(?:([-+]?\d+) )?({_NUMBER})/({_NUMBER})",
    re.ASCII,
)
_SCIENTIFIC = re.compile(rf"({_NUMBER})(?:\\times|\\cdot)10\^\{{?([-+]?\d{{1,3}})\}}?", re.ASCII)
_REPEATING = re.compile(r"([-+]?\d*)\.(\d*)\\(?:overline|bar|dot)\{(\d+)\}", re.ASCII)
_PERCENT = re.compile(r"(.*[\d)}\]])\s*\\?%", re.DOTALL)
_LABEL = re.compile(r"\s*(?:\\text\s*\{\s*)?(?:the )?(?:final )?answer(?: is)?\s*:?\s*\}?\s*:?", re.IGNORECASE)
_EQUALS = re.compile(r"(?<![<>!:])=(?!=)")
_THOUSANDS = re.compile(r"(?<=\d)(?:,|\{,\}|,\\!)(?=\d{3}(?!\d))")
_SEVERAL = re.compile(
    r"[,;<>]|\\\\|\\begin|\\(?:[lg]eq?|neq?|in|lor|land|vee|wedge|q?quad)(?![a-z])|\b(?:or|and)\b|\\cup|\\cap"
)
_SIGNS = re.compile(r"(\\pm(?![a-z])|±)|\\mp(?![a-z])|∓")
_OR = re.compile(r",?\s*(?:\\text\s*\{\s*,?\s*(?:or|and)\s*\}|\\lor(?![a-z])|\\vee(?![a-z]))\s*")
_ANGLE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:\^\s*(?:\{\s*\\circ\s*\}|\\circ)|°)")
_WORD = re.compile(r"[^\W\d_]+(?:[ '-][^\W\d_]+)*")


class Shape(Enum):
    """What an answer is as a whole, where computer algebra mixes things up that are different."""

    SET = auto()
    LIST = auto()
    RELATION = auto()
    SEVERAL = auto()
    OTHER = auto()


def shape(answer: str) -> Shape:
    r"""`\{1,2\}` is a set, `(1,2)` and `[1,2]` are lists or intervals, `1<x<2` is a relation, `1, 2` are several values."""
    plain = re.sub(r"\s|\\(?:left|right)(?![a-zA-Z])", "", answer)
    if re.fullmatch(r"(?:[A-Za-z]+\\in)?\\\{.*\\\}", plain, re.DOTALL):
        return Shape.SET
    if re.search(r"[<>]|\\(?:[lg]eq?|neq?)(?![a-z])", plain):
        return Shape.RELATION
    if len(plain) > 1 and plain[0] in "([" and plain[-1] in ")]" and len(parts(plain[1:-1])) > 1:
        return Shape.LIST
    return Shape.SEVERAL if len(parts(plain)) > 1 else Shape.OTHER


def parts(answer: str) -> list[str]:
    """An answer split at the commas that stand in no bracket; thousands are no commas."""
    depth, found = 0, [""]
    for character in _THOUSANDS.sub("", answer):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth <= 0:
            found.append("")
        else:
            found[-1] += character
    return found


def integer(answer: str) -> int | None:
    r"""The integer that an answer writes out, perhaps with a name before it (`n = 70`) or a unit behind it; else None.

    70, 070, 70., 70.0, +70, 1{,}234, `70^\circ`, 70 apples and `\text{70}` are integers; `140/2` is not: nothing is
    calculated.
    """
    if len(answer) > LONGEST:
        return None
    number = normalise_math(without_unit(_value(answer, of_any=True))[0]).strip("()")
    match = re.fullmatch(r"([+-]?\d+)(?:\.0*)?", number, re.ASCII)
    return int(match[1]) if match else None


def plain_number(answer: str) -> Fraction | None:
    r"""The exact value of an integer, decimal, fraction, mixed number, percentage or `1.5 \times 10^{3}`, else None."""
    if len(answer) > LONGEST:
        return None
    number = normalise_math(_value(answer))
    percent = _PERCENT.fullmatch(number)
    if percent:
        value = plain_number(percent[1])
        return None if value is None else value / 100
    scientific = _SCIENTIFIC.fullmatch(number)
    if scientific or _DECIMAL.fullmatch(number):
        decimal = Decimal(f"{scientific[1]}e{scientific[2]}" if scientific else number)
        return Fraction(decimal) if abs(decimal.adjusted()) < _MOST_DIGITS else None
    return _fraction(number)


def _fraction(number: str) -> Fraction | None:
    """A fraction of two numbers, perhaps with whole ones before it, or a decimal that repeats."""
    repeating = _REPEATING.fullmatch(number)
    if repeating:
        whole, start, period = repeating.groups()
        shift = 10 ** len(start)
        size = Fraction(int(start or "0"), shift) + Fraction(int(period), (10 ** len(period) - 1) * shift)
        return Fraction(int(f"{whole}0") // 10) + (-size if whole.startswith("-") else size)
    match = _FRACTION.fullmatch(number)
    if not match:
        return None
    sign, whole = match[1] or "", (match[2] if match[9] is None else match[8]) or ""
    above, below = next((match[i], match[i + 1]) for i in (3, 5, 9) if match[i] is not None)
    if Fraction(below) == 0:
        return None
    value = Fraction(above) / Fraction(below)
    if whole:
        if not 0 < value < 1:
            return None  # 2 3/2 is no mixed number
        value = int(whole) + (-value if whole.startswith("-") else value)
    return -value if sign == "-" else value


def is_decimal(answer: str) -> bool:
    """Whether an answer is a number with digits behind a point: an approximation, unless it is exactly right."""
    number = normalise_math(answer)
    return "." in number and _DECIMAL.fullmatch(number) is not None


def is_word(answer: str) -> bool:
    """Whether an answer is letters and spaces only, so that it is text and no product of variables."""
    return _WORD.fullmatch(answer) is not None


def _value(answer: str, of_any: bool = False) -> str:
    """What stands behind the last equals sign of `x = 3 + 4 = 7`, or behind "the answer is"; else the answer as it is.

    Not where it says more than one thing, nor, unless `of_any`, where what has the value begins with a number, as in 2x = 2.
    """
    label = _LABEL.match(answer)
    if label and len(answer) > label.end():
        answer = answer[label.end() :]
    plain = _THOUSANDS.sub("", answer)
    sides = _EQUALS.split(plain)
    if len(sides) == 1 or _SEVERAL.search(plain) or (not of_any and re.match(r"\s*\d", sides[0])):
        return answer
    return sides[-1]


def written_out(answer: str) -> str:
    r"""An answer as computer algebra reads it: out of `\text{}`, with "or" as a comma, `\pm` as two values, and radians."""
    answer = unwrapped(_OR.sub(", ", answer))
    answer = _ANGLE.sub(r"\\frac{\1\\pi}{180}", answer)
    if not _SIGNS.search(answer):
        return answer

    def with_signs(upper: str, lower: str) -> str:
        return _SIGNS.sub(lambda match: upper if match[1] else lower, answer)

    return f"{with_signs('+', '-')}, {with_signs('-', '+')}"


def too_large(answer: str) -> bool:
    """Whether an answer is so long, so open or such a tower of powers that it is compared as text and never calculated."""
    if len(answer) > LONGEST or _TOO_LARGE.search(answer):
        return True
    return any(_COMPUTED.search(exponent) for exponent in _EXPONENT.findall(answer))
