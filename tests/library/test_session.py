"""What a server says of itself, and what an endpoint and its sampling refuse before anything is sent."""

import json

import pytest

import rsa
from rsa.session import open_session

ASK = [{"role": "user", "content": "2+2?"}]


async def test_sessions_find_model_context_and_counter(server):
    async with open_session(rsa.Endpoint(server.url)) as session:
        assert session.client.endpoint.model == "fake"
        assert session.context == 100_000
        assert await session.counter(ASK) == 4
    async with open_session(rsa.Endpoint(server.url, context=77)) as session:
        assert session.context == 77
    server.tokenizes = False
    async with open_session(rsa.Endpoint(server.url)) as session:
        assert await session.counter(ASK) is None


async def test_models_that_are_not_there_are_named(server):
    server.models = ("qwen-4b", "llama-8b")
    with pytest.raises(rsa.EndpointRefused, match=r"no model 'qwen-4c'; did you mean 'qwen-4b'\?"):
        async with open_session(rsa.Endpoint(server.url, model="qwen-4c")):
            pass
    with pytest.raises(rsa.EndpointRefused, match="no model is named, and it serves qwen-4b, llama-8b"):
        async with open_session(rsa.Endpoint(server.url)):
            pass
    server.models = ()
    async with open_session(rsa.Endpoint(server.url, model="hidden")) as session:
        assert session.client.endpoint.model == "hidden"


async def test_a_server_that_is_not_openais_is_told_from_one_that_is_down(server):
    with pytest.raises(rsa.EndpointUnreachable, match=r"cannot connect.*is the server running\?"):
        async with open_session(rsa.Endpoint("http://127.0.0.1:9/v1")):
            pass
    server.required_key = "right"
    with pytest.raises(rsa.EndpointRefused, match=r"HTTP 401: wrong key: Bearer \*\*\*"):
        async with open_session(rsa.Endpoint(server.url, api_key="wrong-one")):
            pass


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("localhost:8000/v1", "is not a URL"),
        ("ftp://x/v1", "is not a URL"),
        ("", "is not a URL"),
        ("http://", "is not a URL"),
        ("http://user:pw@host/v1", "no user, password"),
        ("http://host/v1?key=1", "no user, password or query"),
        ("http://[abc", "is not a URL"),
        ("http://host:abc/v1", "is not a URL"),
        ("http://host:99999/v1", "is not a URL"),
        ("http://host/v1/chat/completions", "ends with /chat/completions: leave that out"),
    ],
)
def test_wrong_urls_are_refused_with_a_remedy(url, says):
    with pytest.raises(rsa.UsageError, match=says):
        rsa.Endpoint(url)


@pytest.mark.parametrize(
    "options", [{"api_key": "key\n"}, {"max_concurrency": 0}, {"timeout": 0}, {"retries": -1}, {"patience": -1}]
)
def test_impossible_limits_are_refused(options):
    with pytest.raises(rsa.UsageError):
        rsa.Endpoint("http://h/v1", **options)


@pytest.mark.parametrize("options", [{"max_tokens": 0}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.5}])
def test_impossible_sampling_is_refused(options):
    with pytest.raises(rsa.UsageError):
        rsa.Sampling(**options)


def test_unset_sampling_fields_are_not_sent():
    assert set(rsa.Sampling().body()) == {"temperature", "top_p"}
    full = rsa.Sampling(top_k=-1, min_p=0.0, stop=("x",)).body()
    assert json.loads(json.dumps(full)) == {**rsa.Sampling().body(), "top_k": -1, "min_p": 0.0, "stop": ["x"]}
