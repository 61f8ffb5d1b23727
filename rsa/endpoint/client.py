"""A live endpoint: completions with a limit in flight, a quota, a budget, retries by kind, and a circuit for outages."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self

from asyncio_throttle import Throttler

from rsa.budget import Purse
from rsa.endpoint.circuit import Circuit
from rsa.endpoint.concurrency import Adaptive
from rsa.endpoint.faults import Fault, FaultKind, read_completion
from rsa.endpoint.gate import Gate
from rsa.endpoint.queries import Queries
from rsa.endpoint.retrying import Spent, Waiting
from rsa.endpoint.transport import Transport
from rsa.endpoint.types import Completion, Messages, Rate, Sampling
from rsa.errors import CallFailed, ContextOverflow, EndpointRefused, EndpointUnreachable, RSAError

if TYPE_CHECKING:
    from rsa.endpoint.endpoint import Endpoint

__all__ = ["Client"]

_BROKEN_AFTER = 10  # so many calls, each with all its retries: that is the server, not the prompts
_PROBE_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_GREETING = MappingProxyType({"role": "user", "content": "Hello"})
_BLAME = MappingProxyType({True: FaultKind.PROMPT, False: FaultKind.REFUSED, None: FaultKind.RETRY})
"""What a refused prompt comes to, by whether the server accepts another one."""
_NOBODY = Purse()
_TEMPLATE_BYTES = 256
_CAUTION = 1.25


class Client:
    """A connected endpoint. Made by `Endpoint.connect`.

    `faults` counts the failed attempts by what they were.
    """

    def __init__(self, endpoint: "Endpoint", transport: Transport, limit: Adaptive) -> None:
        self.endpoint = endpoint
        self.gate = Gate(limit)
        self.faults: Counter[str] = Counter()
        self._transport = transport
        self._waiting = Waiting()
        self._circuit = Circuit(endpoint.patience, self._probe, self._waiting)
        self._queries = Queries(transport, endpoint.base_url, endpoint.model, self._waiting)
        self._quota = _Quota(endpoint.rate) if endpoint.rate else None
        self._tokens_a_byte = 1.0
        self._counted = False
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
            with suppress(asyncio.CancelledError):
                await self._looking

    @property
    def seconds_waited(self) -> float:
        """For how long the server was gone, so that all calls waited."""
        return self._circuit.seconds_open

    def wind_down(self, reason: RSAError | None = None) -> None:
        """Send nothing further. Calls in flight go on; those that wait end with the reason, by default a `CallAbandoned`."""
        self._waiting.end(reason)

    async def complete(self, messages: Messages, sampling: Sampling, seed: int, purse: Purse = _NOBODY) -> Completion:
        """One reply to a conversation; its usage counts failed attempts too, and `purse` pays each attempt.

        Raises `CallFailed` when retries are used up or this prompt is refused, `ContextOverflow` when it is too long,
        `EndpointUnreachable` when the server was gone for `patience` seconds or one call after the other failed,
        `EndpointRefused` when no call could succeed, and `CallAbandoned` (or `BudgetSpent`) when it is not made.
        """
        self._look_at_load()
        spent = Spent()
        while True:
            await self._closed()
            spent.attempts += 1
            sent_seed = seed + spent.blanks  # the same seed would give the same blank reply again
            try:
                completion = await self._attempt(messages, sampling, sent_seed, purse)
            except Fault as fault:
                self._note(fault)
                spent.take(fault)
                if fault.kind is FaultKind.PROMPT:
                    fault.kind = _BLAME[await self._accepts_other_prompts(messages, sampling)]
                self._give_up(fault, spent)
                if not self._circuit.open:
                    await self._waiting.before_next(seed, spent.attempts, fault)
            else:
                self._accepted, self._failed_in_row = True, 0
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
        try:
            await self._circuit.closed()
        except EndpointUnreachable as error:
            raise EndpointUnreachable(f"{self.endpoint.base_url}: {error}") from None

    def _note(self, fault: Fault) -> None:
        self.faults[fault.label] += 1
        try:
            self._circuit.failed(fault)
        except EndpointUnreachable as error:
            raise EndpointUnreachable(f"{self.endpoint.base_url}: {error}") from None

    def _give_up(self, fault: Fault, spent: Spent) -> None:
        """Raise what the fault comes to, unless another attempt is worth it."""
        where = f"{self.endpoint.base_url}: {fault.message}"
        if fault.kind is FaultKind.CONTEXT:
            raise ContextOverflow(where, spent.attempts, spent.usage)
        if fault.kind is FaultKind.PROMPT:
            raise CallFailed(f"{where} (other prompts are accepted)", spent.attempts, spent.usage)
        if fault.kind is FaultKind.REFUSED:
            raise EndpointRefused(where)
        if spent.used_up(self.endpoint.retries):
            self._failed_in_row += 1
            if self._failed_in_row >= _BROKEN_AFTER:
                raise EndpointUnreachable(f"{where}; {self._failed_in_row} calls in a row failed for good, none succeeded")
            raise CallFailed(f"{where} (tried {spent.attempts} times)", spent.attempts, spent.usage)

    async def _accepts_other_prompts(self, messages: Messages, sampling: Sampling) -> bool | None:
        """Whether a 400 is about one prompt alone: some call has succeeded, or one that differs in nothing else does.

        None if that cannot be said now.
        """
        if not self._accepted:
            try:
                await self._attempt((*messages[:-1], _GREETING), sampling, 0, _NOBODY)
                self._accepted = True
            except Fault as fault:
                if fault.kind not in (FaultKind.CONTEXT, FaultKind.PROMPT, FaultKind.REFUSED) and not fault.blank:
                    return None
                self._accepted = fault.blank
        return self._accepted

    async def _probe(self) -> None:
        """Find out whether the server answers, with the smallest completion there is. A refusal is an answer too."""
        body = self._body((_GREETING,), Sampling(max_tokens=1), 0)
        try:
            limit = min(_PROBE_SECONDS, self.endpoint.timeout)
            await self._transport.request("POST", f"{self.endpoint.base_url}/chat/completions", body, limit)
        except Fault as fault:
            if fault.kind in (FaultKind.CONTEXT, FaultKind.PROMPT, FaultKind.REFUSED):
                return
            raise

    async def _attempt(self, messages: Messages, sampling: Sampling, seed: int, purse: Purse) -> Completion:
        body = self._body(messages, sampling, seed)
        async with self.gate.place():
            if self._quota:
                await self._quota.acquire()
            async with purse.call(self._most_tokens(messages) if purse else 0, sampling.max_tokens or 0) as bill:
                self._waiting.check()
                bill.sent = True
                sent = time.monotonic()
                try:
                    reply = await self._transport.request("POST", f"{self.endpoint.base_url}/chat/completions", body)
                    completion = read_completion(reply)
                except Fault as fault:
                    bill.usage = fault.usage
                    if fault.overload:
                        self.gate.limit.turned_away(sent, time.monotonic())
                    raise
                bill.usage = None if completion.usage.completion is None else completion.usage
        self._learn(completion, messages)
        return completion

    def _body(self, messages: Messages, sampling: Sampling, seed: int) -> dict[str, object]:
        fields = {
            "model": self.endpoint.model,
            "messages": [dict(message) for message in messages],
            **sampling.body(),
            "seed": seed,
            **self.endpoint.extra_body,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _learn(self, completion: Completion, messages: Messages) -> None:
        """Tell the concurrency of a reply, and remember how many tokens a byte of prompt makes at most."""
        tokens = completion.usage.completion or max(1, len(completion.text) // 4)
        self.gate.limit.replied(tokens, self.gate.in_flight + 1, time.monotonic())
        if completion.usage.prompt is not None:
            seen = completion.usage.prompt / _size(messages)
            self._tokens_a_byte = max(seen, self._tokens_a_byte if self._counted else 0.0)
            self._counted = True

    def _most_tokens(self, messages: Messages) -> int:
        """More than a prompt has: its bytes, or after the first replies by what they had for a byte."""
        return round(_size(messages) * (_CAUTION * self._tokens_a_byte if self._counted else 1.0)) + 1

    def _look_at_load(self) -> None:
        """From the first call on follow the server's own queue, where it shows one."""
        if self._looking is None and not self.gate.limit.steady:
            self._looking = asyncio.ensure_future(self._follow_load())

    async def _follow_load(self) -> None:
        if not await self.load():
            return
        while True:
            if load := await self.load():
                self.gate.limit.observed(load, self.gate.in_flight, time.monotonic())
                self.gate.moved()
            await asyncio.sleep(_LOOK_SECONDS)


def _size(messages: Messages) -> int:
    return sum(len(str(message["content"]).encode("utf-8", errors="replace")) + _TEMPLATE_BYTES for message in messages)


class _Quota:
    """asyncio-throttle behind a lock: alone, its waiters all poll, and the first to come is not the first to go."""

    def __init__(self, rate: Rate) -> None:
        self._throttler = Throttler(rate.calls, rate.period)
        self._turn = asyncio.Lock()

    async def acquire(self) -> None:
        async with self._turn:
            await self._throttler.acquire()
