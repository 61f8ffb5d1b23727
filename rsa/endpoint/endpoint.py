"""An OpenAI-compatible server, described."""

import math
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp

from rsa.endpoint.client import Client
from rsa.endpoint.concurrency import Adaptive
from rsa.endpoint.transport import CONNECT_SECONDS, Transport
from rsa.endpoint.types import Rate
from rsa.errors import UsageError

__all__ = ["Endpoint"]

_HEADER_NAME = re.compile(r"(?!(authorization|host|content-.*|transfer-.*)$)[a-z0-9-]+", re.IGNORECASE)


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible server, described. Nothing is sent until it is used.

    `model` may be None if the server serves just one. `max_concurrency` is how many calls of one run may be in flight at
    most; with `concurrency` "adaptive" the limit below that finds itself (`rsa.endpoint.concurrency`), with "fixed" it is
    that number. `timeout` is the time limit of one call in seconds, `retries` how often a failed call is sent again,
    `patience` how many seconds the server may be gone before the run stops. `context` is the model's window in tokens where
    the server does not say it. `extra_body` is merged into every request last; a value of None removes a field that the
    server does not know. `check_model` False lets a model through that the server does not list. `affinity_header` is a
    header of every completion whose value is the same for all calls of one step of a problem and tells nothing of them: by
    it a router in front of several servers keeps them on one, where their prompts' common beginning is in the cache; None
    sends none. The key is never written to files, logs or `repr`.
    """

    base_url: str
    model: str | None = None
    api_key: str | None = field(default=None, repr=False)
    max_concurrency: int = 256
    concurrency: Literal["adaptive", "fixed"] = "adaptive"
    timeout: float = 1800.0
    retries: int = 5
    patience: float = 300.0
    rate: Rate | None = None
    context: int | None = None
    extra_body: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    check_model: bool = True
    affinity_header: str | None = "X-Session-ID"

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", _checked_url(self.base_url))
        if self.api_key and not (self.api_key.isascii() and self.api_key.isprintable() and " " not in self.api_key):
            raise UsageError("the API key holds a space, a line break or another character that no key has")
        if self.max_concurrency < 1:
            raise UsageError(f"max_concurrency must be at least 1, not {self.max_concurrency}")
        if self.concurrency not in ("adaptive", "fixed"):
            raise UsageError(f"concurrency must be adaptive or fixed, not {self.concurrency!r}")
        if not 0 < self.timeout < math.inf:
            raise UsageError(f"timeout must be a positive number of seconds, not {self.timeout}")
        if self.affinity_header is not None and not _HEADER_NAME.fullmatch(self.affinity_header):
            raise UsageError(
                f"affinity_header is a header of your choice, such as X-Session-ID, not {self.affinity_header!r}"
            )
        if self.retries < 0 or not 0 <= self.patience < math.inf:
            raise UsageError("retries and patience must be numbers that are not negative")

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Client]:
        """A live client in the running event loop. Leaving it closes every connection."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        timeout = aiohttp.ClientTimeout(total=self.timeout, sock_connect=CONNECT_SECONDS)
        limit = Adaptive.fixed(self.max_concurrency) if self.concurrency == "fixed" else Adaptive(self.max_concurrency)
        async with (
            aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session,
            Client(self, Transport(session, self.timeout, self.api_key), limit) as client,
        ):
            yield client


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"base_url {url!r} is not a URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"base_url {url!r} is not a URL of an OpenAI-compatible server, such as http://localhost:8000/v1")
    if parts.username or parts.password or parts.query:
        raise UsageError("base_url must hold no user, password or query: give the key as api_key (in a config: api_key_env)")
    url = url.rstrip("/")
    for path in ("/chat/completions", "/completions", "/models"):
        if url.endswith(path):
            raise UsageError(f"base_url ends with {path}: leave that out, {url.removesuffix(path)!r} is enough")
    return url
