"""A live endpoint: completions with a limit in flight, a quota, a budget, retries by kind, and a circuit for outages."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from rsa.budget import UNBOUNDED, Purse
from rsa.endpoint.circuit import Circuit
from rsa.endpoint.concurrency import Adaptive
from rsa.endpoint.faults import Fault, FaultKind, read_completion
from rsa.endpoint.gate import Gate
from rsa.endpoint.persistence import Persistence
from rsa.endpoint.queries import Queries
from rsa.endpoint.quota import Quota
from rsa.endpoint.retrying import Spent, Waiting
from rsa.endpoint.sizes import Sizes, most_new
from rsa.endpoint.streaming import Attentive, Passed, pass_events, read_stream
from rsa.endpoint.transport import Transport
from rsa.endpoint.types import Completion, Listener, Messages, Sampling
from rsa.endpoint.watching import LoadWatch
from rsa.errors import RSAError
from rsa.keys import Key

if TYPE_CHECKING:
    from rsa.endpoint.endpoint import Endpoint

__all__ = ["Client"]

_PROBE_SECONDS = 60.0
_TAKEN_SECONDS = 1.0
_GREETING = MappingProxyType({"role": "user", "content": "Hello"})
_REFUSALS = frozenset({FaultKind.PROMPT, FaultKind.CONTEXT})
_ANSWERS = _REFUSALS | {FaultKind.REFUSED}
_DOUBTED_AFTER = 5  # refusals in a row
_STREAMED: Mapping[str, Any] = MappingProxyType({"stream": True, "stream_options": {"include_usage": True}})


class Client:
    """A connected endpoint. Made by `Endpoint.connect`."""

    def __init__(self, endpoint: "Endpoint", transport: Transport, limit: Adaptive) -> None:
        self.endpoint = endpoint
        self.gate = Gate(limit)
        self._transport = transport
        self._waiting = Waiting()
        self._circuit = Circuit(endpoint.patience, self._probe, self._waiting, self._working)
        self._persistently = Persistence(endpoint.base_url, endpoint.retries, self._circuit, self._waiting)
        self._queries = Queries(transport, endpoint.base_url, endpoint.model, self._waiting)
        self._quota = Quota(endpoint.rate)
        self._chat = f"{endpoint.base_url}/chat/completions"
        self._sizes = Sizes()
        self._in_flight: dict[object, float] = {}
        self._asking = asyncio.Lock()
        self._refused_in_row = 0
        self._accepted = False  # whether the server has accepted a call with these parameters
        self.models = self._queries.models
        self.load = self._queries.load
        self._watch = LoadWatch(self.load, self.gate, self._circuit, self._waiting)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._watch.end()

    @property
    def faults(self) -> Counter[str]:
        """How many attempts failed, by what they were."""
        return self._persistently.faults

    @property
    def retries(self) -> int:
        """How many attempts calls made beyond their first."""
        return self._persistently.again

    @property
    def model(self) -> str:
        """The model's name in requests; empty where none is named."""
        return self.endpoint.model or ""

    @property
    def gone(self) -> bool:
        """Whether the server is gone at present, so that all calls wait."""
        return self._circuit.open

    @property
    def seconds_waited(self) -> float:
        """For how long the server was gone, so that all calls waited."""
        return self._circuit.seconds_open

    def wind_down(self, reason: RSAError | None = None) -> None:
        """Send nothing further. Calls in flight go on; those that wait end with the reason, by default a `CallAbandoned`."""
        self._waiting.end(reason)

    async def complete(
        self,
        messages: Messages,
        sampling: Sampling,
        seed: int,
        purse: Purse = UNBOUNDED,
        listener: Listener | None = None,
        session: str | None = None,
    ) -> Completion:
        """One reply to a conversation; its usage counts failed attempts too, and `purse` pays each attempt.

        With a `listener` it is streamed; once that was told anything, there is no further attempt. Calls of one `session`
        go to the same of several servers, where a router follows `Endpoint.affinity_header`.

        Raises `CallFailed` when retries are used up or this prompt is refused, `ContextOverflow` when it is too long,
        `EndpointUnreachable` when the server was gone for `patience` seconds or one call after the other failed,
        `EndpointRefused` when no call could succeed, and `CallAbandoned` (or `BudgetSpent`) when it is not made.
        """
        self._watch.begin()
        heard = Attentive(listener) if listener else None
        most = await self._most_tokens(messages, purse)

        async def attempt(spent: Spent) -> Completion:
            sent_seed = seed + spent.blanks  # the same seed would give the same blank reply again
            completion = await self._attempt(messages, sampling, sent_seed, purse, most, heard, session)
            usage = completion.usage + spent.usage
            return replace(completion, seed=sent_seed, attempts=spent.attempts, usage=usage)

        async def blame(fault: Fault) -> None:
            if fault.kind in _REFUSALS:
                await self._blame(fault, messages, sampling, purse)

        completion = await self._persistently(attempt, seed, blame, lambda: heard is not None and heard.heard)
        self._accepted, self._refused_in_row = True, 0
        return completion

    async def pass_on(
        self, body: Mapping[str, Any], tell: Callable[[str], None] | None = None, session: str | None = None
    ) -> Passed:
        """The reply to a request that is sent as it is, besides what `extra_body` says; whatever is in it.

        With `tell` it is streamed, and that is told the data of each event; once it was told anything, there is no further
        attempt. Raises what `complete` does; a refusal is always an `EndpointRefused`.
        """
        fields = {name: value for name, value in {**body, **self.endpoint.extra_body}.items() if value is not None}
        heard, headers = Attentive(tell) if tell else None, self._headers(session)

        async def attempt(spent: Spent) -> Passed:
            async with self.gate.place():
                await self._quota.acquire(self._waiting.check)
                self._waiting.check()
                return Passed(await self._passed(fields, heard, headers), spent.attempts)

        jitter = Key(0, session or "", purpose="plain").request_seed()
        return await self._persistently(attempt, jitter, _refuse, lambda: heard is not None and heard.heard)

    async def _passed(self, body: Mapping[str, Any], heard: Attentive[str] | None, headers: Mapping[str, str]) -> str:
        if heard is None:
            return await self._transport.request("POST", self._chat, body, headers=headers)
        async with self._transport.opened("POST", self._chat, body, headers=headers) as response:
            await pass_events(response.content.iter_any(), self._transport.readable, heard)
        return ""

    async def count_tokens(self, messages: Messages) -> int | None:
        """The length of a prompt in tokens as the server counts it; None where it cannot say. Waits while it is gone."""
        while True:
            await self._persistently.closed()
            try:
                return await self._queries.count_tokens(messages)
            except Fault as fault:
                self._persistently.note(fault)

    async def _blame(self, fault: Fault, messages: Messages, sampling: Sampling, purse: Purse) -> None:
        """Find out whether a refusal is about one prompt alone, and let the fault say so.

        It is if some call has succeeded, or if one that differs in nothing else does now. Several refusals in a row raise
        doubts about what was true before.
        """
        self._refused_in_row += 1
        async with self._asking:
            if self._refused_in_row % _DOUBTED_AFTER == 0:
                self._accepted = False
            if self._accepted:
                return
            try:
                greeting = (*messages[:-1], _GREETING)
                await self._attempt(greeting, sampling, 0, purse, await self._most_tokens(greeting, purse))
                self._accepted = True
            except Fault as other:
                if other.kind in _ANSWERS:
                    fault.kind = FaultKind.REFUSED
                elif other.blank:
                    self._accepted = True
                else:  # that cannot be said now
                    fault.kind = FaultKind.RETRY
                    self._persistently.note(other)

    async def _probe(self) -> None:
        """Find out whether the server answers, with the smallest completion there is. A refusal is an answer too."""
        body = self._body((_GREETING,), Sampling(max_tokens=1), 0)
        try:
            limit = min(_PROBE_SECONDS, self.endpoint.timeout)
            await self._transport.request("POST", self._chat, body, limit)
        except Fault as fault:
            if fault.kind not in _ANSWERS:
                raise

    async def _attempt(
        self,
        messages: Messages,
        sampling: Sampling,
        seed: int,
        purse: Purse,
        most: int,
        listener: Listener | None = None,
        session: str | None = None,
    ) -> Completion:
        """One request. Its prompt has at most so many tokens, where `purse` counts them."""
        body = self._body(messages, sampling, seed, streamed=listener is not None)
        async with purse.call(most, most_new(sampling, self.endpoint.extra_body)) as bill, self.gate.place():
            await self._quota.acquire(self._waiting.check)
            self._waiting.check()
            bill.sent = True
            sent = self._in_flight[bill] = time.monotonic()
            try:
                completion = await self._reply(body, listener, self._headers(session))
            except Fault as fault:
                bill.usage = fault.usage
                if fault.overload:
                    self.gate.limit.turned_away(sent, time.monotonic())
                raise
            finally:
                del self._in_flight[bill]
            bill.usage = None if completion.usage.completion is None else completion.usage
        self._learn(completion, messages, sent)
        return completion

    async def _reply(self, body: Mapping[str, Any], listener: Listener | None, headers: Mapping[str, str]) -> Completion:
        if listener is None:
            return read_completion(await self._transport.request("POST", self._chat, body, headers=headers))
        async with self._transport.opened("POST", self._chat, body, headers=headers) as response:
            return await read_stream(response.content.iter_any(), self._transport.readable, listener)

    def _headers(self, session: str | None) -> dict[str, str]:
        name = self.endpoint.affinity_header
        return {name: session} if name and session else {}

    def _working(self) -> bool:
        """Whether the server has had a call of ours for long enough not to be about to turn it away."""
        return any(time.monotonic() - sent > _TAKEN_SECONDS for sent in self._in_flight.values())

    def _body(self, messages: Messages, sampling: Sampling, seed: int, *, streamed: bool = False) -> dict[str, object]:
        fields = {
            "model": self.endpoint.model,
            "messages": [dict(message) for message in messages],
            **sampling.body(),
            "seed": seed,
            **(_STREAMED if streamed else {}),
            **self.endpoint.extra_body,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _learn(self, completion: Completion, messages: Messages, sent: float) -> None:
        """Tell the concurrency of a reply, and remember how many tokens a byte of prompts of this size makes at most."""
        tokens = completion.usage.completion or max(1, len(completion.text) // 4)
        self.gate.limit.replied(tokens, self.gate.in_flight + 1, sent, time.monotonic())
        if completion.usage.prompt is not None:
            self._sizes.learn(messages, completion.usage.prompt)

    async def _most_tokens(self, messages: Messages, purse: Purse) -> int:
        """What a prompt has at most: as the server counts; else by the tokens a byte of prompts as long; else its bytes.

        0 where `purse` does not count tokens, because to count a prompt takes a request.
        """
        if not purse.counts_tokens:
            return 0
        count = await self.count_tokens(messages)
        return self._sizes.most(messages) if count is None else count


async def _refuse(fault: Fault) -> None:
    """Nobody knows whether another request would be refused too."""
    if fault.kind is FaultKind.PROMPT:
        fault.kind = FaultKind.REFUSED
