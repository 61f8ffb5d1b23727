r"""Units behind a number: which of them are known to differ, and which words merely say what is counted."""

import re
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["without_unit"]

_SPELLINGS = {
    "mm": "mm millimeter millimetre",
    "cm": "cm centimeter centimetre",
    "m": "m meter metre",
    "km": "km kilometer kilometre",
    "in": "in inch inches",
    "ft": "ft foot feet",
    "yd": "yd yard",
    "mi": "mi mile",
    "mg": "mg milligram",
    "g": "g gram",
    "kg": "kg kilogram",
    "lb": "lb pound",
    "oz": "oz ounce",
    "ms": "ms millisecond",
    "s": "s sec second",
    "min": "min minute",
    "h": "h hr hour",
    "days": "day",
    "weeks": "week",
    "years": "yr year",
    "degrees": "deg degree",
    "radians": "rad radian",
    "dollars": "dollar usd",
    "cents": "cent",
    "liters": "l liter litre",
    "ml": "ml milliliter millilitre",
    "mph": "mph",
    "units": "unit",
}
_KNOWN: Mapping[str, str] = MappingProxyType(
    {form: name for name, words in _SPELLINGS.items() for word in words.split() for form in (word, f"{word}s")}
)
_RATES = MappingProxyType({("mi", "h"): "mph"})
_POWERS: Mapping[str, str] = MappingProxyType({"square": "2", "sq": "2", "cubic": "3", "squared": "2", "cubed": "3"})
# What stands behind a number and changes it, or says something else than what is counted.
_NO_NOUNS = frozenset(
    {
        *("million", "billion", "trillion", "thousand", "hundred", "dozen", "percent", "infinity", "undefined"),
        *("more", "less", "fewer", "none", "not", "least", "most", "about", "only", "either", "neither", "and", "but"),
        *("plus", "minus", "times", "mod", "base", "correct", "incorrect", "wrong"),
    }
)
_GAP = r"(?:\s|~|\\[,;:! ]|\\quad(?![a-zA-Z]))*"
_POWER = r"(?:\s*\^\s*\{?\s*([23])\s*\}?|([²³]))?"
_WRAPPED = re.compile(
    rf"(.*\S){_GAP}\\(?:text|textrm|mathrm|mbox|operatorname|rm)\s*\{{([^{{}}]*)\}}{_POWER}\s*\.?", re.DOTALL
)
_PLAIN = re.compile(rf"(.*(?:[\d)}}\]]|\\pi))(?:\s|~|\\[,;: ])+([A-Za-z]+(?: [A-Za-z]+)*){_POWER}\s*\.?", re.DOTALL)
_DEGREES = re.compile(r"(.*[\d)}\]])\s*(?:\^\s*(?:\{\s*\\circ\s*\}|\\circ)|°)", re.DOTALL)
_OF_AN_ANGLE = re.compile(r"\\(?:arc)?(?:sin|cos|tan|cot|sec|csc)(?![a-z])")


def without_unit(answer: str) -> tuple[str, str]:
    r"""An answer's value and its unit, in one spelling: `5\text{ cm}` and `5 centimeters` are ("5", "cm").

    A word for what is counted, as in 70 apples, is dropped and is no unit ("").
    """
    plain = answer.strip()
    degrees = _DEGREES.fullmatch(plain)
    if degrees and not _OF_AN_ANGLE.search(plain):
        return degrees[1].strip(), "degrees"
    match = _WRAPPED.fullmatch(plain) or _PLAIN.fullmatch(plain)
    if match:
        unit = _unit(match[2], match[3] or {"²": "2", "³": "3"}.get(match[4] or "", ""))
        if unit is not None:
            return match[1].strip(), unit
    return answer, ""


def _unit(text: str, power: str) -> str | None:
    """The unit that a text is; "" for what is only counted, None if it is neither."""
    words = text.lower().replace("/", " per ").strip(" .").split()
    if not words or len(words) > 4:
        return None
    power = power or next((_POWERS[word] for word in words if word in _POWERS), "")
    words = [word for word in words if word not in _POWERS]
    if "per" in words and len(words) == 3 and words[1] == "per":
        above, below = _KNOWN.get(words[0]), _KNOWN.get(words[2])
        return _RATES.get((above, below), f"{above}/{below}") if above and below else None
    if len(words) == 1 and words[0] in _KNOWN:
        return _KNOWN[words[0]] + (f"^{power}" if power else "")
    nouns = all(word.isalpha() and len(word) > 2 and word not in _NO_NOUNS for word in words)
    return "" if nouns and words and not power else None
