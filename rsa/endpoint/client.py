"""A live endpoint: completions with a limit in flight, a quota, a budget, retries by kind, and a circuit for outages."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from rsa.budget import UNBOUNDED, Purse
from rsa.endpoint.circuit import Circuit
from rsa.endpoint.concurrency import Adaptive
from rsa.endpoint.faults import Fault, FaultKind, read_completion
from rsa.endpoint.gate import Gate
from rsa.endpoint.queries import Queries
from rsa.endpoint.quota import Quota
from rsa.endpoint.retrying import Spent, Waiting
from rsa.endpoint.sizes import Sizes, most_new
from rsa.endpoint.streaming import Attentive, Passage, read_stream
from rsa.endpoint.transport import Transport
from rsa.endpoint.types import Completion, Listener, Messages, Sampling
from rsa.errors import CallFailed, ContextOverflow, EndpointRefused, EndpointUnreachable, RSAError

if TYPE_CHECKING:
    from rsa.endpoint.endpoint import Endpoint

__all__ = ["Client"]

_BROKEN_AFTER = 10  # so many calls, each with all its retries: that is the server, not the prompts
_PROBE_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_RARE_LOOK_SECONDS = 60.0  # where there seems to be nothing to see
_GIVEN_UP_AFTER = 5  # looks
_TAKEN_SECONDS = 1.0
_GREETING = MappingProxyType({"role": "user", "content": "Hello"})
_REFUSALS = frozenset({FaultKind.PROMPT, FaultKind.CONTEXT})
_ANSWERS = _REFUSALS | {FaultKind.REFUSED}
_DOUBTED_AFTER = 5  # refusals in a row
_STREAMED: Mapping[str, Any] = MappingProxyType({"stream": True, "stream_options": {"include_usage": True}})


class Client:
    """A connected endpoint. Made by `Endpoint.connect`.

    `faults` counts the failed attempts by what they were, `retries` those that calls made beyond their first.
    """

    def __init__(self, endpoint: "Endpoint", transport: Transport, limit: Adaptive) -> None:
        self.endpoint = endpoint
        self.gate = Gate(limit)
        self.faults: Counter[str] = Counter()
        self.retries = 0
        self._transport = transport
        self._waiting = Waiting()
        self._circuit = Circuit(endpoint.patience, self._probe, self._waiting, self._working)
        self._queries = Queries(transport, endpoint.base_url, endpoint.model, self._waiting)
        self._quota = Quota(endpoint.rate)
        self._chat = f"{endpoint.base_url}/chat/completions"
        self._sizes = Sizes()
        self._in_flight: dict[object, float] = {}
        self._asking = asyncio.Lock()
        self._refused_in_row = 0
        self._accepted = False  # whether the server has accepted a call with these parameters
        self._failed_in_row = 0
        self._looking: asyncio.Task[None] | None = None
        self.models = self._queries.models
        self.load = self._queries.load

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._looking:
            self._looking.cancel()
            with suppress(asyncio.CancelledError, RSAError):
                await self._looking

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
        self, messages: Messages, sampling: Sampling, seed: int, purse: Purse = UNBOUNDED, listener: Listener | None = None
    ) -> Completion:
        """One reply to a conversation; its usage counts failed attempts too, and `purse` pays each attempt.

        With a `listener` it is streamed; once that was told anything, there is no further attempt.

        Raises `CallFailed` when retries are used up or this prompt is refused, `ContextOverflow` when it is too long,
        `EndpointUnreachable` when the server was gone for `patience` seconds or one call after the other failed,
        `EndpointRefused` when no call could succeed, and `CallAbandoned` (or `BudgetSpent`) when it is not made.
        """
        self._look_at_load()
        spent, heard = Spent(), Attentive(listener) if listener else None
        most = await self._most_tokens(messages, purse)
        while True:
            await self._closed()
            spent.attempts += 1
            self.retries += spent.attempts > 1
            sent_seed = seed + spent.blanks  # the same seed would give the same blank reply again
            try:
                completion = await self._attempt(messages, sampling, sent_seed, purse, most, heard)
            except Fault as fault:
                if fault.kind in _REFUSALS:
                    await self._blame(fault, messages, sampling, purse)
                self._note(fault)
                spent.take(fault)
                self._give_up(fault, spent, over=heard is not None and heard.heard)
                if not self._circuit.open:
                    await self._waiting.before_next(seed, spent.attempts, fault)
            else:
                self._accepted, self._failed_in_row, self._refused_in_row = True, 0, 0
                self._circuit.succeeded()
                usage = completion.usage + spent.usage
                return replace(completion, seed=sent_seed, attempts=spent.attempts, usage=usage)

    async def count_tokens(self, messages: Messages) -> int | None:
        """The length of a prompt in tokens as the server counts it; None where it cannot say. Waits while it is gone."""
        while True:
            await self._closed()
            try:
                return await self._queries.count_tokens(messages)
            except Fault as fault:
                self._note(fault)

    async def _closed(self) -> None:
        with self._located():
            await self._circuit.closed()

    def _note(self, fault: Fault) -> None:
        self.faults[fault.label] += 1
        with self._located():
            self._circuit.failed(fault)

    @contextmanager
    def _located(self) -> Iterator[None]:
        """Say of which endpoint the circuit's patience is at its end."""
        try:
            yield
        except EndpointUnreachable as error:
            raise EndpointUnreachable(f"{self.endpoint.base_url}: {error}") from None

    def _give_up(self, fault: Fault, spent: Spent, *, over: bool) -> None:
        """Raise what the fault comes to, unless another attempt is worth it."""
        where = f"{self.endpoint.base_url}: {fault.message}"
        if fault.kind is FaultKind.CONTEXT:
            raise ContextOverflow(where, spent.attempts, spent.usage)
        if fault.kind is FaultKind.PROMPT:
            raise CallFailed(f"{where} (other prompts are accepted)", spent.attempts, spent.usage)
        if fault.kind is FaultKind.REFUSED:
            raise EndpointRefused(where)
        if over or spent.used_up(self.endpoint.retries):
            self._failed_in_row += 1
            if self._failed_in_row >= _BROKEN_AFTER:
                raise EndpointUnreachable(f"{where}; {self._failed_in_row} calls in a row failed for good, none succeeded")
            raise CallFailed(f"{where} (tried {spent.attempts} times)", spent.attempts, spent.usage)

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
                    self._note(other)

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
    ) -> Completion:
        """One request. Its prompt has at most so many tokens, where `purse` counts them."""
        body = self._body(messages, sampling, seed, streamed=listener is not None)
        async with purse.call(most, most_new(sampling, self.endpoint.extra_body)) as bill, self.gate.place():
            await self._quota.acquire(self._waiting.check)
            self._waiting.check()
            bill.sent = True
            sent = self._in_flight[bill] = time.monotonic()
            try:
                completion = await self._reply(body, listener)
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

    async def _reply(self, body: Mapping[str, Any], listener: Listener | None) -> Completion:
        if listener is None:
            return read_completion(await self._transport.request("POST", self._chat, body))
        async with self._transport.opened("POST", self._chat, body) as response:
            return await read_stream(response.content.iter_any(), self._transport.readable, listener)

    @asynccontextmanager
    async def passed_on(self, body: Mapping[str, Any]) -> AsyncIterator[Passage]:
        """The reply to a request that is sent once and as it is. Raises a `Fault` for all but a 200."""
        fields = {name: value for name, value in {**body, **self.endpoint.extra_body}.items() if value is not None}
        async with self.gate.place():
            await self._quota.acquire(self._waiting.check)
            async with self._transport.opened("POST", self._chat, fields) as response:
                yield Passage(response, self._transport.readable)

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

    def _look_at_load(self) -> None:
        """From the first call on follow the server's own queue, where it shows one."""
        if self._looking is None and not self.gate.limit.steady:
            self._looking = asyncio.ensure_future(self._follow_load())

    async def _follow_load(self) -> None:
        unseen = 0
        while True:
            if not self._circuit.open:
                load = await self.load()
                unseen = 0 if load else unseen + 1
                if load:
                    self.gate.limit.observed(load, self.gate.in_flight, time.monotonic())
                    self.gate.moved()
                elif unseen == _GIVEN_UP_AFTER:
                    self.gate.limit.unseen()
            await self._waiting.sleep(_LOOK_SECONDS if unseen < _GIVEN_UP_AFTER else _RARE_LOOK_SECONDS)
