"""One HTTP request: the body of a 200 reply, or a `Fault`. Nothing a server says gets past here with the key in it.

In replies only a key of 16 characters or more is replaced: a shorter one may be an ordinary word, and hiding it would change
what the model said.

It speaks aiohttp because at hundreds of calls in flight the client's own CPU time decides the throughput, and httpx and the
official SDK spend three to fifteen times as much of it a reply.
"""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import aiohttp

from rsa.encoding import json_bytes
from rsa.endpoint.faults import Fault, FaultKind, fault_of_status, retry_after

__all__ = ["CONNECT_SECONDS", "Transport"]

CONNECT_SECONDS = 10.0
_HIDDEN = "***"
_SHORTEST_SECRET = 16  # characters; a shorter key, such as EMPTY, may be a word of any reply


class Transport:
    """A connected session. `timeout` is the time limit of a whole request in seconds."""

    def __init__(self, session: aiohttp.ClientSession, timeout: float, key: str | None) -> None:
        self._session = session
        self._timeout = timeout
        self._secrets = tuple(sorted({key, json.dumps(key)[1:-1]})) if key else ()
        self._long = key is not None and len(key) >= _SHORTEST_SECRET

    async def request(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """The body of a 200 reply; every other outcome is a `Fault`."""
        async with self.opened(method, url, body, timeout, headers) as response:
            return self.readable(await response.read())

    @asynccontextmanager
    async def opened(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A 200 reply that is still to be read; every other outcome, while it is read too, is a `Fault`.

        A redirect is not followed: it could take the key and the prompts elsewhere.
        """
        limit = aiohttp.ClientTimeout(total=timeout or self._timeout, sock_connect=CONNECT_SECONDS)
        data = None if body is None else json_bytes(body)
        if data:
            headers = {"Content-Type": "application/json", **headers}
        try:
            asked = self._session.request(method, url, data=data, timeout=limit, headers=headers, allow_redirects=False)
            async with asked as response:
                if response.status != 200:
                    raise await self._refusal(response)
                yield response
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            reason = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else None
            raise Fault(
                FaultKind.UNREACHABLE, "no connection", f"cannot connect: {reason or type(error).__name__}"
            ) from None
        except TimeoutError:
            raise Fault(FaultKind.TIMEOUT, "time limit", f"no reply within {limit.total:g} s") from None
        except aiohttp.InvalidURL as error:
            raise Fault(FaultKind.REFUSED, "no URL", f"not a usable URL: {error}") from None
        except aiohttp.ClientError as error:  # its repr may hold the request's headers, so only its name and text are told
            told = self._without_key(str(error))
            message = f"connection lost: {type(error).__name__} {told}".rstrip()
            raise Fault(FaultKind.RETRY, "connection lost", message) from None

    async def _refusal(self, response: aiohttp.ClientResponse) -> Fault:
        """The fault that a reply other than 200 stands for."""
        content = await response.read()
        text = self._without_key(content.decode("utf-8", errors="replace"))
        if 300 <= response.status < 400:
            text = f"it redirects to {self._without_key(response.headers.get('Location', 'nowhere'))}"
        return fault_of_status(response.status, text, retry_after(response.headers.get("Retry-After"), time.time()))

    def readable(self, content: bytes) -> str:
        """A reply, or a line of one, as text without the key. Raises a `Fault` if it is not UTF-8."""
        reply = _text(content)
        return self._without_key(reply) if self._long else reply

    def _without_key(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:  # a damaged byte would be a damaged candidate
        raise Fault(FaultKind.RETRY, "unreadable reply", f"the reply is not UTF-8: {error}") from None
