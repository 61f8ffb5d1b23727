r"""What can be said of mathematical answers without computer algebra: numbers, units, `\pm`, shapes, things not to touch."""

import re
from decimal import Decimal, InvalidOperation
from enum import Enum, auto
from fractions import Fraction

from rsa.answers import normalise_math, unwrapped

__all__ = [
    "Shape",
    "integer",
    "is_decimal",
    "is_word",
    "plain_number",
    "shape",
    "too_large",
    "without_percent",
    "without_unit",
    "written_out",
]

_LONGEST = 400  # characters: what is longer is no final answer, and algebra on it can take minutes
_MOST_DIGITS = 4000  # of an integer; Python refuses to write longer ones out
_TOO_LARGE = re.compile(
    r"\^\s*\{?\s*[-+(]*\s*\d{5,}"  # an exponent of five digits
    r"|\*\*"  # Python's power, which LaTeX does not have
    r"|\^\s*(?:\d|\{[^{}]*\})\s*\^"  # a power of a power
    r"|\d{5,}\s*!|!\s*!|\)\s*!"  # the factorial of a large or of a computed number
)
_EXPONENT = re.compile(r"\^\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_COMPUTED = re.compile(r"\d[\s)}]*(?:\^|!)")  # the power or factorial of a number
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)"
_FRACTION = re.compile(rf"([-+]?)\\frac\{{({_NUMBER})\}}\{{({_NUMBER})\}}|([-+]?)\\frac(\d)(\d)|({_NUMBER})/({_NUMBER})")
_SCIENTIFIC = re.compile(rf"({_NUMBER})(?:[eE]|(?:\\times|\\cdot)10\^)\{{?([-+]?\d{{1,3}})\}}?")
_EQUALS = re.compile(r"(?<![<>!:])=(?!=)")
_NOT_ONE_VALUE = re.compile(r"[,;<>]|\\\\|\\begin|\\[lg]eq?(?![a-z])|\\neq?(?![a-z])|\\in(?![a-z])")
_COUNTED = re.compile(r"(.*\d)\s+[A-Za-z]{2,}(?: [A-Za-z]+)*\.?", re.DOTALL)
_WRAPPED_UNIT = r"\\(?:text|textrm|mathrm|mbox|operatorname)\s*\{\s*([^{}]*?)\s*\}(?:\s*\^\s*\{?\s*[23]\s*\}?)?"
_PLAIN_UNIT = (
    r"(?:mm|cm|km|m|mg|kg|g|ms|s|min|h|hours?|minutes?|seconds?|days?|years?|inch(?:es)?|feet|ft|miles?|meters?|metres?"
    r"|degrees?|units?|dollars?|cents?|ways?|points?|people)(?:\s*\^\s*\{?\s*[23]\s*\}?)?"
)
_UNIT = re.compile(rf"(?P<value>.*[\d)}}\]])\s*(?:{_WRAPPED_UNIT}|(?<=[\s~,])({_PLAIN_UNIT}))\s*\.?", re.DOTALL)
_DEGREES = re.compile(r"(.*[\d)}\]])\s*(?:\^\s*\{?\s*\\circ\s*\}?|°)", re.DOTALL)
_PERCENT = re.compile(r"(.*[\d)}\]])\s*\\?%", re.DOTALL)
_SIGNS = re.compile(r"(\\pm(?![a-z])|±)|\\mp(?![a-z])|∓")
_OR = re.compile(r"\\text\{\s*(?:or|and)\s*\}")
_WORD = re.compile(r"[^\W\d_]+(?:[ '-][^\W\d_]+)*")


class Shape(Enum):
    """What an answer is as a whole, where computer algebra mixes things up that are different."""

    SET = auto()
    LIST = auto()
    RELATION = auto()
    OTHER = auto()


def shape(answer: str) -> Shape:
    r"""`\{1,2\}` is a set, `(1,2)` and `[1,2]` are lists (or intervals), `1<x<2` is a relation."""
    plain = answer.replace(" ", "").replace("\\left", "").replace("\\right", "")
    if re.fullmatch(r"(?:[A-Za-z]+\\in)?\\\{.*\\\}", plain, re.DOTALL):
        return Shape.SET
    if re.search(r"[<>]|\\[lg]eq?(?![a-z])|\\neq?(?![a-z])", plain):
        return Shape.RELATION
    if re.fullmatch(r"[(\[].*,.*[)\]]", plain, re.DOTALL):
        return Shape.LIST
    return Shape.OTHER


def integer(answer: str) -> int | None:
    r"""The integer that an answer writes out, perhaps with a name before it (`n = 70`) or a unit behind it; else None.

    70, 070, 70., 70.0, +70, 1{,}234, `70^\circ`, 70 apples and `\text{70}` are integers; `140/2` is not: nothing is
    calculated.
    """
    value = without_unit(_value(answer))[0]
    counted = _COUNTED.fullmatch(value.strip())
    number = normalise_math(counted[1] if counted else value)
    match = re.fullmatch(r"([+-]?\d+)(?:\.0*)?", number)
    return int(match[1]) if match and len(match[1]) <= _MOST_DIGITS else None


def plain_number(answer: str) -> Fraction | None:
    r"""The exact value of an integer, a decimal, a fraction of two, `1.5 \times 10^{3}` or a percentage; else None."""
    number = normalise_math(_value(answer))
    percent = _PERCENT.fullmatch(number)
    if percent:
        value = plain_number(percent[1])
        return None if value is None else value / 100
    if len(number) > _MOST_DIGITS:
        return None
    fraction = _FRACTION.fullmatch(number)
    if fraction:
        sign, above, below = next(
            (sign or "", above, below)
            for sign, above, below in (fraction.group(1, 2, 3), fraction.group(4, 5, 6), ("", *fraction.group(7, 8)))
            if above
        )
        bottom = Fraction(below)
        return None if bottom == 0 else Fraction(above) / bottom * (-1 if sign == "-" else 1)
    scientific = _SCIENTIFIC.fullmatch(number)
    try:
        decimal = Decimal(f"{scientific[1]}e{scientific[2]}" if scientific else number)
    except InvalidOperation:
        return None
    # a fraction writes its zeros out, and 1e999999999 has a billion of them
    return Fraction(decimal) if decimal.is_finite() and abs(decimal.adjusted()) < _MOST_DIGITS else None


def is_decimal(answer: str) -> bool:
    """Whether an answer is a number with digits behind a point: an approximation, unless it is exactly right."""
    return re.fullmatch(rf"{_NUMBER}", normalise_math(answer)) is not None and "." in normalise_math(answer)


def is_word(answer: str) -> bool:
    """Whether an answer is letters and spaces only, so that it is text and no product of variables."""
    return _WORD.fullmatch(answer) is not None


def _value(answer: str) -> str:
    """What stands behind the last equals sign of `x = 3 + 4 = 7`; the whole answer where it says more than one thing."""
    return answer if _NOT_ONE_VALUE.search(answer.replace("{,}", "")) else _EQUALS.split(answer)[-1]


def without_unit(answer: str) -> tuple[str, str]:
    r"""An answer's value and its unit: `5\text{ cm}` and `5 cm` are ("5", "cm"), `30^\circ` is ("30", "degrees")."""
    degrees = _DEGREES.fullmatch(answer.strip())
    if degrees:
        return degrees[1].strip(), "degrees"
    match = _UNIT.fullmatch(answer.strip())
    if not match:
        return answer, ""
    unit = (match[2] if match[2] is not None else match[3]).lower().rstrip("s.").strip()
    return match["value"].strip(), {"degree": "degrees"}.get(unit, unit)


def without_percent(answer: str) -> str:
    r"""An answer without a percent sign behind it."""
    match = _PERCENT.fullmatch(answer.strip())
    return match[1].strip() if match else answer


def written_out(answer: str) -> str:
    r"""An answer as computer algebra reads it: out of `\text{}`, "or" as a comma, `\pm` as the two values it stands for."""
    answer = unwrapped(_OR.sub(", ", answer))
    if not _SIGNS.search(answer):
        return answer

    def with_signs(upper: str, lower: str) -> str:
        return _SIGNS.sub(lambda match: upper if match[1] else lower, answer)

    return f"{with_signs('+', '-')}, {with_signs('-', '+')}"


def too_large(answer: str) -> bool:
    """Whether an answer is so long, or such a tower of powers, that it is compared as text and never calculated."""
    if len(answer) > _LONGEST or _TOO_LARGE.search(answer):
        return True
    return any(_COMPUTED.search(exponent) for exponent in _EXPONENT.findall(answer))
