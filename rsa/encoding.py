"""JSON as it is sent, read, recorded and hashed, by orjson: with long texts that is most of what a chain costs us."""

import json
from typing import Any

import orjson

__all__ = ["json_bytes", "json_value"]


def json_bytes(value: Any, surrogates: str = "backslashreplace") -> bytes:
    """A value as compact JSON in UTF-8, keys in their order.

    UTF-8 knows no lone surrogates, which a text may have: `surrogates` names the codec's error handler for them. The default
    leaves them to be read back as they were.
    """
    try:
        return orjson.dumps(value)
    except TypeError:  # which it also says of a surrogate, and of a number of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", errors=surrogates)


def json_value(text: str) -> Any:
    """What a JSON text says, whole numbers of more than 64 bits as floats.

    Raises `ValueError` if it is none, `RecursionError` if it is nested too deeply.
    """
    try:
        return orjson.loads(text)
    except ValueError:  # which it also says of a lone surrogate, and of a number that is infinite or none
        return json.loads(text)
