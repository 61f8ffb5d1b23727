"""A model of your own: any async function of messages and sampling, with limits, retries and budgets around it."""

import asyncio
import inspect
import math
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from rsa.budget import UNBOUNDED, Purse
from rsa.chain import Usage
from rsa.endpoint.circuit import Circuit
from rsa.endpoint.concurrency import Adaptive
from rsa.endpoint.faults import Fault, FaultKind, unspoilt, whole
from rsa.endpoint.gate import Gate
from rsa.endpoint.persistence import Persistence
from rsa.endpoint.retrying import Spent, Waiting
from rsa.endpoint.sizes import Sizes, most_new
from rsa.endpoint.types import Completion, Listener, Messages, Sampling, TokenCounter
from rsa.errors import CallAbandoned, CallFailed, RSAError, TryAgain, UsageError

__all__ = ["Adapter", "CallableClient", "CallableEndpoint", "callable_endpoint"]


class Adapter(Protocol):
    """A model of your own: an async function that is given a conversation and how to sample, and gives the reply.

    **What it gets.** `messages` are dicts with `role` (system, user or assistant) and `content` (a text); the last one is
    the user's. They are the call's own copy. `sampling` is an `rsa.Sampling` whose `max_tokens` and `seed` are always set.
    Every call has a seed of its own, drawn from the run's: pass it on where the model takes one, and leave it out where it
    does not. What is None is the model's own default. `sampling.body()` has the fields that are set, named as in OpenAI's
    API.

    **What it gives.** A text, or an `rsa.Completion` where more is known: `usage` (an `rsa.Usage`; None in a field says that
    nobody counted, and is never taken for 0), `finish_reason` ("length" says that the reply was cut by `max_tokens`),
    `reasoning` (thinking that is kept apart), `model`. A blank reply is asked for again, with another seed.

    **What it may raise.**

    - `rsa.TryAgain`, `TimeoutError`, `ConnectionError`, and what `CallableEndpoint.retry_on` names: the call is made again
      after a growing wait, and out of retries its chain is dead. After ten such attempts in a row all calls wait, and one
      tiny call after the other finds out when they may go on, for `patience` seconds; then the run stops.
    - `rsa.CallFailed`: this prompt cannot be answered. Its chain is dead at once.
    - `rsa.ContextOverflow`: the prompt is too long. `on_overflow` says what becomes of it.
    - Any other exception stops the run and passes, as it is, to whoever started that: a mistake in the function is not
      hidden. So is a reply that is no text and no sound completion. `rsa.EndpointRefused` is for what no other call would
      survive either, such as a wrong key.

    **How it is called.** As often at a time as `max_concurrency` allows, in one event loop. A call that is not wanted any
    more is cancelled, so `asyncio.CancelledError` must not be caught for good.
    """

    def __call__(self, messages: list[dict[str, Any]], sampling: Sampling, /) -> Awaitable[str | Completion]:
        """The reply to a conversation."""


@dataclass(frozen=True)
class CallableEndpoint:
    """An async function as an endpoint, described. See `rsa.Adapter` for what the function gets, gives and may raise.

    `model` names it in records (by default the function's own name). `max_concurrency` is how many calls of one run may be
    in flight, `timeout` the time limit of one attempt in seconds, `retries` how often a failed call is made again, and
    `patience` how many seconds all may fail before the run stops. `retry_on` names the exceptions, beside those of the
    contract, after which a call is made again. `context` is the model's window in tokens, and `counter` an async function
    that gives the tokens of a prompt with its chat template; where either is unknown, a prompt is sent as it is, and it is
    for the function to raise `ContextOverflow`.
    """

    function: Adapter
    model: str = ""
    max_concurrency: int = 32
    timeout: float = 1800.0
    retries: int = 5
    patience: float = 300.0
    retry_on: tuple[type[Exception], ...] = ()
    context: int | None = None
    counter: TokenCounter | None = None

    def __post_init__(self) -> None:
        if not callable(self.function) or isinstance(self.function, type):
            remedy = ": give an instance of it" if isinstance(self.function, type) else ""
            raise UsageError(f"an adapter is an async function of messages and sampling, not {self.function!r}{remedy}")
        named = self.model or getattr(self.function, "__name__", type(self.function).__name__)
        object.__setattr__(self, "model", named)
        if self.max_concurrency < 1:
            raise UsageError(f"max_concurrency must be at least 1, not {self.max_concurrency}")
        if not 0 < self.timeout < math.inf:
            raise UsageError(f"timeout must be a positive number of seconds, not {self.timeout}")
        if self.retries < 0 or not 0 <= self.patience < math.inf:
            raise UsageError("retries and patience must be numbers that are not negative")
        if self.context is not None and self.context < 1:
            raise UsageError(f"context must be a positive number of tokens, not {self.context}")

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["CallableClient"]:
        """The function, ready for calls in the running event loop."""
        yield CallableClient(self)


def callable_endpoint(llm: CallableEndpoint | Adapter) -> CallableEndpoint:
    """A function as an endpoint, with the default limits unless it has its own. Raises `UsageError` for what is neither."""
    if isinstance(llm, CallableEndpoint):
        return llm
    if not callable(llm):
        told = f"such as rsa.Endpoint({str(llm)!r})" if isinstance(llm, str) else f"not {llm!r}"
        raise UsageError(f"the model is given as an rsa.Endpoint or an async function of messages and sampling, {told}")
    return CallableEndpoint(llm)


class CallableClient:
    """A function that is ready for calls. Made by `CallableEndpoint.connect`."""

    def __init__(self, endpoint: CallableEndpoint) -> None:
        self.endpoint = endpoint
        self.gate = Gate(Adaptive.fixed(endpoint.max_concurrency))
        self._waiting = Waiting()
        self._circuit = Circuit(endpoint.patience, self._probe, self._waiting, lambda: False)
        self._persistently = Persistence(endpoint.model, endpoint.retries, self._circuit, self._waiting)
        self._retried: tuple[type[Exception], ...] = (ConnectionError, *endpoint.retry_on)
        self._sizes = Sizes()

    @property
    def model(self) -> str:
        """The name that its chains are recorded with."""
        return self.endpoint.model

    def wind_down(self, reason: RSAError | None = None) -> None:
        """Make no further call. Those in flight go on; those that wait end with the reason, by default a `CallAbandoned`."""
        self._waiting.end(reason)

    async def count_tokens(self, messages: Messages) -> int | None:
        """The length of a prompt in tokens; None without a counter."""
        return await self.endpoint.counter(messages) if self.endpoint.counter else None

    async def complete(
        self,
        messages: Messages,
        sampling: Sampling,
        seed: int,
        purse: Purse = UNBOUNDED,
        listener: Listener | None = None,
        session: str | None = None,  # noqa: ARG002 - nothing stands between here and the function
    ) -> Completion:
        """One reply, asked for again where that may help; the listener is told it when it is there.

        Raises what `LiveClient.complete` raises, and what stops the run by the contract of `Adapter`.
        """
        most = await self._most_tokens(messages, purse)

        async def attempt(spent: Spent) -> Completion:
            seeded = replace(sampling, seed=seed + spent.blanks)  # the same seed would give the same blank reply again
            try:
                completion = await self._attempt(messages, seeded, purse, most)
            except CallFailed as error:
                error.attempts, error.usage = spent.attempts, spent.usage + (error.usage or Usage())
                raise
            usage = completion.usage + spent.usage
            return replace(completion, seed=seed + spent.blanks, attempts=spent.attempts, usage=usage)

        completion = await self._persistently(attempt, seed, _as_it_is, lambda: False)
        if listener:
            listener(completion.text, completion.reasoning or "")
        return completion

    async def _probe(self) -> None:
        """Find out whether the function answers, with the smallest call there is. A refusal is an answer too."""
        with suppress(CallFailed):
            await self._reply(({"role": "user", "content": "Hello"},), Sampling(max_tokens=1, seed=0))

    async def _attempt(self, messages: Messages, sampling: Sampling, purse: Purse, most: int) -> Completion:
        """One call of the function. Its prompt has at most so many tokens, where `purse` counts them."""
        async with purse.call(most, most_new(sampling, {})) as bill, self.gate.place():
            self._waiting.check()
            bill.sent = True
            try:
                completion = await self._reply(messages, sampling)
            except (Fault, CallFailed) as error:
                bill.usage = error.usage or Usage()
                raise
            bill.usage = None if completion.usage.completion is None else completion.usage
        if completion.usage.prompt is not None:
            self._sizes.learn(messages, completion.usage.prompt)
        return completion

    async def _reply(self, messages: Messages, sampling: Sampling) -> Completion:
        """What the function gives, and its exceptions as the contract says; a `Fault` is worth another attempt."""
        limit = asyncio.timeout(self.endpoint.timeout)
        try:
            async with limit:
                return whole(_completion(await self._called(messages, sampling)))
        except TryAgain as error:
            kind = FaultKind.BUSY if error.busy else FaultKind.RETRY
            raise Fault(kind, "failed attempt", str(error), wait=error.wait) from error
        except CallAbandoned as error:  # of a run within the function, perhaps: it is not this run that stops
            raise CallFailed(str(error)) from error
        except RSAError:  # some of these are of a kind that `retry_on` may name, such as ValueError
            raise
        except TimeoutError as error:
            own = str(error) or "the function raised TimeoutError"
            told = f"no reply within {self.endpoint.timeout:g} s" if limit.expired() else own
            raise Fault(FaultKind.TIMEOUT, "time limit", told) from error
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            raise Fault(FaultKind.RETRY, "failed attempt", "the function cancelled itself") from error
        except self._retried as error:
            raise Fault(FaultKind.RETRY, "failed attempt", f"{type(error).__name__}: {error}") from error

    def _called(self, messages: Messages, sampling: Sampling) -> Awaitable[str | Completion]:
        reply = self.endpoint.function([dict(message) for message in messages], sampling)
        if inspect.isawaitable(reply):
            return reply
        remedy = "write it with async def, and call what blocks with await asyncio.to_thread(...)"
        if inspect.isasyncgen(reply):
            remedy = "return the whole reply, and yield nothing"
        raise UsageError(
            f"{self.model} must be an async function that returns the reply, but it gave {type(reply).__name__!r}: {remedy}"
        )

    async def _most_tokens(self, messages: Messages, purse: Purse) -> int:
        """What a prompt has at most; 0 where `purse` does not count tokens."""
        if not purse.counts_tokens:
            return 0
        count = await self.count_tokens(messages)
        return self._sizes.most(messages) if count is None else count


async def _as_it_is(_: Fault) -> None:
    return None


def _is_cancelled() -> bool:
    """Whether the running task was asked to end, by whoever waits for it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _completion(reply: Any) -> Completion:
    """A reply that no file and no prompt stumbles over. Raises `UsageError` for what is none."""
    if isinstance(reply, str):
        return Completion(unspoilt(reply))
    if not isinstance(reply, Completion) or not isinstance(reply.text, str):
        raise UsageError(f"an adapter gives a text or an rsa.Completion with a text, not {reply!r:.100}")
    if not isinstance(reply.usage, Usage):
        raise UsageError(f"a completion's usage is an rsa.Usage, rsa.Usage() where nobody counted, not {reply.usage!r:.100}")
    for name, count in asdict(reply.usage).items():
        if count is not None and (not isinstance(count, int) or count < 0):
            raise UsageError(f"usage.{name} is a number of tokens, or None where nobody counted, not {count!r:.100}")
    if not isinstance(reply.reasoning, str | None):
        raise UsageError(f"a completion's reasoning is a text, or None, not {reply.reasoning!r:.100}")
    for name in ("finish_reason", "model"):
        if not isinstance(getattr(reply, name), str):
            raise UsageError(f"a completion's {name} is a text, not {getattr(reply, name)!r:.100}: leave it out if unknown")
    return replace(reply, text=unspoilt(reply.text), reasoning=unspoilt(reply.reasoning or "") or None)
