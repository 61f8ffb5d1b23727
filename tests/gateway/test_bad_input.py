"""Bad input: the right status, and an error in OpenAI's shape that says what to do."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsa.endpoint import Endpoint
from rsa.errors import EndpointUnreachable
from rsa.gateway.asks import understood
from rsa.gateway.config import GatewayConfig
from rsa.gateway.problems import ApiError
from rsa.gateway.upstream import Upstream
from rsa.gateway.wire import ChatRequest, RSAOptions, read_request
from tests.fake_server import Trouble
from tests.gateway.running import QUESTION, SMALL, running_gateway


def body(**fields):
    return {"model": "fake", "messages": QUESTION, "rsa": SMALL, **fields}


CASES = {
    "broken JSON": (b'{"model": ', 400, "invalid_json", None, "not JSON"),
    "no object": (b"[1]", 400, "invalid_json", None, "JSON object"),
    "no model": ({"messages": QUESTION}, 400, "missing_field", "model", "model is missing"),
    "no messages": ({"model": "fake"}, 400, "missing_field", "messages", "messages is missing"),
    "other model": (body(model="fakes"), 404, "model_not_found", "model", "did you mean 'fake'"),
    "empty messages": (body(messages=[]), 400, "empty_messages", "messages", "the user's question"),
    "empty question": (
        body(messages=[{"role": "user", "content": " "}]),
        400,
        "empty_messages",
        "messages.0.content",
        "ask",
    ),
    "no user": (body(messages=[{"role": "system", "content": "x"}]), 400, "no_user_turn", "messages", "add the question"),
    "ends with the model": (
        body(messages=[*QUESTION, {"role": "assistant", "content": "So"}]),
        400,
        "no_user_turn",
        "messages.1.role",
        "must be the user's",
    ),
    "bad role": (body(messages=[{"role": "robot", "content": "x"}]), 400, "invalid_value", "messages.0.role", "robot"),
    "no content": (body(messages=[{"role": "user"}]), 400, "invalid_value", "messages.0.content", "must be a text"),
    "unknown field in rsa": (body(rsa={"N": 4}), 400, "unknown_field", "rsa.N", "valid: budget, compaction"),
    "unknown budget": (body(rsa={"budget": {"usd": 1}}), 400, "unknown_field", "rsa.budget.usd", "tokens"),
    "text for a number": (body(rsa={"n": "4"}), 400, "invalid_value", "rsa.n", "'4'"),
    "zero": (body(rsa={"n": 0}), 400, "invalid_value", "rsa.n", "greater than or equal to 1"),
    "k over n": (body(rsa={"n": 2, "k": 3}), 400, "invalid_value", "rsa.k", "lower k or raise n"),
    "n over the maximum": (body(rsa={"n": 65}), 400, "over_maximum", "rsa.n", "64"),
    "chains over the maximum": (body(rsa={"n": 64, "steps": 16}), 400, "over_maximum", "chains", "512"),
    "strategy": (body(rsa={"strategy": "majorty"}), 400, "invalid_value", "rsa.strategy", "did you mean 'majority'"),
    "foreign parameter": (body(rsa={"strategy": "majority", "k": 2}), 400, "invalid_value", "rsa.k", "takes no k"),
    "selector": (body(rsa={"select": "best"}), 400, "invalid_value", "rsa.select", "'sample' or 'majority'"),
    "compaction": (body(rsa={"compaction": "none"}), 400, "invalid_value", "rsa.compaction", "answer"),
    "kind": (body(rsa={"kind": "maths"}), 400, "invalid_value", "rsa.kind", "did you mean 'math'"),
    "name against field": (
        body(model="fake:majority", rsa={"strategy": "rsa"}),
        400,
        "conflict",
        "rsa.strategy",
        "leave one",
    ),
    "plain with rsa": (body(model="fake:plain"), 400, "conflict", "rsa", "leave rsa out"),
    "two seeds": (body(seed=1, rsa={"seed": 2}), 400, "conflict", "seed", "give one"),
    "two limits": (body(max_tokens=1, max_completion_tokens=2), 400, "conflict", "max_tokens", "give one"),
    "too many answers": (body(n=4), 400, "invalid_value", "n", "population of 3"),
    "temperature": (body(temperature=-1), 400, "invalid_value", "temperature", "greater than or equal to 0"),
    "not finite": (b'{"model": "fake", "messages": [], "top_p": NaN}', 400, "invalid_json", None, "NaN is no number"),
    "half a pair": (b'{"model": "fake", "messages": ["\\ud800"]}', 400, "invalid_json", None, "surrogates not allowed"),
    "stop": (body(stop=3), 400, "invalid_value", "stop.str", "string"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_mistake_is_told_with_its_place_and_a_remedy(gateway, upstream, name):
    sent, status, code, param, words = CASES[name]
    reply = gateway.chat(sent)
    error = reply.json["error"]
    assert (reply.status, error["code"], error["param"]) == (status, code, param)
    assert words in error["message"]
    assert set(error) == {"message", "type", "param", "code"}
    assert upstream.requests == []


MANY = 50_000
ENDLESS = {
    "messages": body(messages=[1] * MANY),
    "stops": body(stop=[1] * MANY),
    "unknown fields": body(rsa={f"a{number}": 1 for number in range(MANY)}),
    "a field's name": body(rsa={"a" * MANY: 1}),
    "the model": body(model="a" * MANY),
    "the strategy": body(rsa={"strategy": "a" * MANY}),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_is_told_of_endless_mistakes_has_an_end(gateway, upstream, name):
    reply = gateway.chat(ENDLESS[name])
    assert reply.status in (400, 404)
    assert len(reply.text) < 10_000


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 99)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "fake", "rsa", "user"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "type", "text"]), inner),
    max_leaves=6,
)
FIELDS = [*ChatRequest.model_fields, "tools", "logprobs", "tool_choice", "user", "made_up"]
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "system", "tool", 1]), "content": JSON | st.just("x")})
)
OPTIONS = st.dictionaries(st.sampled_from([*RSAOptions.model_fields, "m"]), JSON)


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON),
    st.fixed_dictionaries(
        {}, optional={"messages": MESSAGES, "rsa": OPTIONS, "model": st.sampled_from(["fake", "fake:plain"])}
    ),
    st.sampled_from(["pass", "refuse"]),
)
def test_whatever_comes_is_understood_or_told(fields, likely, unsupported):
    config = GatewayConfig.model_validate({"upstream": {"base_url": "http://x/v1"}, "unsupported": unsupported})
    told = None
    try:
        request, sent = read_request(json.dumps({**fields, **likely}).encode())
        understood(request, sent, config, "fake")
    except ApiError as error:
        told = error
    assert told is None or told.status in (400, 404)
    assert told is None or json.dumps(told.body(), ensure_ascii=False).encode()


LIKELY = {"model": st.sampled_from(["fake", "fake:plain", "fake:majority"]), "messages": MESSAGES | st.just(QUESTION)}


@settings(max_examples=60)
@given(st.fixed_dictionaries(LIKELY, optional={"rsa": OPTIONS, **dict.fromkeys([*FIELDS[2:-6], "made_up"], JSON)}))
def test_whatever_comes_is_answered(shared_gateway, fields):
    reply = shared_gateway.chat(fields)
    assert reply.status in (200, 400, 404)
    if reply.status == 200 and fields.get("stream"):
        assert [event for event in reply.events if "error" in event] == []
    else:
        assert ("error" in reply.json) == (reply.status != 200)


def test_pages_that_are_not_there(gateway, upstream):
    assert gateway.get("/v1/nowhere").json["error"]["code"] == "unknown_url"
    wrong = gateway.get("/v1/chat/completions")
    assert (wrong.status, wrong.json["error"]["code"], wrong.headers["allow"]) == (405, "wrong_method", "POST")
    assert gateway.get("/v1/rsa/runs/none").status == 404
    assert gateway.get("/health/").status == 404


def test_a_huge_body(upstream):
    with running_gateway(upstream.url, limits={"body_bytes": 1000}) as gateway:
        reply = gateway.chat(messages=[{"role": "user", "content": "x" * 2000}])
        assert (reply.status, reply.json["error"]["code"]) == (413, "body_too_long")
        chunks = (b"x" * 400 for _ in range(5))
        connection = gateway.connection()
        connection.request(
            "POST", "/v1/chat/completions", chunks, encode_chunked=True, headers={"Transfer-Encoding": "chunked"}
        )
        assert connection.getresponse().status == 413
        connection.close()


def test_a_body_that_does_not_come(upstream):
    with running_gateway(upstream.url, limits={"seconds": 0.2}) as gateway:
        for leaves in (False, True):
            connection = gateway.connection()
            connection.putrequest("POST", "/v1/chat/completions")
            connection.putheader("Content-Length", "100")
            connection.endheaders(b"{")
            if not leaves:
                response = connection.getresponse()
                assert (response.status, json.loads(response.read())["error"]["code"]) == (408, "body_too_slow")
            connection.close()
        assert gateway.get("/v1/models").status == 200


def test_an_upstream_that_is_down_and_comes_back():
    from tests.gateway.running import StreamingServer  # noqa: PLC0415

    with StreamingServer() as first:
        port = first.port
    with running_gateway(f"http://127.0.0.1:{port}/v1") as gateway:
        for reply in (gateway.chat(), gateway.chat(stream=True), gateway.get("/health"), gateway.get("/v1/models")):
            assert (reply.status, reply.json["error"]["code"]) == (503, "upstream_down")
            assert "http:" not in reply.text
            assert reply.headers["retry-after"]
        again = StreamingServer()
        again.port = port
        with again:
            assert gateway.chat().status == 200
            assert gateway.get("/health").status == 200
        assert gateway.chat().status == 503
        assert gateway.chat({"model": "fake:plain", "messages": QUESTION}).status == 503


async def test_requests_that_wait_together_for_an_upstream_that_is_gone_are_told_together(monkeypatch):
    tried, silent = [], asyncio.Event()

    @asynccontextmanager
    async def opening(endpoint):
        tried.append(endpoint)
        await silent.wait()
        raise EndpointUnreachable("nobody answers")
        yield

    monkeypatch.setattr("rsa.gateway.upstream.open_session", opening)
    upstream = Upstream(Endpoint("http://x/v1"))
    waiting = [asyncio.ensure_future(upstream.session()) for _ in range(5)]
    await asyncio.sleep(0)
    silent.set()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in told] == [EndpointUnreachable] * 5
    assert len(tried) == 1
    with pytest.raises(EndpointUnreachable):
        await upstream.session()
    assert len(tried) == 2


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (Trouble(400, json.dumps({"error": {"message": "bad grammar"}})), 400, "upstream_refused"),
        (Trouble(401, "who are you"), 502, "upstream_failed"),
        (Trouble(500, "oops"), 502, "upstream_failed"),
        (Trouble(400, "the context length is exceeded"), 400, "upstream_refused"),  # whatever the prompt
        (Trouble(429, "slow down", {"Retry-After": "0"}), 503, "upstream_down"),  # every call for longer than the patience
        (Trouble(504, "too long"), 504, "upstream_slow"),
        (Trouble(200, "<html>"), 502, "upstream_failed"),
    ],
    ids=lambda value: str(getattr(value, "body", value)),
)
def test_what_the_upstream_refuses(upstream, trouble, status, code):
    upstream.trouble = lambda body: trouble
    for streamed in (False, True):
        with running_gateway(upstream.url) as gateway:
            reply = gateway.chat(stream=streamed)
        assert (reply.status, reply.json["error"]["code"]) == (status, code)
        assert trouble.body[-10:-3].strip('"') in reply.json["error"]["message"]


@pytest.mark.parametrize("model", ["fake", "fake:plain"])
def test_a_prompt_that_is_too_long_for_the_upstream(gateway, upstream, model):
    upstream.trouble = lambda body: Trouble(400, "maximum context length") if "Count" in str(body["messages"]) else None
    long = [{"role": "user", "content": "Count to a million."}]
    reply = gateway.chat({"model": model, "messages": long})
    assert (reply.status, reply.json["error"]["code"]) == (400, "context_length_exceeded")


def test_an_upstream_that_is_slow(upstream):
    upstream.trouble = lambda body: Trouble(hang=True)
    with running_gateway(upstream.url, limits={"seconds": 0.2}) as gateway:
        for model in ("fake", "fake:plain"):
            reply = gateway.chat({"model": model, "messages": QUESTION})
            assert (reply.status, reply.json["error"]["code"]) == (504, "time_limit")
    with running_gateway(upstream.url, upstream={"timeout": 0.2}) as gateway:
        assert gateway.chat().status == 504
