"""Who may use this server. Keys are compared in constant time and never logged, nor kept in clear."""

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from rsa.errors import UsageError
from rsa.gateway import config
from rsa.gateway.problems import ApiError

__all__ = ["Guard", "read_keys"]

_ANYONE = ""


class Guard:
    """Lets anyone in where there are no keys, else those who have one."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [hashlib.sha256(key.encode()).digest() for key in keys]

    def owner(self, headers: Mapping[str, str]) -> str:
        """A name for whoever sends these headers. Raises an `ApiError` (401) if that is nobody known."""
        if not self._digests:
            return _ANYONE
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise ApiError(401, "no API key: send it as 'Authorization: Bearer KEY'", "invalid_api_key")
        digest = hashlib.sha256(key.strip().encode("latin-1")).digest()  # the bytes as they came
        found = [hmac.compare_digest(digest, known) for known in self._digests]  # all of them, whichever it is
        if not any(found):
            raise ApiError(401, "the API key is wrong: ask whoever runs this server for one", "invalid_api_key")
        return f"key-{found.index(True) + 1}"


def read_keys(settings: config.Keys) -> list[str]:
    """The keys out of the variable and the file. Raises `UsageError` if one of them is named and holds none."""
    found: list[str] = []
    if settings.env:
        keys = [key.strip() for key in os.environ.get(settings.env, "").split(",") if key.strip()]
        if not keys:
            raise UsageError(f"keys.env: the environment variable {settings.env} is not set")
        found += keys
    if settings.file:
        try:
            lines = [line.strip() for line in Path(settings.file).read_text(encoding="utf-8-sig").splitlines()]
        except (OSError, ValueError) as error:
            raise UsageError(f"keys.file: {settings.file} cannot be read: {error}") from error
        keys = [line for line in lines if line and not line.startswith("#")]
        if not keys:
            raise UsageError(f"keys.file: {settings.file} holds no key: write one a line")
        found += keys
    return found
