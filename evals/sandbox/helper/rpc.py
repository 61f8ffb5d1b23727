"""Messages between the two children of assert tests: JSON with its length before it, over a pipe each way."""

import json
import os
import struct
from typing import Any

from .program import write_all

__all__ = ["receive", "send"]

_LENGTH = struct.Struct("<Q")
_LONGEST = 16 << 20
_CHUNK = 1 << 16


def send(descriptor: int, message: Any) -> None:
    """Send one message. Raises `ValueError` if it is longer than 16 MiB, `OSError` if nobody reads."""
    data = json.dumps(message).encode()
    if len(data) > _LONGEST:
        raise ValueError("a value of more than 16 MiB")
    write_all(descriptor, _LENGTH.pack(len(data)) + data)


def receive(descriptor: int) -> Any:
    """The next message. Raises `EOFError` when there will be none, `ValueError` or `RecursionError` if it is malformed."""
    (length,) = _LENGTH.unpack(_exactly(descriptor, _LENGTH.size))
    if length > _LONGEST:
        raise ValueError("a message of more than 16 MiB")
    return json.loads(_exactly(descriptor, length))


def _exactly(descriptor: int, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        chunk = os.read(descriptor, min(_CHUNK, length - len(data)))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)
