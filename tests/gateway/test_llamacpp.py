"""Real clients through the gateway to a real model: the official OpenAI client, and curl."""

import json
import subprocess

import openai
import pytest

from rsa.serving import LlamaCpp
from tests.gateway.running import running_gateway
from tests.integration.serving import running_server

pytestmark = [pytest.mark.llamacpp, pytest.mark.timeout(200)]

MESSAGES = [{"role": "user", "content": "What is 3 times 4?"}]
ASKED = {"messages": MESSAGES, "max_tokens": 4, "extra_body": {"rsa": {"n": 3, "k": 2, "steps": 2, "seed": 1}}}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with (
        running_server(LlamaCpp(context=2048, threads=1), tmp_path_factory.mktemp("llamacpp")) as url,
        running_gateway(url, defaults={"n": 2, "k": 2, "steps": 2, "max_tokens": 4, "kind": "number"}) as running,
    ):
        yield running


@pytest.fixture
def client(gateway):
    with openai.OpenAI(base_url=gateway.url, api_key="none") as client:
        yield client


@pytest.fixture
def model(client):
    return client.models.list().data[0].id


def test_the_official_client(client, model):
    reply = client.chat.completions.create(model=model, **ASKED)
    assert reply.choices[0].message.content
    assert reply.choices[0].finish_reason == "length"
    details = reply.usage.model_extra["rsa_details"]
    assert (details["calls"], details["counted"]) == (3, True)
    assert reply.usage.completion_tokens == 12
    run = client.get(reply.model_extra["rsa"]["lineage"].removeprefix("/v1"), cast_to=object)
    assert [chain["text"] for chain in run["chains"]][-1] == reply.choices[0].message.content


async def test_the_official_client_asynchronously(gateway, model):
    async with openai.AsyncOpenAI(base_url=gateway.url, api_key="none") as client:
        reply = await client.chat.completions.create(model=f"{model}:majority", messages=MESSAGES, n=2, max_tokens=4)
    assert len(reply.choices) == 2
    assert reply.usage.completion_tokens == 8


def test_the_official_client_streaming(client, model):
    stream = client.chat.completions.create(model=model, stream=True, stream_options={"include_usage": True}, **ASKED)
    chunks = list(stream)
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas).strip()
    assert len([delta for delta in deltas if delta.content]) > 1
    assert getattr(deltas[1], "reasoning_content", "").startswith("step 1 of 2, 1 of 2 chains")
    assert chunks[-1].usage.completion_tokens == 12


def test_the_official_client_plain_and_its_errors(client, model):
    reply = client.chat.completions.create(model=f"{model}:plain", messages=MESSAGES, max_tokens=3)
    assert reply.usage.completion_tokens == 3
    with pytest.raises(openai.BadRequestError, match="did you mean"):
        client.chat.completions.create(model=model, messages=MESSAGES, extra_body={"rsa": {"stepz": 1}})
    with pytest.raises(openai.NotFoundError, match="there is no model 'other'"):
        client.chat.completions.create(model="other", messages=MESSAGES)
    with pytest.raises(openai.BadRequestError, match="context"):
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "word " * 3000}])


def test_curl(gateway, model):
    body = json.dumps({"model": model, "messages": MESSAGES, "stream": True})
    command = ["curl", "-sSN", f"{gateway.url}/chat/completions", "-H", "Content-Type: application/json", "-d", body]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    assert json.loads(lines[0].removeprefix("data: "))["object"] == "chat.completion.chunk"
