"""Requests that are passed on without RSA: with the endpoint's retries, and counted like all others."""

import json

import pytest

from tests.fake_server import Trouble
from tests.gateway.running import QUESTION, running_gateway

PLAIN = {"model": "fake:plain", "messages": QUESTION}


def counted(gateway, name):
    page = gateway.get("/metrics").text.splitlines()
    return next(float(line.split()[-1]) for line in page if line.startswith(f"{name} "))


@pytest.fixture
def patient(upstream):
    """A gateway that sends a failed call again."""
    with running_gateway(upstream.url, upstream={"retries": 2}) as running:
        yield running


@pytest.mark.parametrize("stream", [False, True])
def test_a_failed_call_is_sent_again(patient, upstream, stream):
    upstream.script = [Trouble(500), Trouble(reset=True)]
    reply = patient.chat({**PLAIN, "stream": stream})
    assert reply.status == 200
    assert "boxed" in reply.text
    assert len(upstream.requests) == 3
    assert counted(patient, "rsa_upstream_calls_total") == 3


def test_after_the_first_word_nothing_is_sent_again(patient, upstream):
    upstream.breaks = True
    events = patient.chat({**PLAIN, "stream": True}).events
    assert events[0]["choices"][0]["delta"]["content"] == "I "
    assert events[-1]["error"]["code"] == "upstream_failed"
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("said", [[], ["6 times 7 "]])
def test_a_stream_that_ends_too_early_is_no_answer(patient, upstream, said):
    """Where the model server dies and its connection just ends."""
    events = [f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text}}]})}\n\n" for text in said]
    upstream.script = [Trouble(200, "".join(events))]
    reply = patient.chat({**PLAIN, "stream": True})
    assert len(upstream.requests) == (1 if said else 2)
    if said:
        assert "without a finish_reason" in reply.events[-1]["error"]["message"]
    else:
        assert "boxed" in reply.text


def test_out_of_retries_the_last_failure_is_told(patient, upstream):
    upstream.trouble = lambda body: Trouble(500, "out of memory")
    reply = patient.chat(PLAIN)
    assert (reply.status, reply.json["error"]["code"]) == (502, "upstream_failed")
    assert "out of memory (tried 3 times)" in reply.json["error"]["message"]
    assert len(upstream.requests) == counted(patient, "rsa_upstream_calls_total") == 3


@pytest.mark.parametrize(("status", "told"), [(400, 400), (422, 400), (401, 502), (404, 502)])
def test_what_the_upstream_refuses_is_not_sent_again(patient, upstream, status, told):
    upstream.trouble = lambda body: Trouble(status, "no")
    assert patient.chat(PLAIN).status == told
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("asked", [None, {"include_usage": False}, {"include_usage": True}])
def test_the_usage_of_a_stream_is_counted_and_told_to_who_asks(upstream, asked):
    with running_gateway(upstream.url) as gateway:
        reply = gateway.chat({**PLAIN, "stream": True, **({"stream_options": asked} if asked else {})})
        assert upstream.requests[0]["stream_options"] == {"include_usage": True}
        completion = upstream._completion(upstream.requests[0])["usage"]["completion_tokens"]
        assert counted(gateway, 'rsa_tokens_total{kind="completion"}') == completion
    assert any(event.get("usage") for event in reply.events) == (asked == {"include_usage": True})


def test_no_seed_and_no_run_is_told_where_there_is_none(gateway, upstream):
    headers = gateway.chat(PLAIN).headers
    assert headers["x-rsa-plan"] == "plain"
    assert not {"x-rsa-seed", "x-rsa-run", "x-rsa-note"} & set(headers)


def test_the_turns_of_a_conversation_stay_on_one_of_several_servers(gateway, upstream):
    answered = [*QUESTION, {"role": "assistant", "content": "42"}, {"role": "user", "content": "Sure?"}]
    for messages in (QUESTION, answered, answered[2:]):
        gateway.chat({**PLAIN, "messages": messages})
    first, second, other = (headers["X-Session-ID"] for headers in upstream.headers)
    assert first == second != other
