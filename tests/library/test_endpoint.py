import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from rsa.chain import Usage
from rsa.endpoint.faults import FaultKind, backoff, fault_of_status, retry_after
from rsa.endpoint.retrying import Waiting
from rsa.session import open_session
from tests.fake_server import FakeServer, Trouble, message

ASK = [{"role": "user", "content": "2+2?"}]
QUICK = rsa.Sampling(max_tokens=50)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Backoff takes no time in these tests, but its lengths are recorded."""
    waits: list[float] = []

    async def quick(waiting: Waiting, seconds: float) -> None:
        waiting.check()
        waits.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(Waiting, "sleep", quick)
    return waits


async def complete(server: FakeServer, seed: int = 5, **options):
    async with rsa.Endpoint(server.url, model="fake", **options).connect() as client:
        return await client.complete(ASK, QUICK, seed)


async def test_a_reply_with_everything_in_it(server):
    server.reply = lambda body: "four"
    completion = await complete(server)
    assert (completion.text, completion.finish_reason, completion.attempts, completion.seed) == ("four", "stop", 1, 5)
    assert completion.usage == Usage(prompt=4, cached=2, completion=4)
    assert server.requests[0] == {
        "model": "fake",
        "messages": ASK,
        "temperature": 1.0,
        "top_p": 1.0,
        "max_tokens": 50,
        "seed": 5,
    }


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_is_kept_apart(server, field):
    server.script = [Trouble(body=message("4", **{field: "let me think"}))]
    completion = await complete(server)
    assert (completion.text, completion.reasoning) == ("4", "let me think")
    assert completion.usage == Usage(None, None, None)


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(429),
        Trouble(500, "boom"),
        Trouble(502),
        Trouble(503),
        Trouble(408),
        Trouble(reset=True),
        Trouble(200, "not json"),
        Trouble(200, "{}"),
        Trouble(200, '{"choices": []}'),
        Trouble(200, message("")),
        Trouble(200, message(None)),
        Trouble(200, message(" \n")),
        Trouble(200, '{"choices": [{"message": {"content": 4}}]}'),
        Trouble(200, "[1]"),
    ],
    ids=str,
)
async def test_passing_faults_are_retried(server, trouble):
    server.script = [trouble, trouble]
    completion = await complete(server)
    assert completion.attempts == 3
    assert completion.text.startswith("I think")


async def test_a_blank_reply_is_asked_for_with_another_seed(server):
    """The same seed would give the same blank reply."""
    server.script = [Trouble(503), Trouble(200, message("")), None]
    completion = await complete(server, seed=5)
    assert [body["seed"] for body in server.requests] == [5, 5, 6]
    assert completion.seed == 6


async def test_retries_end_and_the_message_says_why(server):
    server.trouble = lambda body: Trouble(500, '{"error": {"message": "out of memory"}}')
    with pytest.raises(rsa.CallFailed, match=r"HTTP 500: out of memory \(tried 3 times\)"):
        await complete(server, retries=2)
    assert len(server.requests) == 3


@pytest.mark.parametrize(("status", "calls"), [(400, 2), (401, 1), (403, 1), (404, 1), (413, 2), (422, 2)])
async def test_refusals_are_never_retried(server, status, calls):
    """Where the prompt alone may be to blame, one tiny prompt tells."""
    server.trouble = lambda body: Trouble(status, '{"error": {"message": "no"}}')
    with pytest.raises(rsa.EndpointRefused, match=f"HTTP {status}: no"):
        await complete(server)
    assert len(server.requests) == calls


async def test_a_prompt_that_alone_is_refused_is_one_failed_call_not_the_end(server):
    """A content filter, for example."""
    server.trouble = lambda body: Trouble(400, '{"error": "filtered"}') if body["messages"] == ASK else None
    with pytest.raises(rsa.CallFailed, match=r"HTTP 400: filtered \(other prompts are accepted\)"):
        await complete(server)
    assert [body["messages"][-1]["content"] for body in server.requests] == ["2+2?", "Hello"]


@pytest.mark.parametrize(
    "refused", [lambda body: body["max_tokens"] > 40, lambda body: body["messages"][0]["role"] == "system"]
)
async def test_a_refused_parameter_or_system_message_stops_at_once(server, refused):
    server.trouble = lambda body: Trouble(400, "not supported") if refused(body) else None
    async with rsa.Endpoint(server.url, model="fake").connect() as client:
        with pytest.raises(rsa.EndpointRefused, match="not supported"):
            await client.complete([{"role": "system", "content": "x"}, *ASK], QUICK, 0)


async def test_a_passing_fault_while_finding_out_is_no_refusal(server):
    server.script = [Trouble(400, "filtered"), Trouble(503)]
    server.trouble = lambda body: Trouble(400, "filtered") if body["messages"] == ASK else None
    with pytest.raises(rsa.CallFailed, match="other prompts are accepted"):
        await complete(server)


async def test_one_failure_after_the_other_means_that_the_server_is_broken(server):
    server.trouble = lambda body: Trouble(503)
    async with rsa.Endpoint(server.url, model="fake", retries=0).connect() as client:
        for seed in range(9):
            with pytest.raises(rsa.CallFailed):
                await client.complete(ASK, QUICK, seed)
        with pytest.raises(rsa.EndpointUnreachable, match="10 calls in a row failed for good"):
            await client.complete(ASK, QUICK, 9)


async def test_failed_attempts_are_paid_for(server):
    blank = json.dumps({"choices": [{"message": {"content": ""}}], "usage": {"prompt_tokens": 3, "completion_tokens": 1}})
    server.script = [Trouble(200, blank), Trouble(200, blank)]
    server.reply = lambda body: "four"
    assert (await complete(server)).usage == Usage(3 + 3 + 4, 2, 1 + 1 + 4)
    server.trouble = lambda body: Trouble(200, blank)
    with pytest.raises(rsa.CallFailed) as caught:
        await complete(server, retries=1)
    assert (caught.value.attempts, caught.value.usage) == (2, Usage(6, None, 2))


async def test_a_reply_that_was_broken_off_is_asked_for_again(server):
    server.finish_reason = lambda body: "abort" if len(server.requests) == 1 else "stop"
    assert (await complete(server)).attempts == 2


async def test_half_surrogates_never_get_in(server):
    server.script = [Trouble(body='{"choices": [{"message": {"content": "a\\ud800b"}, "finish_reason": "stop"}]}')]
    assert (await complete(server)).text == "a?b"


async def test_counting_survives_a_blip_and_gives_up_only_where_it_is_not_offered(server):
    async with open_session(rsa.Endpoint(server.url)) as session:
        server.query_script = [503]
        assert await session.counter(ASK) == 4
        server.query_script = [503] * 4
        assert await session.counter(ASK) is None  # the call itself will meet the outage
        assert await session.counter(ASK) == 4


async def test_a_busy_server_is_asked_again_for_its_models(server):
    server.query_script = [429, 503]
    async with open_session(rsa.Endpoint(server.url)) as session:
        assert session.client.endpoint.model == "fake"


async def test_models_that_are_not_listed_can_be_used_on_demand(server):
    async with open_session(rsa.Endpoint(server.url, model="fake:fast", check_model=False)) as session:
        assert session.client.endpoint.model == "fake:fast"


@pytest.mark.parametrize(
    "text",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
        '{"error": {"code": 400, "message": "too long", "type": "exceed_context_size_error"}}',
        '{"error": {"code": "context_length_exceeded", "message": "too long"}}',
        "the input token count exceeds the maximum number of tokens",
    ],
)
async def test_a_prompt_that_is_too_long_is_one_dead_chain_not_the_end(server, text):
    server.trouble = lambda body: Trouble(400, text) if body["messages"] == ASK else None
    with pytest.raises(rsa.ContextOverflow):
        await complete(server)
    assert len(server.requests) == 2  # one tiny prompt shows that others fit
    server.trouble = lambda body: Trouble(400, text)
    with pytest.raises(rsa.EndpointRefused):
        await complete(server)


async def test_every_call_has_a_time_limit_of_its_own(server):
    server.script = [Trouble(hang=True)]
    completion = await complete(server, timeout=1.0)
    assert completion.attempts == 2
    server.trouble = lambda body: Trouble(hang=True)
    with pytest.raises(rsa.CallFailed, match=r"no reply within 0.2 s \(tried 2 times\)"):
        await complete(server, timeout=0.2, retries=1)


async def test_a_server_that_is_gone_is_waited_for_until_patience_ends():
    with FakeServer() as server:
        url = server.url
    async with rsa.Endpoint(url, model="fake", patience=0.2, retries=0).connect() as client:
        with pytest.raises(rsa.EndpointUnreachable, match=r"no answer for 0.2 s: is the server running\?"):
            await client.complete(ASK, QUICK, 0)


async def test_a_server_that_comes_back_is_used_again():
    with FakeServer() as server:
        port = server.port
    waiting = asyncio.ensure_future(complete(server, patience=60, retries=0))
    await asyncio.sleep(0)
    back = FakeServer()
    back.port = port
    with back:
        assert (await waiting).text.startswith("I think")


async def test_retry_after_is_obeyed(server, no_waiting):
    server.script = [Trouble(429, headers={"Retry-After": "7"})]
    await complete(server)
    assert 7 <= no_waiting[0] < 8


def test_retry_after_reads_seconds_and_dates():
    assert retry_after("3", 0) == 3
    assert retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 20) == 40
    assert retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 90) == 0
    assert retry_after("9999", 0) == 120
    assert retry_after("soon", 0) is None
    assert retry_after("nan", 0) is retry_after("inf", 0) is None
    assert retry_after(None, 0) is None


@given(st.integers(1, 50), st.floats(0, 0.999))
def test_backoff_is_bounded(attempt, jitter):
    assert 0 <= backoff(attempt, jitter, None) <= 30
    assert backoff(attempt, jitter, 5) >= 5
    assert backoff(attempt, jitter, 0) >= backoff(attempt, jitter, None)


@given(st.integers(300, 599), st.text())
def test_every_status_is_told_in_one_short_line(status, body):
    fault = fault_of_status(status, body, None)
    assert len(fault.message) < 600
    assert "\n" not in fault.message
    assert fault.kind is not FaultKind.UNREACHABLE


async def test_no_more_calls_in_flight_than_allowed(server):
    async with rsa.Endpoint(server.url, model="fake", max_concurrency=3).connect() as client:
        await asyncio.gather(*(client.complete(ASK, QUICK, seed) for seed in range(20)))
    assert server.most_in_flight <= 3
    assert len(server.requests) == 20


async def test_cancelling_ends_the_request_at_the_server_and_frees_the_place(server):
    server.script = [Trouble(hang=True)]
    async with rsa.Endpoint(server.url, model="fake", max_concurrency=1).connect() as client:
        call = asyncio.ensure_future(client.complete(ASK, QUICK, 0))
        await asyncio.to_thread(server.hanging.wait, 60)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await client.complete(ASK, QUICK, 0)).attempts == 1
    assert server.in_flight == 0


async def test_a_quota_of_calls_is_kept_in_order(server, monkeypatch):
    """asyncio-throttle alone lets waiters overtake each other."""
    polls: list[float] = []
    sleep = asyncio.sleep

    async def poll(seconds: float) -> None:
        polls.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr("asyncio_throttle.throttler.asyncio.sleep", poll)
    async with rsa.Endpoint(server.url, model="fake", rate=rsa.Rate(3, 0.2)).connect() as client:
        await asyncio.gather(*(client.complete(ASK, QUICK, seed) for seed in range(7)))
    assert [body["seed"] for body in server.requests] == list(range(7))
    assert polls


async def test_extra_body_is_merged_and_null_removes(server):
    await complete(server, extra_body={"top_k": 5, "seed": None})
    assert server.requests[0]["top_k"] == 5
    assert "seed" not in server.requests[0]


async def test_the_key_is_sent_and_shown_nowhere(server):
    endpoint = rsa.Endpoint(server.url, model="fake", api_key="sk-secret")
    assert "sk-secret" not in repr(endpoint) + str(endpoint)
    await complete(server, api_key="sk-secret")
    assert server.headers[0]["Authorization"] == "Bearer sk-secret"
    server.trouble = lambda body: Trouble(401, '{"error": {"message": "bad key sk-secret"}}')
    with pytest.raises(rsa.EndpointRefused) as caught:
        await complete(server, api_key="sk-secret")
    assert "sk-secret" not in str(caught.value)
    assert "bad key ***" in str(caught.value)


async def test_a_short_key_does_not_change_what_the_model_says(server):
    """Local servers take EMPTY or test as a key."""
    server.reply = lambda body: "def test(): return 'EMPTY' + 'completion_tokens'"
    for key in ("test", "EMPTY", "completion_tokens"[:10]):
        completion = await complete(server, api_key=key)
        assert completion.text == "def test(): return 'EMPTY' + 'completion_tokens'"
        assert completion.usage.completion


async def test_counts_that_no_server_can_mean_are_not_taken(server):
    for count in (10**30, -5, True, 1.5):
        reply = {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 3, "completion_tokens": count}}
        server.script = [Trouble(200, json.dumps(reply))]
        assert (await complete(server)).usage == Usage(3, None, None)


async def test_a_refusal_of_everything_in_mid_run_stops_it(server):
    """A server that unloads its model, say: other prompts were accepted once, but are no more."""
    async with rsa.Endpoint(server.url, model="fake").connect() as client:
        await client.complete(ASK, QUICK, 0)
        server.trouble = lambda body: Trouble(400, "model is not loaded")
        for seed in range(4):
            with pytest.raises(rsa.CallFailed):
                await client.complete(ASK, QUICK, seed)
        with pytest.raises(rsa.EndpointRefused, match="model is not loaded"):
            await client.complete(ASK, QUICK, 4)


async def test_a_refusal_whose_cause_cannot_be_found_out_is_not_asked_for_ever(server):
    server.trouble = lambda body: Trouble(400, "filtered") if body["messages"] == ASK else Trouble(500)
    with pytest.raises(rsa.CallFailed, match="filtered"):
        await complete(server, retries=2)
    assert len(server.requests) == 6
