"""Keys that are named by an environment variable, so that they stand in no file and on no command line."""

import os

from rsa.errors import UsageError

__all__ = ["key_in"]


def key_in(variable: str | None, option: str) -> str | None:
    """The key in an environment variable; None where none is named.

    Raises `UsageError`, which names the `option` that named it, if the variable is not set.
    """
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UsageError(f"{option}: the environment variable {variable} is not set")
    return key
