"""Streamed answers: progress, then the answer's own tokens while the upstream writes them."""

import json
import threading
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsa.endpoint.faults import Fault
from rsa.endpoint.streaming import read_stream
from tests.fake_server import Trouble
from tests.gateway.running import QUESTION, SMALL, running_gateway


def text_of(events):
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])


def reasoning_of(events):
    return "".join(choice["delta"].get("reasoning_content") or "" for event in events for choice in event["choices"])


def test_progress_then_the_answer_then_the_usage(gateway, upstream):
    upstream.reply = lambda body: "I think that it is \\boxed{42}"
    reply = gateway.chat(stream=True, stream_options={"include_usage": True}, rsa={"n": 4, "k": 2, "steps": 2})
    events = reply.events
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert text_of(events) == "I think that it is \\boxed{42}"
    assert reasoning_of(events).splitlines()[:2] == ["step 1 of 2, 1 of 2 chains", "step 2 of 2, 0 of 1 chains"]
    assert [event["choices"][0]["finish_reason"] for event in events if event["choices"]][-1] == "stop"
    usage = events[-1]["usage"]
    assert all(event["usage"] is None for event in events[:-1])
    assert usage["rsa_details"]["calls"] == len(upstream.requests) == 3
    assert usage["completion_tokens"] == 3 * len("I think that it is \\boxed{42}")
    assert [body["messages"] == QUESTION for body in upstream.streamed] == [False]
    assert reply.headers["x-rsa-run"] == events[-1]["rsa"]["run"]


def test_agreement_is_told(gateway, upstream):
    upstream.reply = lambda body: "\\boxed{42}"
    events = gateway.chat(stream=True, rsa={"n": 4, "k": 2, "steps": 2, "select": "majority"}).events
    assert "step 1 of 2, 3 of 4 chains, 3 agree on 42" in reasoning_of(events)
    assert text_of(events) == "\\boxed{42}"
    assert upstream.streamed == []


def test_the_tokens_are_live(gateway, upstream):
    upstream.hold = threading.Event()
    connection = gateway.connection()
    connection.request(
        "POST", "/v1/chat/completions", json.dumps({"model": "fake", "messages": QUESTION, "rsa": SMALL, "stream": True})
    )
    response = connection.getresponse()
    seen = ""
    while "that" not in seen:  # the upstream has not said its last word, and will not before we have these
        seen += response.readline().decode()
    assert "boxed" not in seen
    upstream.hold.set()
    assert "boxed" in response.read().decode()
    connection.close()


def test_streamed_and_whole_answers_are_the_same(gateway, upstream):
    whole = gateway.chat(seed=11).json["choices"][0]["message"]["content"]
    assert text_of(gateway.chat(seed=11, stream=True).events) == whole
    several = gateway.chat(seed=11, n=3).json["choices"]
    streamed = gateway.chat(seed=11, n=3, stream=True).events
    for choice in several:
        parts = [
            each["delta"].get("content") or ""
            for event in streamed
            for each in event["choices"]
            if each["index"] == choice["index"]
        ]
        assert "".join(parts) == choice["message"]["content"]


def test_the_next_in_line_answers_where_the_first_dies_before_it_said_anything(gateway, upstream):
    troubles = [Trouble(500)]

    def once(body):
        return troubles.pop() if body.get("stream") and troubles else None

    upstream.trouble = once
    events = gateway.chat(stream=True, stream_options={"include_usage": True}).events
    assert "boxed" in text_of(events)
    assert events[-1]["usage"]["rsa_details"]["dead_chains"] == 1


@pytest.mark.parametrize("model", ["fake", "fake:plain"])
def test_an_answer_that_breaks_off_is_told_as_an_error(gateway, upstream, model):
    upstream.breaks = True
    body = {"model": model, "messages": QUESTION, "stream": True, **({"rsa": SMALL} if model == "fake" else {})}
    reply = gateway.chat(body)
    events = reply.events
    assert reply.status == 200
    assert "error" in events[-1]
    assert events[-1]["error"]["code"] == "upstream_failed"
    assert "I think" in text_of(events[:-1])


def test_plain_streams_are_passed_on(gateway, upstream):
    events = gateway.chat({"model": "fake:plain", "messages": QUESTION, "stream": True}).events
    assert "boxed" in text_of(events)
    assert [event["model"] for event in events] == ["fake"] * len(events)


def test_a_long_silence_is_filled_with_comments(upstream):
    go = threading.Event()
    with running_gateway(upstream.url, stream={"keep_alive": 0.02, "progress": False}) as gateway:
        upstream.trouble = lambda body: Trouble(hang=True) if not go.is_set() else None
        connection = gateway.connection()
        connection.request(
            "POST", "/v1/chat/completions", json.dumps({"model": "fake", "messages": QUESTION, "stream": True})
        )
        response = connection.getresponse()
        assert [response.readline() for _ in range(4)] == [b": keep-alive\n", b"\n"] * 2
        connection.close()


def chunk(text):
    return {"choices": [{"delta": {"content": text}}]}


LAST = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


async def pieces_of(content, cuts):
    places = sorted({0, *(cut % (len(content) + 1) for cut in cuts), len(content)})
    for start, end in pairwise(places):
        yield content[start:end]


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=5), st.lists(st.integers(0, 10**6), max_size=20))
async def test_however_the_bytes_are_cut_the_same_is_read(texts, cuts):
    lines = [f"data: {json.dumps(chunk(text), ensure_ascii=False)}\r\n\n" for text in texts]
    content = "".join([": comment\n\n", *lines, f"data: {json.dumps(LAST)}\n\n", "data: [DONE]\n\n"])
    heard = []
    done = await read_stream(
        pieces_of(content.encode(), cuts), lambda line: line.decode(), lambda text, _: heard.append(text)
    )
    assert heard == texts
    assert (done.text, done.finish_reason, done.usage.prompt, done.usage.completion) == ("".join(texts), "stop", 3, 2)


async def test_a_long_stream_takes_little_more_room_than_its_text():
    count, block = 20_000, 1000
    event = f"data: {json.dumps(chunk('four'))}\n\n".encode()
    held = []

    async def content():
        for _ in range(count // block):
            yield event * block  # as from a server that is far ahead
            held.append(tracemalloc.get_traced_memory()[0])
        yield f"data: {json.dumps(LAST)}\n\n".encode()

    tracemalloc.start()
    try:
        done = await read_stream(content(), lambda line: line.decode(), lambda *_: None)
    finally:
        tracemalloc.stop()
    assert done.text == "four" * count
    assert held[-1] - held[0] < 4 * len(done.text)
    assert held[0] < block * len(event) / 2, "what was read is gone"


async def test_half_surrogates_in_a_stream_are_replaced():
    half = {"choices": [{"delta": {"content": "a\ud800b", "reasoning": "\udc00"}}]}
    content = "".join(f"data: {json.dumps(event)}\n\n" for event in (half, LAST)).encode()
    done = await read_stream(pieces_of(content, []), lambda line: line.decode(), lambda *_: None)
    assert (done.text, done.reasoning) == ("a?b", "?")


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([chunk("a")], "without a finish_reason"),
        ([chunk("a"), {"error": {"message": "out of\nmemory"}}], "out of memory"),
        ([LAST], "no text"),
        (["text"], "not a stream of chat chunks"),
    ],
)
async def test_a_stream_that_is_none_is_a_fault(events, words):
    content = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()
    with pytest.raises(Fault, match=words):
        await read_stream(pieces_of(content, []), lambda line: line.decode(), lambda *_: None)
