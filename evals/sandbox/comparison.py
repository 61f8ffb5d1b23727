"""Whether what a program gave is what was expected. Only text and plain data is looked at; nothing of it runs."""

import json
import math
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

__all__ = ["canonical_output", "canonical_value", "first_difference", "same_value"]

_SHOWN = 60
_UNORDERED = ("d", "s", "z")  # tags of `helper.encoding`


def first_difference(got: str, expected: str, tolerance: float | None = None) -> str | None:
    """Where two outputs differ, for people; None if they are the same.

    They are compared line by line, without the white space around the whole and around each line. Lines are the same if
    all their words are, as text or as finite decimal numbers that are equal, or within `tolerance` if that is given.
    """
    got_lines, expected_lines = _lines(got), _lines(expected)
    for number, (ours, theirs) in enumerate(zip(got_lines, expected_lines, strict=False), 1):
        if ours != theirs and not _same_numbers(ours, theirs, tolerance):
            return f"line {number} is {_clip(ours)} instead of {_clip(theirs)}"
    if len(got_lines) != len(expected_lines):
        return f"{len(got_lines)} lines instead of {len(expected_lines)}"
    return None


def canonical_output(output: str) -> str:
    """The same text for outputs that are the same without a tolerance."""
    return "\n".join(_canonical_line(line) for line in _lines(output))


def canonical_value(encoded: Any) -> str:
    """The same text for encoded results that are the same without a tolerance."""
    if isinstance(encoded, dict) and list(encoded) == ["t"]:
        encoded = encoded["t"]
    return json.dumps(_canonical(encoded))


def same_value(encoded: Any, expected: Any, tolerance: float | None = None) -> bool:
    """Whether an encoded result (see `helper.encoding`) is the expected JSON value.

    Follows the expected value, so that nothing larger is ever built or looked at. An outermost tuple counts as a list.
    """
    if isinstance(expected, list) and isinstance(encoded, dict) and list(encoded) == ["t"]:
        encoded = encoded["t"]
    return _same(encoded, expected, tolerance)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def _clip(line: str) -> str:
    return repr(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…")


def _same_numbers(ours: str, theirs: str, tolerance: float | None) -> bool:
    our_words, their_words = ours.split(), theirs.split()
    if len(our_words) != len(their_words):
        return False
    return all(
        our == their or _same_number_text(our, their, tolerance) for our, their in zip(our_words, their_words, strict=True)
    )


def _same_number_text(ours: str, theirs: str, tolerance: float | None) -> bool:
    try:
        our, their = _finite(ours), _finite(theirs)
    except (InvalidOperation, ValueError):
        return False
    return our == their or _close(float(our), float(their), tolerance)


def _finite(word: str) -> Decimal:
    number = Decimal(word)
    if not number.is_finite():
        raise ValueError(word)
    return number


def _close(ours: float, theirs: float, tolerance: float | None) -> bool:
    """Infinities, which numbers too large for a float become, are close to nothing."""
    if tolerance is None or not (math.isfinite(ours) and math.isfinite(theirs)):
        return False
    return math.isclose(ours, theirs, rel_tol=tolerance, abs_tol=tolerance)


def _canonical_line(line: str) -> str:
    return " ".join(_canonical_word(word) for word in line.split())


def _canonical_word(word: str) -> str:
    try:
        return _plain(_finite(word))
    except (InvalidOperation, ValueError):
        return word


def _plain(number: Decimal) -> str:
    """One text for equal numbers, without arithmetic: a power of ten may be too large to write out."""
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return "0"
    significant = text.rstrip("0")
    return f"{'-' if sign else ''}{significant}e{int(exponent) + len(text) - len(significant)}"


def _same(encoded: Any, expected: Any, tolerance: float | None) -> bool:
    if isinstance(expected, list):
        return (
            isinstance(encoded, list)
            and len(encoded) == len(expected)
            and all(_same(ours, theirs, tolerance) for ours, theirs in zip(encoded, expected, strict=True))
        )
    if isinstance(expected, dict):
        return _same_mapping(encoded, expected, tolerance)
    if isinstance(expected, int | float):
        return _same_number(_number(encoded), expected, tolerance)
    return type(encoded) is type(expected) and bool(encoded == expected)


def _same_mapping(encoded: Any, expected: dict[str, Any], tolerance: float | None) -> bool:
    if not isinstance(encoded, dict) or not isinstance(encoded.get("d"), list):
        return False
    items = dict(_items(encoded["d"]))
    return len(items) == len(expected) and all(
        name in items and _same(items[name], value, tolerance) for name, value in expected.items()
    )


def _items(pairs: list[Any]) -> Iterator[tuple[str, Any]]:
    for pair in pairs:
        if isinstance(pair, list) and len(pair) == 2:
            yield pair[0] if isinstance(pair[0], str) else f"not a text: {pair[0]!r}", pair[1]


def _number(encoded: Any) -> int | float | None:
    """The number that is encoded; None for anything else. As in Python, True is 1."""
    if isinstance(encoded, dict) and len(encoded) == 1:
        try:
            if isinstance(text := encoded.get("i"), str):
                return int(text, 16)
            if isinstance(text := encoded.get("f"), str):
                return float(text)
        except ValueError:
            return None
    return encoded if isinstance(encoded, int | float) else None


def _same_number(ours: int | float | None, theirs: int | float, tolerance: float | None) -> bool:
    if ours is None:
        return False
    try:
        return ours == theirs or _close(float(ours), float(theirs), tolerance)
    except OverflowError:
        return False


def _canonical(encoded: Any) -> Any:
    if isinstance(encoded, list):
        return [_canonical(item) for item in encoded]
    if isinstance(encoded, dict):
        parts = {tag: _canonical(inner) for tag, inner in encoded.items()}
        return {tag: sorted(inner, key=json.dumps) if tag in _UNORDERED else inner for tag, inner in parts.items()}
    if isinstance(encoded, float) and encoded.is_integer():
        return int(encoded)
    return int(encoded) if isinstance(encoded, bool) else encoded
