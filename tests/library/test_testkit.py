"""The test kit for adapters finds every break of the contract, and nothing in an adapter that keeps it."""

import asyncio
import hashlib
import json
import time

import pytest

import rsa
from rsa.testing import CHECKS, AdapterBroken, acheck_adapter, check_adapter

CONTEXT = 4096


async def words(messages) -> int:
    return sum(len(message["content"].split()) + 2 for message in messages)


async def sound(messages, sampling):
    """A model of words: what it says depends on the whole call, and ends by all the rules."""
    await asyncio.sleep(0)
    prompt = await words(messages)
    if prompt + sampling.max_tokens > CONTEXT:
        raise rsa.ContextOverflow(f"{prompt} tokens")
    digits = hashlib.sha256(json.dumps([messages, sampling.seed]).encode()).hexdigest()
    said = [f"word{digit}" for digit in digits][: sampling.max_tokens]
    text = " ".join(said)
    cut = len(said) == sampling.max_tokens
    for stop in sampling.stop:
        text = text.split(stop)[0]
    return rsa.Completion(text, "length" if cut else "stop", usage=rsa.Usage(prompt, None, len(said)))


def changed(change):
    """The sound adapter with another reply."""

    async def adapter(messages, sampling):
        return change(await sound(messages, sampling), messages, sampling)

    return adapter


def asked_otherwise(change):
    """The sound adapter that is not given all that is to be passed on."""

    async def adapter(messages, sampling):
        return await sound(*change(messages, sampling))

    return adapter


def systems(messages):
    return [message for message in messages if message["role"] == "system"]


def beginnings(messages):
    return [{**message, "content": message["content"][:99]} for message in messages]


def with_usage(**counts):
    def change(reply, messages, sampling):
        usage = {"prompt": reply.usage.prompt, "cached": None, "completion": reply.usage.completion, **counts}
        return rsa.Completion(reply.text, reply.finish_reason, usage=rsa.Usage(**usage))

    return changed(change)


def without(field):
    settings = {"seed": 7, "max_tokens": 64, "stop": ()}

    def change(messages, sampling):
        fields = {name: getattr(sampling, name) for name in settings}
        return messages, rsa.Sampling(**{**fields, field: settings[field]})

    return asked_otherwise(change)


async def swallowing(messages, sampling):
    try:
        await asyncio.sleep(60 if sampling.max_tokens > 100 else 0)
    except asyncio.CancelledError:
        return "never mind"
    return await sound(messages, sampling)


async def blocking(messages, sampling):
    if messages[-1]["content"].startswith("Say "):
        time.sleep(0.3)  # noqa: ASYNC251 - what is to be found
    return await sound(messages, sampling)


async def refusing_too_long(messages, sampling):
    try:
        return await sound(messages, sampling)
    except rsa.ContextOverflow as error:
        raise rsa.CallFailed(str(error)) from error


async def refusing_unicode(messages, sampling):
    if not messages[-1]["content"].isascii():
        raise rsa.CallFailed("latin-1 only")
    return await sound(messages, sampling)


async def one_more(messages):
    return await words(messages) * 2


BROKEN = {
    "reply": (changed(lambda reply, *_: rsa.Completion(reply.text, None)), "finish_reason is a text, not None"),
    "conversation: system": (
        asked_otherwise(lambda messages, sampling: (messages[len(systems(messages)) :], sampling)),
        "no longer with a system message",
    ),
    "conversation: turns": (
        asked_otherwise(lambda messages, sampling: (systems(messages) + messages[-1:], sampling)),
        "no longer with earlier turns",
    ),
    "unicode": (refusing_unicode, "latin-1 only"),
    "max_tokens": (without("max_tokens"), "64 tokens at max_tokens=6: pass sampling.max_tokens on"),
    "max_tokens: uncounted": (
        changed(lambda reply, *_: " ".join(["word"] * 400)),
        "1999 characters at max_tokens=6",
    ),
    "max_tokens: untold": (
        changed(lambda reply, *_: rsa.Completion(reply.text, "max_tokens", usage=reply.usage)),
        "give 'length', whatever the API calls it",
    ),
    "stop": (without("stop"), "beyond a stop text: pass sampling.stop on"),
    "seeds": (without("seed"), "different seeds gave the same reply"),
    "usage: zero": (with_usage(completion=0), "usage.completion is 0 for a call that had a text"),
    "reply: usage": (with_usage(cached="3"), "usage.cached is a number of tokens, or None"),
    "reply: none": (changed(lambda *_: None), "a text or an rsa.Completion with a text, not None"),
    "usage: cached": (with_usage(cached=10_000), "10000 is more than"),
    "counter": (rsa.CallableEndpoint(sound, counter=one_more), "count with the model's chat template"),
    "overflow": (rsa.CallableEndpoint(refusing_too_long, context=CONTEXT), "must raise rsa.ContextOverflow, not: "),
    "overflow: cut": (
        rsa.CallableEndpoint(asked_otherwise(lambda messages, sampling: (beginnings(messages), sampling)), context=99),
        "is it cut on the way",
    ),
    "concurrency": (blocking, r"the event loop stood still for 1\.\d s during 4 calls"),
    "cancellation": (swallowing, "does not end as cancelled: let asyncio.CancelledError pass"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_break_is_found(name):
    adapter, says = BROKEN[name]
    with pytest.raises(AdapterBroken, match=says) as found:
        check_adapter(adapter)
    assert f"\n{name.split(':')[0]}: " in str(found.value)


def test_a_break_that_every_check_meets_is_told_once():
    with pytest.raises(AdapterBroken) as found:
        check_adapter(changed(lambda *_: None))
    assert str(found.value).count("not None") == 1


def test_a_wrong_key_is_no_break_of_the_contract():
    async def locked(messages, sampling):
        raise rsa.EndpointRefused("wrong key")

    with pytest.raises(rsa.EndpointRefused, match="wrong key"):
        check_adapter(locked)


def test_nothing_is_found_in_an_adapter_that_keeps_the_contract():
    remarks = check_adapter(rsa.CallableEndpoint(sound, context=CONTEXT, counter=words))
    assert remarks == ("cancellation: the call was over before it could be cancelled",)


def test_what_cannot_be_found_out_is_remarked():
    async def curt(messages, sampling):
        return (await sound(messages, sampling)).text

    remarks = [remark.split(":")[0] for remark in check_adapter(curt)]
    assert remarks == ["conversation", "max_tokens", "usage", "counter", "overflow", "cancellation"]


def test_every_check_has_a_broken_adapter_and_a_purpose():
    assert {name.split(":")[0] for name in BROKEN} == set(CHECKS)
    assert all(check.__doc__ for check in CHECKS.values())


def of_one_loop():
    lock = asyncio.Lock()

    async def bound(messages, sampling):
        async with lock:
            await asyncio.sleep(0)
            return await sound(messages, sampling)

    return bound


def test_an_adapter_for_one_loop_only_is_found_and_may_be_left_so():
    with pytest.raises(AdapterBroken, match=r"loops: the adapter works in one event loop only \(.*different event loop"):
        check_adapter(of_one_loop())
    check_adapter(of_one_loop(), leave_out=("loops",))


async def test_checks_run_in_a_running_loop_and_may_be_left_out():
    with pytest.raises(AdapterBroken, match="stop: "):
        await acheck_adapter(without("stop"))
    await acheck_adapter(without("stop"), leave_out=("stop",))
    with pytest.raises(rsa.UsageError, match="there is no check 'stops'; did you mean 'stop'"):
        await acheck_adapter(sound, leave_out=("stops",))


def test_an_exception_against_the_contract_passes_with_the_name_of_its_check():
    async def wrong(messages, sampling):
        return messages[2]

    with pytest.raises(IndexError) as found:
        check_adapter(wrong)
    assert "the check 'reply'" in found.value.__notes__[0]
