"""Several texts in one file: the tests of a suite on their way into a child."""

import json
from collections.abc import Iterable

__all__ = ["pack", "unpack"]


def pack(pieces: Iterable[str]) -> bytes:
    """The pieces in one block: a JSON line with their lengths in bytes, then one after another."""
    encoded = [piece.encode("utf-8", "surrogatepass") for piece in pieces]
    return json.dumps([len(piece) for piece in encoded]).encode() + b"\n" + b"".join(encoded)


def unpack(block: bytes) -> list[bytes]:
    """The inverse of `pack`, as bytes."""
    head, _, body = block.partition(b"\n")
    pieces, start = [], 0
    for length in json.loads(head):
        pieces.append(body[start : start + length])
        start += length
    return pieces
