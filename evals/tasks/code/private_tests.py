"""LiveCodeBench's test cases as they are published: JSON text, or base64 over zlib over a pickled JSON text.

A pickle is a program, and these come out of a file that anyone may have written. So nothing is unpickled: the opcodes are
read one by one, and only a pickle that does nothing but hold a single text is taken.
"""

import base64
import binascii
import json
import pickletools
import zlib
from typing import Any

__all__ = ["DecodingError", "decoded_tests"]

_LARGEST = 1 << 30
_TEXT = frozenset({"UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"})
_HARMLESS = frozenset({"PROTO", "FRAME", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "STOP"})


class DecodingError(ValueError):
    """Test cases that are not in the published form."""


def decoded_tests(text: str, largest: int = _LARGEST) -> list[dict[str, Any]]:
    """The test cases in either form, as `{"input", "output", "testtype"}`.

    Raises `DecodingError` for anything else, for a pickle that does more than hold a text, and for data that grows over
    `largest` bytes when it is decompressed.
    """
    plain = text if text.lstrip()[:1] == "[" else _text_in_pickle(_decompressed(text, largest))
    try:
        tests = json.loads(plain)
    except (ValueError, RecursionError) as error:
        raise DecodingError(f"the test cases are not JSON: {error}") from error
    if not isinstance(tests, list) or not all(_is_test(test) for test in tests):
        raise DecodingError("the test cases are not a list of objects with the texts input and output")
    return tests


def _is_test(test: Any) -> bool:
    return isinstance(test, dict) and isinstance(test.get("input"), str) and isinstance(test.get("output"), str)


def _decompressed(text: str, largest: int) -> bytes:
    try:
        packed = base64.b64decode(text)  # zlib has a checksum
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(packed, largest)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise DecodingError(f"the test cases are neither JSON nor compressed: {error}") from error
    if unpacker.unconsumed_tail:
        raise DecodingError(f"the test cases grow over {largest:,} bytes when they are decompressed")
    if not unpacker.eof:
        raise DecodingError("the compressed test cases are cut off")
    return data


def _text_in_pickle(data: bytes) -> str:
    texts: list[str] = []
    other: str | None = None
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in _TEXT:
                texts.append(str(argument))
            elif opcode.name not in _HARMLESS:
                other = opcode.name
            if other or len(texts) > 1:
                break
    except ValueError as error:
        raise DecodingError(f"the test cases are not a pickle: {error}") from error
    if other or len(texts) != 1:
        found = f"the opcode {other}" if other else f"{len(texts)} texts"
        raise DecodingError(f"the pickled test cases do not hold just one text: they have {found}")
    return texts[0]
