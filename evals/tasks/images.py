"""Rows that bring images are refused: a model that is not shown them would be judged on questions it cannot answer."""

import re
from collections.abc import Mapping
from typing import Any

from evals.tasks.files import Row
from rsa.errors import UsageError

__all__ = ["refuse_images"]

_NAMED = re.compile(r"(?:.*[_ -])?(?:images?|imgs?)(?:[_ -]?\d+)?(?:[_ -](?:path|url|file|bytes|base64))?", re.IGNORECASE)
_FILE = re.compile(r".*\.(?:png|jpe?g|gif|webp|bmp|tiff?|svg)", re.IGNORECASE | re.DOTALL)
_URI = re.compile(r"\A\s*data:image/|data:image/[\w.+-]+;base64,", re.IGNORECASE)
_MAGIC = re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP", re.DOTALL)
_DEEPEST = 5  # an image in the message of a prompt lies four levels down


def refuse_images(row: Row, where: str) -> None:
    """Raise `UsageError` naming the column that holds an image, by its name or by its content."""
    for name, value in row.items():
        if _is_image(value, _DEEPEST) or (_NAMED.fullmatch(name) and _is_something(value, _DEEPEST)):
            raise UsageError(
                f"{where}: the column {name!r} holds an image, and images are not supported: leave such rows out, or the "
                "column if the question can be answered without it"
            )


def _is_image(value: Any, depth: int) -> bool:
    if isinstance(value, str):
        return _URI.search(value) is not None
    if isinstance(value, bytes):
        return _MAGIC.match(value) is not None
    if isinstance(value, Mapping):
        path = value.get("path")
        is_file = isinstance(path, str) and _FILE.fullmatch(path) is not None
        return is_file or isinstance(value.get("bytes"), bytes) or _any_image(value.values(), depth)
    if isinstance(value, list | tuple):
        return _any_image(value, depth)
    return type(value).__module__.partition(".")[0] == "PIL"  # what the datasets library decodes an image to


def _any_image(values: Any, depth: int) -> bool:
    return depth > 0 and any(_is_image(each, depth - 1) for each in values)


def _is_something(value: Any, depth: int) -> bool:
    """Whether a cell of a column named after images may be one; a number of images or a flag is none."""
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, Mapping | list | tuple):
        values = value.values() if isinstance(value, Mapping) else value
        return depth == 0 or any(_is_something(each, depth - 1) for each in values)
    return value is not None and not isinstance(value, int | float)
