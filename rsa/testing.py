"""The contract of `rsa.Adapter` as checks that you run on an adapter of your own.

`check_adapter(llm)` makes some twenty short calls and raises `AdapterBroken` with everything that is to be repaired. What
the model can do does not matter, only whether calls, replies and errors are as a run needs them:

    def test_my_adapter():
        rsa.testing.check_adapter(my_llm)

`CHECKS` has each by its name. A check that the model cannot be asked for, such as `stop` where it knows no stop texts, is
left out with `leave_out=("stop",)`. What a function raises against the contract passes as it is, with the name of the
check.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from itertools import pairwise
from types import MappingProxyType

from rsa.blocking import run_anywhere
from rsa.endpoint import Adapter, CallableClient, CallableEndpoint, Messages, Sampling, callable_endpoint
from rsa.errors import CallFailed, ContextOverflow, EndpointRefused, RSAError, UsageError
from rsa.text import did_you_mean

__all__ = ["CHECKS", "AdapterBroken", "Check", "acheck_adapter", "check_adapter"]

_SHORT = Sampling(max_tokens=48)
_FEW = 6  # tokens
_LONGEST_TOKEN = 32  # characters; longer ones are rare in what people write
_DRAWS = 4
_AT_A_TIME = 4
_STORY = "Tell a long story about a lighthouse."
_TEXTS = (
    "na\u00efve \u6f22\u5b57 \u0440\u0443\u0441 \u05e2\u05d1\u05e8 \U0001f9ea "
    '$\\boxed{\\frac{1}{2}}$ <b>&amp;</b> "quoted" {{braces}}\n\ttab'
)
_BLOCKED_SECONDS = 0.2
_BLOCKED_SHARE = 0.5
_TURN_SECONDS = 0.01
_ENDS_SECONDS = 10.0
_CLOSE = 0.05  # of a prompt's length
_TOUCH = 8  # tokens


class AdapterBroken(RSAError, AssertionError):
    """An adapter does not keep the contract of `rsa.Adapter`. The message has every check that failed and the remedy."""


Check = Callable[[CallableClient], Awaitable[str | None]]
"""Raises `AdapterBroken`; gives a remark where it could not find out, else None."""


def _user(text: str) -> Messages:
    return ({"role": "user", "content": text},)


async def _reply(client: CallableClient) -> None:
    """A plain question is answered with a text."""
    await client.complete(_user("Say hello."), _SHORT, 1)


async def _conversation(client: CallableClient) -> str | None:
    """A system message and earlier turns are sent too."""
    system = {"role": "system", "content": f"You answer in one sentence. {_TEXTS} " * 8}
    turns = (*_user("Think of a number."), {"role": "assistant", "content": "I have one."}, *_user("Which?"))
    bare = (await client.complete(turns[-1:], _SHORT, 1)).usage.prompt
    whole = (await client.complete((system, *turns), _SHORT, 1)).usage.prompt
    without = (await client.complete(turns, _SHORT, 1)).usage.prompt
    if bare is None or whole is None or without is None:
        return "usage.prompt is unknown, so nobody can say whether system messages and earlier turns are sent"
    if whole <= without:
        raise AdapterBroken("the prompt is no longer with a system message: send it too (some APIs take it as a field)")
    if without <= bare:
        raise AdapterBroken("the prompt is no longer with earlier turns: send all messages, not only the last one")
    return None


async def _unicode(client: CallableClient) -> None:
    """Any text may be in a prompt: other scripts, emoji, LaTeX, markup, line breaks."""
    await client.complete(_user(f"Repeat this: {_TEXTS}"), _SHORT, 1)


async def _max_tokens(client: CallableClient) -> str | None:
    """`max_tokens` bounds a reply, and a reply that was cut says so."""
    try:
        completion = await client.complete(_user(_STORY), Sampling(max_tokens=_FEW), 1)
    except CallFailed as error:  # a model that thinks first may say nothing in so few
        return f"with max_tokens={_FEW} there is no reply: {error}"
    tokens = completion.usage.completion
    length = len(completion.text) + len(completion.reasoning or "")
    if (tokens or 0) > _FEW or (tokens is None and length > _FEW * _LONGEST_TOKEN):
        told = f"{tokens} tokens" if tokens else f"{length} characters"
        raise AdapterBroken(f"a reply has {told} at max_tokens={_FEW}: pass sampling.max_tokens on")
    if tokens == _FEW and completion.finish_reason != "length":
        raise AdapterBroken(
            f"a reply that was cut by max_tokens has finish_reason {completion.finish_reason!r}: give 'length', whatever "
            "the API calls it"
        )
    if completion.finish_reason == "length":
        return None
    return "it is not known whether replies that are cut say so: give finish_reason='length' where max_tokens ends a reply"


async def _stop(client: CallableClient) -> None:
    """`stop` ends a reply."""
    sampling = Sampling(max_tokens=48, stop=("e",))
    try:
        completion = await client.complete(_user(_STORY), sampling, 1)
    except CallFailed:
        return  # it began with the stop text, so nothing was left of it
    if "e" in completion.text:
        raise AdapterBroken("a reply goes on beyond a stop text: pass sampling.stop on")


async def _seeds(client: CallableClient) -> str | None:
    """Calls with different seeds are different draws; whether one seed draws the same again is only remarked."""
    sampling = Sampling(max_tokens=24)
    texts = [(await client.complete(_user(_STORY), sampling, seed)).text for seed in range(1, _DRAWS + 1)]
    if len(set(texts)) == 1:
        raise AdapterBroken(
            f"{_DRAWS} calls with different seeds gave the same reply: pass sampling.temperature and sampling.seed on, and "
            "cache nothing"
        )
    again = (await client.complete(_user(_STORY), sampling, 1)).text
    return None if again == texts[0] else "the same seed does not give the same reply, so runs cannot be repeated exactly"


async def _usage(client: CallableClient) -> str | None:
    """Counts can be true, and are None where nobody counted."""
    usage = (await client.complete(_user("Count to ten."), _SHORT, 1)).usage
    for name, count in (("prompt", usage.prompt), ("completion", usage.completion)):
        if count == 0:
            raise AdapterBroken(f"usage.{name} is 0 for a call that had a text: give None where it is not known")
    if (usage.cached or 0) > (usage.prompt or 0) and usage.prompt is not None:
        raise AdapterBroken(f"usage.cached is part of usage.prompt, but {usage.cached} is more than {usage.prompt}")
    if usage.prompt is None or usage.completion is None:
        return "usage is not known, so a budget of tokens takes every call at its worst case"
    return None


async def _counter(client: CallableClient) -> str | None:
    """The counter counts what the model does."""
    messages = _user(f"{_TEXTS} {_STORY} " * 4)
    counted = await client.count_tokens(messages)
    if counted is None:
        return "there is no counter, so a prompt that is too long is found out by the call"
    told = (await client.complete(messages, _SHORT, 1)).usage.prompt
    if told is not None and abs(counted - told) > max(_TOUCH, _CLOSE * told):
        raise AdapterBroken(f"the counter says {counted} tokens of a prompt of {told}: count with the model's chat template")
    return None


async def _overflow(client: CallableClient) -> str | None:
    """A prompt that is too long is a `ContextOverflow`."""
    context = client.endpoint.context
    if context is None:
        return "the context window is not known (context=), so nothing longer was tried"
    try:
        await client.complete(_user("word " * context), _SHORT, 1)
    except ContextOverflow:
        return None
    except CallFailed as error:
        raise AdapterBroken(f"a prompt that is too long must raise rsa.ContextOverflow, not: {error}") from error
    raise AdapterBroken(f"a prompt of {context} words was answered in a context of {context} tokens: is it cut on the way?")


async def _concurrency(client: CallableClient) -> None:
    """Several calls are made at a time, and the event loop goes on meanwhile."""
    turns = [time.monotonic()]
    watching = asyncio.ensure_future(_watch(turns))
    try:
        await asyncio.gather(
            *(client.complete(_user(f"Say {number}."), _SHORT, number) for number in range(1, _AT_A_TIME + 1))
        )
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    turns.append(time.monotonic())
    still = sum(gap for gap in (after - before for before, after in pairwise(turns)) if gap > _BLOCKED_SECONDS)
    if still > _BLOCKED_SHARE * (turns[-1] - turns[0]):
        raise AdapterBroken(
            f"the event loop stood still for {still:.1f} s during {_AT_A_TIME} calls: use the API's async client, or await "
            "asyncio.to_thread(...)"
        )


async def _watch(turns: list[float]) -> None:
    """Note the times at which the event loop turns, until cancelled."""
    while True:
        await asyncio.sleep(_TURN_SECONDS)
        turns.append(time.monotonic())


async def _cancellation(client: CallableClient) -> str | None:
    """A call that is cancelled ends."""
    call = asyncio.ensure_future(client.complete(_user(_STORY), Sampling(max_tokens=512), 1))
    await asyncio.sleep(_TURN_SECONDS)
    if call.done():
        call.result()
        return "the call was over before it could be cancelled"
    call.cancel()
    done, _ = await asyncio.wait([call], timeout=_ENDS_SECONDS)
    if not done:
        raise AdapterBroken(f"a cancelled call goes on for more than {_ENDS_SECONDS:g} s: let asyncio.CancelledError pass")
    if not call.cancelled():
        call.exception()
        raise AdapterBroken("a cancelled call does not end as cancelled: let asyncio.CancelledError pass")
    return None


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "reply": _reply,
        "conversation": _conversation,
        "unicode": _unicode,
        "max_tokens": _max_tokens,
        "stop": _stop,
        "seeds": _seeds,
        "usage": _usage,
        "counter": _counter,
        "overflow": _overflow,
        "concurrency": _concurrency,
        "cancellation": _cancellation,
    }
)
"""Every check by its name."""

_LOOPS = "loops"
_NAMES = (*CHECKS, _LOOPS)


async def acheck_adapter(llm: CallableEndpoint | Adapter, leave_out: Collection[str] = ()) -> tuple[str, ...]:
    """Run every check on an adapter in the running event loop; gives remarks about what could not be found out.

    Raises `AdapterBroken` with all that is to be repaired, and `UsageError` for a check that is not there.
    """
    for name in leave_out:
        if name not in _NAMES:
            raise UsageError(f"leave_out: there is no check {name!r}{did_you_mean(name, _NAMES)}")
    broken: dict[str, str] = {}  # each once, with the check that first found it
    remarks: list[str] = []
    async with callable_endpoint(llm).connect() as client:
        for name, check in CHECKS.items():
            if name in leave_out:
                continue
            try:
                remark = await check(client)
            except (AdapterBroken, CallFailed, UsageError) as error:
                if isinstance(error, EndpointRefused):
                    raise
                broken.setdefault(str(error), name)
            except Exception as error:
                error.add_note(f"This was in the check {name!r} of rsa.testing: {(check.__doc__ or '').strip()}")
                raise
            else:
                remarks += [f"{name}: {remark}"] if remark else []
    if broken:
        found = (f"{name}: {told}" for told, name in broken.items())
        raise AdapterBroken("\n".join(["the adapter does not keep the contract of rsa.Adapter:", *found]))
    return tuple(remarks)


def check_adapter(llm: CallableEndpoint | Adapter, leave_out: Collection[str] = ()) -> tuple[str, ...]:
    """`acheck_adapter` for synchronous code. It also tries a second event loop, as every `rsa.run` has its own.

    That last check is `loops`. An adapter that belongs to one loop, such as vLLM in this process, is for `rsa.arun`: check
    it with `acheck_adapter`.
    """
    remarks = run_anywhere(acheck_adapter(llm, leave_out))
    if _LOOPS not in leave_out:
        try:
            run_anywhere(_anew(llm))
        except RuntimeError as error:
            raise AdapterBroken(
                f"{_LOOPS}: the adapter works in one event loop only ({error}), but every rsa.run has a loop of its own: "
                "make the API's client within the call, or use await rsa.arun(...)"
            ) from error
    return remarks


async def _anew(llm: CallableEndpoint | Adapter) -> None:
    async with callable_endpoint(llm).connect() as client:
        await _concurrency(client)
