"""The HTTP side of an endpoint: one session, an in-flight limit, a quota, retries by kind.

It speaks aiohttp because at hundreds of calls in flight the client's own CPU time decides the throughput, and httpx and the
official SDK spend three to fifteen times as much of it a reply.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from asyncio_throttle import Throttler

from rsa.endpoint.faults import Fault, FaultKind, fault_of_status, read_completion, retry_after
from rsa.endpoint.retrying import Spent, wait_before_next
from rsa.endpoint.types import Completion, Messages, Model, Sampling
from rsa.errors import CallFailed, ContextOverflow, EndpointRefused, EndpointUnreachable, UsageError

__all__ = ["Client", "Endpoint", "Rate"]

_CONNECT_SECONDS = 10.0
_QUERY_SECONDS = 30.0
_QUERY_ATTEMPTS = 4
_NOT_OFFERED = frozenset({404, 405, 501})
_BROKEN_AFTER = 10  # so many calls, each with all its retries: that is the server, not the prompts
_GREETING = {"role": "user", "content": "Hello"}
_BLAME = MappingProxyType({True: FaultKind.PROMPT, False: FaultKind.REFUSED, None: FaultKind.RETRY})
"""What a refused prompt comes to, by whether the server accepts another one."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A quota of hosted APIs: at most `calls` requests in any `period` seconds."""

    calls: int
    period: float = 60.0

    def __post_init__(self) -> None:
        if self.calls < 1 or self.period <= 0:
            raise UsageError(f"a rate needs at least one call in a positive period, not {self.calls} in {self.period} s")


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible server, described. Nothing is sent until it is used.

    `model` may be None if the server serves just one. `timeout` is the time limit of one call in seconds, `retries` how
    often a failed call is sent again, `patience` how many seconds without any connection are waited out. `context` is the
    model's window in tokens where the server does not say it. `extra_body` is merged into every request last; a value of
    None removes a field that the server does not know. `check_model` False lets a model through that the server does not
    list. The key is never written to files, logs or `repr`.
    """

    base_url: str
    model: str | None = None
    api_key: str | None = field(default=None, repr=False)
    max_concurrency: int = 64
    timeout: float = 1800.0
    retries: int = 5
    patience: float = 60.0
    rate: Rate | None = None
    context: int | None = None
    extra_body: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    check_model: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", _checked_url(self.base_url))
        if self.api_key and not (self.api_key.isascii() and self.api_key.isprintable() and " " not in self.api_key):
            raise UsageError("the API key holds a space, a line break or another character that no key has")
        if self.max_concurrency < 1:
            raise UsageError(f"max_concurrency must be at least 1, not {self.max_concurrency}")
        if self.timeout <= 0:
            raise UsageError(f"timeout must be a positive number of seconds, not {self.timeout}")
        if self.retries < 0 or self.patience < 0:
            raise UsageError("retries and patience must not be negative")

    @asynccontextmanager
    async def connect(self) -> "AsyncIterator[Client]":
        """A live client in the running event loop. Leaving it closes every connection."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        timeout = aiohttp.ClientTimeout(total=self.timeout, sock_connect=_CONNECT_SECONDS)
        async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session:
            yield Client(self, session)


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


class Client:
    """A connected endpoint. Made by `Endpoint.connect`."""

    def __init__(self, endpoint: Endpoint, session: aiohttp.ClientSession) -> None:
        self.endpoint = endpoint
        self._session = session
        self._slots = asyncio.Semaphore(endpoint.max_concurrency)
        self._quota = _Quota(endpoint.rate) if endpoint.rate else None
        self._root = endpoint.base_url.removesuffix("/v1")
        self._counts_tokens = True
        self._accepted = False  # whether the server has accepted a call with these parameters
        self._failed_in_row = 0

    async def complete(self, messages: Messages, sampling: Sampling, seed: int) -> Completion:
        """One reply to a conversation; its usage counts failed attempts too.

        Raises `CallFailed` when retries are used up or this prompt is refused, `ContextOverflow` when it is too long,
        `EndpointUnreachable` when there was no connection for `patience` seconds or one call after the other failed, and
        `EndpointRefused` when no call could succeed.
        """
        spent = Spent()
        while True:
            spent.attempts += 1
            sent_seed = seed + spent.blanks  # the same seed would give the same blank reply again
            try:
                completion = await self._attempt(messages, sampling, sent_seed)
            except Fault as fault:
                spent.take(fault)
                if fault.kind is FaultKind.PROMPT:
                    fault.kind = _BLAME[await self._accepts_other_prompts(messages, sampling)]
                self._give_up(fault, spent)
                await wait_before_next(seed, spent.attempts, fault)
            else:
                self._accepted, self._failed_in_row = True, 0
                usage = completion.usage + spent.usage
                return replace(completion, seed=sent_seed, attempts=spent.attempts, usage=usage)

    def _give_up(self, fault: Fault, spent: Spent) -> None:
        """Raise what the fault comes to, unless another attempt is worth it."""
        where = self._where(fault)
        if fault.kind is FaultKind.CONTEXT:
            raise ContextOverflow(where, spent.attempts, spent.usage)
        if fault.kind is FaultKind.PROMPT:
            raise CallFailed(f"{where} (other prompts are accepted)", spent.attempts, spent.usage)
        if fault.kind is FaultKind.REFUSED:
            raise EndpointRefused(where)
        if spent.unconnected_for() >= self.endpoint.patience:
            raise EndpointUnreachable(f"{where}; no connection for {self.endpoint.patience:g} s: is the server running?")
        if spent.failed > self.endpoint.retries:
            self._failed_in_row += 1
            if self._failed_in_row >= _BROKEN_AFTER:
                raise EndpointUnreachable(f"{where}; {self._failed_in_row} calls in a row failed for good, none succeeded")
            raise CallFailed(f"{where} (tried {spent.failed} times)", spent.attempts, spent.usage)

    async def _accepts_other_prompts(self, messages: Messages, sampling: Sampling) -> bool | None:
        """Whether a 400 is about one prompt alone: some call has succeeded, or one that differs in nothing else does.

        None if that cannot be said now.
        """
        if not self._accepted:
            try:
                await self._attempt((*messages[:-1], _GREETING), sampling, 0)
                self._accepted = True
            except Fault as fault:
                if fault.kind in (FaultKind.RETRY, FaultKind.UNREACHABLE) and not fault.blank:
                    return None
                self._accepted = fault.blank
        return self._accepted

    async def _attempt(self, messages: Messages, sampling: Sampling, seed: int) -> Completion:
        fields = {
            "model": self.endpoint.model,
            "messages": list(messages),
            **sampling.body(),
            "seed": seed,
            **self.endpoint.extra_body,
        }
        body = {name: value for name, value in fields.items() if value is not None}
        async with self._slots:
            if self._quota:
                await self._quota.acquire()
            return read_completion(await self._request("POST", f"{self.endpoint.base_url}/chat/completions", body))

    async def _request(
        self, method: str, url: str, body: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> str:
        """The body of a 200 reply; every other outcome is a `Fault`."""
        limit = aiohttp.ClientTimeout(total=timeout or self.endpoint.timeout, sock_connect=_CONNECT_SECONDS)
        try:
            async with self._session.request(method, url, json=body, timeout=limit) as response:
                text = (await response.read()).decode("utf-8", errors="replace")
                if response.status == 200:
                    return text
                raise fault_of_status(response.status, text, retry_after(response.headers.get("Retry-After"), time.time()))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            reason = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else None
            raise Fault(FaultKind.UNREACHABLE, f"cannot connect: {reason or error}") from error
        except TimeoutError as error:
            raise Fault(FaultKind.RETRY, f"no reply within {limit.total:g} s") from error
        except aiohttp.InvalidURL as error:
            raise Fault(FaultKind.REFUSED, f"not a usable URL: {error}") from error
        except aiohttp.ClientError as error:
            raise Fault(FaultKind.RETRY, f"connection lost: {error!r}") from error

    async def models(self) -> tuple[Model, ...]:
        """What `/v1/models` lists; empty where the server has no such page.

        Raises `EndpointUnreachable` at once if there is no connection, and `EndpointRefused` for a wrong key or page.
        """
        try:
            reply = json.loads(await self._query("GET", f"{self.endpoint.base_url}/models"))
            return tuple(_model(entry) for entry in reply["data"])
        except Fault as fault:
            if fault.status in _NOT_OFFERED:
                return ()
            if fault.status is not None and fault.kind is not FaultKind.RETRY:
                raise EndpointRefused(self._where(fault)) from fault
            raise EndpointUnreachable(f"{self._where(fault)}; is the server running?") from fault
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise EndpointRefused(
                f"{self.endpoint.base_url}/models is not a model list ({error!r}): is this an OpenAI-compatible server?"
            ) from error

    async def count_tokens(self, messages: Messages) -> int | None:
        """The length of a prompt as the server's own tokenizer and chat template make it; None where it cannot say.

        vLLM counts messages at `/tokenize`; llama.cpp renders them at `/apply-template` first.
        """
        if not self._counts_tokens:
            return None
        try:
            return await self._tokenize({"model": self.endpoint.model, "messages": list(messages)})
        except Fault as fault:
            if fault.kind in (FaultKind.RETRY, FaultKind.UNREACHABLE) and fault.status not in _NOT_OFFERED:
                return None  # an outage: the call itself will meet it, with all its retries
        except (ValueError, LookupError, TypeError, RecursionError):
            pass  # a page of that name, but not this one
        self._counts_tokens = False
        return None

    async def _tokenize(self, body: Mapping[str, Any]) -> int:
        reply = json.loads(await self._query("POST", f"{self._root}/tokenize", body))
        if "count" in reply:
            return int(reply["count"])
        rendered = json.loads(await self._query("POST", f"{self._root}/apply-template", body))
        content = {"content": rendered["prompt"], "add_special": True, "parse_special": True}
        return len(json.loads(await self._query("POST", f"{self._root}/tokenize", content))["tokens"])

    async def _query(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> str:
        """The reply to a cheap question; passing faults are retried a few times, a missing connection is not."""
        for attempt in range(1, _QUERY_ATTEMPTS):
            try:
                return await self._request(method, url, body, _QUERY_SECONDS)
            except Fault as fault:
                if fault.kind is not FaultKind.RETRY or fault.status in _NOT_OFFERED:
                    raise
                await wait_before_next(0, attempt, fault)
        return await self._request(method, url, body, _QUERY_SECONDS)

    def _where(self, fault: Fault) -> str:
        """The fault with its place, and without the key that a server may repeat."""
        key = self.endpoint.api_key
        message = fault.message.replace(key, "***") if key else fault.message
        return f"{self.endpoint.base_url}: {message}"


def _model(entry: Mapping[str, Any]) -> Model:
    meta = entry.get("meta") or {}
    context = entry.get("max_model_len") or entry.get("context_length") or meta.get("n_ctx")
    aliases = tuple(entry.get("aliases") or ())
    return Model(str(entry["id"]), context if isinstance(context, int) else None, aliases, str(entry.get("owned_by", "")))


class _Quota:
    """asyncio-throttle behind a lock: alone, its waiters all poll, and the first to come is not the first to go."""

    def __init__(self, rate: Rate) -> None:
        self._throttler = Throttler(rate.calls, rate.period)
        self._turn = asyncio.Lock()

    async def acquire(self) -> None:
        async with self._turn:
            await self._throttler.acquire()
