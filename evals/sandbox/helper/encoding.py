"""Plain values as JSON that keeps their types apart: a tuple is no list, a set has no order, a number has any size.

Only data travels. An object of a program's own class is reduced to the built-in type it derives from, by that type's own
methods, and is opaque if it derives from none, so none of its code is ever asked what it is equal to.
"""

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

__all__ = ["Opaque", "decode", "encode"]

_DEEPEST = 200
_LONGEST_ITERATOR = 100_000  # some have no end
_BIG = 1 << 62  # beyond, decimal digits would cost more than linear time

# type -> tag, to text, from text
_SCALARS: dict[type, tuple[str, Callable[[Any], str], Callable[[str], Any]]] = {
    int: ("i", hex, lambda text: int(text, 16)),
    float: ("f", repr, float),
    complex: ("c", repr, complex),
    bytes: ("b", bytes.hex, bytes.fromhex),
    Decimal: ("D", str, Decimal),
    Fraction: ("F", str, Fraction),
}
# type -> tag, to items, from items
_COLLECTIONS: dict[type, tuple[str, Callable[[Any], Iterable[Any]], Callable[[list[Any]], Any]]] = {
    tuple: ("t", tuple.__iter__, tuple),
    set: ("s", set.__iter__, set),
    frozenset: ("z", frozenset.__iter__, frozenset),
    deque: ("q", deque.__iter__, deque),
    dict: ("d", lambda mapping: map(list, dict.items(mapping)), dict),
    range: ("r", lambda numbers: (numbers.start, numbers.stop, numbers.step), lambda items: range(*items)),
    type({}.keys()): ("K", iter, lambda items: dict.fromkeys(items).keys()),
    type({}.values()): ("V", iter, lambda items: dict(enumerate(items)).values()),
    type({}.items()): ("P", lambda pairs: map(list, pairs), lambda items: dict(items).items()),
}
_FROM_TEXT = {tag: unpack for tag, _, unpack in _SCALARS.values()}
_FROM_ITEMS: dict[str, Callable[[list[Any]], Any]] = {
    **{tag: unpack for tag, _, unpack in _COLLECTIONS.values()},
    "I": iter,
    "a": list,
}

Keep = Callable[[Any], Any]
"""Called for a value that is not plain data; gives its encoding."""


class Opaque:
    """Stands for a value that is not plain data. It is equal to nothing."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __eq__(self, other: object) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<a value of type {self.kind}, which is not plain data>"


def encode(value: Any, keep: Keep | None = None, depth: int = 0) -> Any:
    """The value as JSON: what JSON knows is itself, everything else an object with one key that tells its type."""
    if depth > _DEEPEST:
        return {"o": "deeper nesting than is looked at"}
    kind = type(value)
    if kind is list:
        return [encode(item, keep, depth + 1) for item in value]
    if _known_to_json(value, kind):
        return value
    if kind in _SCALARS:
        tag, to_text, _ = _SCALARS[kind]
        return {tag: to_text(value)}
    if kind in _COLLECTIONS:
        tag, to_items, _ = _COLLECTIONS[kind]
        return {tag: [encode(item, keep, depth + 1) for item in to_items(value)]}
    return _encode_other(value, kind, keep, depth)


def _known_to_json(value: Any, kind: type) -> bool:
    if kind is int:
        return bool(-_BIG < value < _BIG)
    return value is None or kind is bool or kind is str or (kind is float and math.isfinite(value))


def _encode_other(value: Any, kind: type, keep: Keep | None, depth: int) -> Any:
    for base in (str, list, *_SCALARS, *_COLLECTIONS):
        if issubclass(kind, base) and base not in (Decimal, Fraction):
            return encode(_reduced(value, base), keep, depth + 1)
    if kind.__module__ == "numpy" and hasattr(kind, "tolist"):
        plain = encode(value.tolist(), keep, depth + 1)
        return {"a": plain} if isinstance(plain, list) else plain
    if isinstance(value, Iterator):
        return {"I": [encode(item, keep, depth + 1) for item in itertools.islice(value, _LONGEST_ITERATOR)]}
    return keep(value) if keep else {"o": str(kind.__name__)}


def _reduced(value: Any, base: Any) -> Any:
    """The value as the built-in type itself, without asking any method of its own class."""
    if base is dict:
        return dict(dict.items(value))
    if base in (int, float, complex):
        return base.__pos__(value)
    if base in (str, bytes):
        return base.__getitem__(value, slice(None))
    return base(base.__iter__(value))


def decode(value: Any, kept: Callable[[Any], Any] | None = None) -> Any:
    """The inverse of `encode`. `kept` gives what stands for a value that was kept, from its encoding {"h": ...}.

    For what `encode` never gives it raises `ValueError`, `TypeError` or `ArithmeticError`.
    """
    if isinstance(value, list):
        return [decode(item, kept) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise ValueError("not an encoded value")
    ((tag, inner),) = value.items()
    if tag in _FROM_ITEMS:
        return _FROM_ITEMS[tag]([decode(item, kept) for item in inner])
    if tag in _FROM_TEXT:
        return _FROM_TEXT[tag](inner)
    return kept(inner) if tag == "h" and kept else Opaque(str(inner)[:80])
