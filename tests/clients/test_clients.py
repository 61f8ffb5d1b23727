"""Real clients, unmodified, through the gateway to a real model: llama.cpp, and by `make test-vllm` vLLM.

Those that need an environment of their own run on llama.cpp by `make test-clients`.
"""

import json
import re
import subprocess
import urllib.request

import openai
import pytest

from rsa.serving import LlamaCpp
from tests.clients.documented import HARNESSES, Documented
from tests.gateway.running import running_gateway, until
from tests.integration.serving import running_server

pytestmark = pytest.mark.timeout(600)

DEFAULTS = {"n": 2, "k": 2, "steps": 2, "max_tokens": 8, "kind": "number"}
ENDLESS = {"logit_bias": {"0": -100, "2": -100}}  # what ends a reply of either model, so that all are as long as they may be
QUESTION = [{"role": "user", "content": "What is 3 times 4?"}]


@pytest.fixture(
    scope="module",
    params=[pytest.param("llamacpp", marks=pytest.mark.llamacpp), pytest.param("vllm", marks=pytest.mark.vllm)],
)
def gateway(request, tmp_path_factory):
    url = request.getfixturevalue(f"{request.param}_url")
    with running_gateway(url, defaults=DEFAULTS, upstream={"extra_body": ENDLESS}) as running:
        yield running


@pytest.fixture(scope="module")
def llamacpp_url(tmp_path_factory):
    with running_server(LlamaCpp(context=2048, threads=1), tmp_path_factory.mktemp("llamacpp")) as url:
        yield url


@pytest.fixture
def model(gateway):
    return gateway.get("/v1/models").json["data"][0]["id"]


@pytest.fixture
def documented(gateway, model, tmp_path):
    return Documented(gateway.url, model, tmp_path)


@pytest.fixture
def client(gateway):
    with openai.OpenAI(base_url=gateway.url, api_key="none", max_retries=0) as client:
        yield client


def counts(gateway):
    """How many requests were answered by each plan, and how many calls that took."""
    page = gateway.get("/metrics").text
    answered = re.findall(r'^rsa_requests_total\{plan="(\w+)",status="200"\} (\d+)', page, re.MULTILINE)
    calls = re.search(r"^rsa_upstream_calls_total (\d+)", page, re.MULTILINE)
    return {plan: int(number) for plan, number in answered}, int(calls[1])


def test_curl(gateway, documented):
    whole, streamed = documented.run("curl")[0].split("data: ", 1)
    reply = json.loads(whole)
    assert reply["rsa"]["plan"] == "rsa(n=3,k=2,steps=2)"
    assert reply["usage"]["rsa_details"]["calls"] == 3
    assert streamed.endswith("data: [DONE]\n\n")
    assert "chat.completion.chunk" in streamed


def test_the_openai_package(gateway, documented):
    whole, streamed, several = documented.run("The openai package")
    assert re.search(r"\d+ tokens for rsa\(n=3,k=2,steps=2\)\n$", whole)
    assert streamed.startswith("step 1 of 2, 1 of 2 chains\n")
    assert streamed.endswith(" 24 new tokens\n")
    assert len(several.splitlines()) == 2


def test_usage_lineage_and_errors_in_the_openai_package(client, model):
    reply = client.chat.completions.create(model=model, messages=QUESTION, extra_body={"rsa": {"n": 3, "k": 2, "seed": 1}})
    assert (reply.usage.completion_tokens, reply.usage.model_extra["rsa_details"]["counted"]) == (24, True)
    run = client.get(reply.model_extra["rsa"]["lineage"].removeprefix("/v1"), cast_to=object)
    assert run["chains"][-1]["text"] == reply.choices[0].message.content
    plain = client.chat.completions.create(model=f"{model}:plain", messages=QUESTION, max_tokens=3)
    assert plain.usage.completion_tokens == 3
    with pytest.raises(openai.BadRequestError, match="did you mean"):
        client.chat.completions.create(model=model, messages=QUESTION, extra_body={"rsa": {"stepz": 1}})
    with pytest.raises(openai.NotFoundError, match="there is no model 'other'"):
        client.chat.completions.create(model="other", messages=QUESTION)
    with pytest.raises(openai.BadRequestError, match="context"):
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "word " * 3000}])


def test_a_form_for_the_answer(client, model):
    schema = {
        "type": "object",
        "properties": {"answer": {"enum": ["yes", "no"]}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    reply = client.chat.completions.create(model=model, messages=QUESTION, response_format=form, max_tokens=120, seed=3)
    assert reply.choices[0].finish_reason == "stop"
    assert json.loads(reply.choices[0].message.content)["answer"] in ("yes", "no")
    run = client.get(reply.model_extra["rsa"]["lineage"].removeprefix("/v1"), cast_to=object)
    assert not [chain for chain in run["chains"] if chain["step"] == 1 and chain["text"].startswith("{")]


@pytest.mark.vllm
@pytest.mark.parametrize("stream", [False, True])
def test_no_call_goes_on_at_vllm_for_a_client_that_is_gone(vllm_url, stream):
    root = vllm_url.removesuffix("/v1")

    def running():
        with urllib.request.urlopen(f"{root}/metrics") as page:
            return float(re.search(r"^vllm:num_requests_running\{.*\} (\S+)$", page.read().decode(), re.MULTILINE)[1])

    with running_gateway(vllm_url, defaults={**DEFAULTS, "max_tokens": 3500}) as gateway:
        connection = gateway.connection()
        model = gateway.get("/v1/models").json["data"][0]["id"]
        body = {"model": model, "messages": QUESTION, "rsa": {"select": "majority"}, "stream": stream, "ignore_eos": True}
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        until(lambda: running() == 2)
        connection.sock.close()
        connection.close()
        until(lambda: running() == 0)


@pytest.mark.clients
def test_lm_evaluation_harness(gateway, documented):
    before, calls_before = counts(gateway)
    documented.run("lm-evaluation-harness")
    after, calls = counts(gateway)
    (samples,) = documented.folder.glob("results/*/samples_sums_*.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    assert [bool(row["resps"][0][0]) for row in rows] == [True, True]
    (results,) = documented.folder.glob("results/*/results_*.json")
    assert "exact_match,none" in json.loads(results.read_text())["results"]["sums"]
    assert after["rsa"] - before.get("rsa", 0) == len(rows)
    assert calls - calls_before == 3 * len(rows)


@pytest.mark.clients
def test_inspect_ai(gateway, documented):
    before, calls_before = counts(gateway)
    documented.run("inspect_ai")
    after, calls = counts(gateway)
    (log,) = documented.folder.glob("logs/*.eval")
    dump = [HARNESSES / "inspect", "log", "dump", log]
    told = json.loads(subprocess.run(dump, capture_output=True, text=True, check=True, timeout=120).stdout)
    assert told["status"] == "success"
    assert [bool(sample["output"]["completion"]) for sample in told["samples"]] == [True, True]
    (usage,) = told["stats"]["model_usage"].values()
    assert usage["output_tokens"] == 8 * (calls - calls_before) == 8 * 6
    assert after["rsa"] - before.get("rsa", 0) == 2
