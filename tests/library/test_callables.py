"""Bring your own model: an async function of messages and sampling in the place of an endpoint."""

import asyncio
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

import rsa
from rsa.budget import Account, Purse
from rsa.endpoint import CallableEndpoint
from tests.fake_server import boxed_digit

ASK = ({"role": "user", "content": "2+2?"},)


async def digit(messages, sampling):
    """What the fake server answers to the same call."""
    return boxed_digit({"messages": messages, "seed": sampling.seed})


def test_a_function_answers_as_a_server_does(server):
    def texts(llm) -> list[tuple]:
        result = rsa.run("How many?", llm, rsa.RSA(4, 2, 3), seed=3, system="Be brief.", need="population")
        return [(chain.text, chain.parents, chain.prompt_sha256, chain.seed) for chain in result.chains]

    assert texts(digit) == texts(rsa.Endpoint(server.url))


def test_what_the_function_gets_and_what_is_recorded_of_it():
    seen = []

    async def clever(messages, sampling):
        seen.append((messages, sampling))
        messages.clear()  # they are the call's own
        return "It is \\boxed{4}."

    result = rsa.run("2+2?", clever, rsa.Majority(3), seed=1, sampling=rsa.Sampling(temperature=0.3, stop=("x",)))
    assert {sampling.seed for _, sampling in seen} == {chain.seed for chain in result.chains}
    assert len({sampling.seed for _, sampling in seen}) == 3
    assert all(sampling.max_tokens == 8192 and sampling.temperature == 0.3 for _, sampling in seen)
    assert seen[0][1].body() == {
        "temperature": 0.3,
        "top_p": 1.0,
        "max_tokens": 8192,
        "stop": ["x"],
        "seed": seen[0][1].seed,
    }
    assert {(chain.model, chain.finish_reason, chain.status, chain.attempts) for chain in result.chains} == {
        ("clever", "unknown", rsa.Status.OK, 1)
    }


def test_unknown_usage_stays_unknown_and_known_usage_is_summed():
    async def counted(messages, sampling):
        return rsa.Completion("\\boxed{1}", "stop", usage=rsa.Usage(10, 4, 3))

    assert rsa.run("Q?", digit, rsa.Majority(2)).usage == rsa.Usage(None, None, None)
    assert rsa.run("Q?", counted, rsa.Majority(2)).usage == rsa.Usage(20, 8, 6)


def test_what_a_completion_says_of_itself_is_recorded():
    async def thinking(messages, sampling):
        return rsa.Completion("\\boxed{1} \ud800", "length", reasoning="Hm.", model="thinker-2")

    chain = rsa.run("Q?", thinking, rsa.Sample()).chosen
    assert (chain.text, chain.reasoning, chain.model) == ("\\boxed{1} ?", "Hm.", "thinker-2")
    assert chain.status is rsa.Status.TRUNCATED


def test_a_listener_is_told_the_whole_reply():
    told = []

    async def call():
        async with CallableEndpoint(digit).connect() as client:
            return await client.complete(ASK, rsa.Sampling(), 1, listener=lambda *piece: told.append(piece))

    text = asyncio.run(call()).text
    assert told == [(text, "")]


async def yielding(messages, sampling):
    yield "\\boxed{1}"


class Model:
    async def __call__(self, messages, sampling):
        return "\\boxed{1}"

    ask = __call__


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda messages, sampling: "x", r"must be an async function .* gave 'str': write it with async def"),
        (yielding, "gave 'async_generator': return the whole reply, and yield nothing"),
        (Model, "not <class '.*Model'>: give an instance of it"),
        (None, "not None"),
        ("http://localhost:8000/v1", r"such as rsa.Endpoint\('http://localhost:8000/v1'\)"),
    ],
)
def test_what_is_no_adapter_is_told(function, says):
    with pytest.raises(rsa.UsageError, match=says):
        rsa.run("Q?", function, rsa.Sample())


async def nothing(messages, sampling):
    return None


def test_a_reply_that_is_none_is_told():
    with pytest.raises(rsa.UsageError, match=r"a text or an rsa\.Completion with a text, not None"):
        rsa.run("Q?", nothing, rsa.Sample())


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"usage": None}, r"usage is an rsa\.Usage, rsa\.Usage\(\) where nobody counted, not None"),
        ({"usage": {"prompt": 1}}, r"usage is an rsa\.Usage"),
        ({"usage": rsa.Usage("1", None, 2)}, "usage.prompt is a number of tokens, or None where nobody counted, not '1'"),
        ({"usage": rsa.Usage(1, None, -2)}, "usage.completion is a number of tokens"),
        ({"usage": rsa.Usage(1, 0.5, 2)}, "usage.cached is a number of tokens"),
        ({"reasoning": 7}, "reasoning is a text, or None, not 7"),
        ({"finish_reason": None}, "finish_reason is a text, not None: leave it out if unknown"),
        ({"model": None}, "model is a text, not None"),
    ],
)
def test_a_completion_that_cannot_be_is_told(fields, says):
    async def wrong(messages, sampling):
        return rsa.Completion("\\boxed{1}", **fields)

    with pytest.raises(rsa.UsageError, match=says):
        rsa.run("Q?", wrong, rsa.Sample(), budget=rsa.Budget(tokens=100_000))


@pytest.mark.parametrize("function", [Model(), Model().ask, partial(Model().ask), lambda *call: Model().ask(*call)])
def test_whatever_gives_something_to_await_is_a_model(function):
    assert rsa.run("Q?", function, rsa.Sample()).answer == "1"


def test_runs_side_by_side_share_an_endpoint_and_nothing_else():
    llm = CallableEndpoint(digit, max_concurrency=2)
    alone = rsa.run("Q?", llm, rsa.RSA(4, 2, 3)).text

    async def both():
        return await asyncio.gather(*(rsa.arun("Q?", llm, rsa.RSA(4, 2, 3)) for _ in range(3)))

    assert {result.text for result in asyncio.run(both())} == {alone}
    with ThreadPoolExecutor(4) as threads:
        assert {*threads.map(lambda _: rsa.run("Q?", llm, rsa.RSA(4, 2, 3)).text, range(8))} == {alone}


@pytest.mark.parametrize(
    "options", [{"max_concurrency": 0}, {"timeout": 0}, {"retries": -1}, {"context": 0}], ids=lambda each: next(iter(each))
)
def test_impossible_limits_of_a_function_are_refused(options):
    with pytest.raises(rsa.UsageError, match=next(iter(options))):
        CallableEndpoint(digit, **options)


def test_no_more_calls_are_in_flight_than_are_allowed():
    in_flight, most = 0, 0

    async def watched(messages, sampling):
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        for _ in range(3):
            await asyncio.sleep(0)
        in_flight -= 1
        return "\\boxed{1}"

    rsa.run(["Q?", "R?"], CallableEndpoint(watched, max_concurrency=3), rsa.Majority(8))
    assert most == 3


def test_the_time_limit_cancels_the_function():
    ended = []

    async def endless(messages, sampling):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(rsa.RunFailed, match=r"endless: no reply within 0.01 s \(tried 1 times\)"):
        rsa.run("Q?", CallableEndpoint(endless, timeout=0.01, retries=0), rsa.Majority(2))
    assert len(ended) == 2


async def test_cancelling_a_run_cancels_the_function():
    started, ended = asyncio.Event(), []

    async def endless(messages, sampling):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    running = asyncio.ensure_future(rsa.arun("Q?", endless, rsa.Majority(4)))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(ended) == 4


async def characters(messages):
    return sum(len(message["content"]) for message in messages)


def test_prompts_are_fitted_where_the_window_is_known_and_counted():
    longest = 0

    async def wordy(messages, sampling):
        nonlocal longest
        longest = max(longest, await characters(messages))
        return "word " * 400 + "\\boxed{1}"

    llm = CallableEndpoint(wordy, context=3000, counter=characters)
    sampling = rsa.Sampling(max_tokens=100)
    result = rsa.run("Q?", llm, rsa.RSA(3, 2, 2), sampling=sampling, on_overflow="tail")
    assert longest <= 2900
    assert result.chosen.overflow["rule"] == "tail"
    with pytest.raises(rsa.RunFailed, match=r"the context window holds 3000"):
        rsa.run("Q?", llm, rsa.RSA(3, 2, 2), sampling=sampling)


def test_prompts_are_shortened_where_only_the_function_knows():
    async def narrow(messages, sampling):
        if await characters(messages) > 3000:
            raise rsa.ContextOverflow("too long")
        return "word " * 400 + "\\boxed{1}"

    result = rsa.run("Q?", narrow, rsa.RSA(3, 2, 2), on_overflow="shrink_k")
    assert (result.chosen.overflow, result.chosen.attempts) == ({"rule": "shrink_k", "wanted": 2, "shown": 1}, 2)


def test_budgets_hold_and_unknown_usage_is_booked_at_its_worst():
    sampling = rsa.Sampling(max_tokens=10)
    result = rsa.run("Q?", digit, rsa.RSA(4, 2, 3), sampling=sampling, need="population", budget=rsa.Budget(calls=6))
    assert len(result.chains) == 6
    assert "6 of 6 calls are used" in result.stopped

    async def call(budget) -> int:
        account = Account("this", budget)
        async with CallableEndpoint(digit).connect() as client:
            await client.complete(ASK, sampling, 1, Purse([account]))
        return account.spent.tokens

    assert asyncio.run(call(rsa.Budget(tokens=10_000))) >= 10 + len("2+2?")


def test_texts_are_aggregated_by_a_function():
    async def reading(messages, sampling):
        return hashlib.sha256(json.dumps(messages).encode()).hexdigest() + " \\boxed{5}"

    result = rsa.aggregate("Q?", ["It is 5.", "It is 6."], reading, kind="math")
    assert (result.answer, len(result.chains)) == ("5", 3)
