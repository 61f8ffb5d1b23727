"""What is answered: by which plan, with which fields sent on, and what the reply says of it."""

import json

import pytest

from tests.fake_server import Trouble
from tests.gateway.running import QUESTION, SMALL, StreamingServer, running_gateway

IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {}}}]


def test_an_answer_with_the_whole_usage_and_its_lineage(gateway, upstream):
    reply = gateway.chat(rsa={"n": 4, "k": 2, "steps": 3, "seed": 5})
    assert reply.status == 200
    told, usage = reply.json, reply.json["usage"]
    assert told["object"] == "chat.completion"
    assert "boxed" in told["choices"][0]["message"]["content"]
    replies = [upstream._completion(body)["usage"] for body in upstream.requests]
    assert usage["rsa_details"]["calls"] == len(replies) > 3
    assert usage["prompt_tokens"] == sum(each["prompt_tokens"] for each in replies)
    assert usage["completion_tokens"] == sum(each["completion_tokens"] for each in replies)
    assert usage["prompt_tokens_details"]["cached_tokens"] == sum(each["prompt_tokens"] // 2 for each in replies)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert reply.headers["x-rsa-plan"] == told["rsa"]["plan"] == "rsa(n=4,k=2,steps=3)"
    assert reply.headers["x-rsa-seed"] == "5"
    run = gateway.get(told["rsa"]["lineage"]).json
    assert run["status"] == "done"
    assert len(run["chains"]) == len(replies)
    chosen = next(chain for chain in run["chains"] if [chain["step"], chain["slot"]] == run["chosen"][0])
    assert chosen["text"] == told["choices"][0]["message"]["content"]
    assert run["messages"] == QUESTION


def test_the_same_seed_gives_the_same_answer(gateway, upstream):
    texts = {gateway.chat(seed=7).json["choices"][0]["message"]["content"] for _ in range(3)}
    assert len(texts) == 1
    assert gateway.chat().json["rsa"]["seed"] != gateway.chat().json["rsa"]["seed"]


@pytest.mark.parametrize(
    ("model", "plan", "calls"),
    [("fake", "rsa(n=8,k=4,steps=3)", 13), ("fake:rsa", "rsa(n=8,k=4,steps=3)", 13), ("fake:majority", "majority(n=8)", 8)],
)
def test_the_models_name_says_what_is_done(gateway, upstream, model, plan, calls):
    reply = gateway.chat({"model": model, "messages": QUESTION, "seed": 0})
    assert (reply.status, reply.headers["x-rsa-plan"], reply.json["model"]) == (200, plan, model)
    assert len(upstream.requests) == calls if "majority" in model else len(upstream.requests) <= calls + 4


def test_plain_is_passed_on_as_it_is(gateway, upstream):
    body = {"model": "fake:plain", "messages": QUESTION, "logprobs": True, "n": 2, "user": "me", "made_up": [1]}
    reply = gateway.chat(body)
    assert upstream.requests == [{**body, "model": "fake"}]
    assert (reply.status, reply.headers["x-rsa-plan"]) == (200, "plain")
    assert reply.json == upstream._completion(upstream.requests[0])


def test_several_answers_are_members_of_the_last_population(gateway, upstream):
    told = gateway.chat(n=3, seed=1).json
    run = gateway.get(told["rsa"]["lineage"]).json
    last = {chain["text"] for chain in run["chains"] if chain["step"] == 2}
    assert [choice["index"] for choice in told["choices"]] == [0, 1, 2]
    assert len({tuple(place) for place in told["rsa"]["chosen"]}) == 3
    assert all(choice["message"]["content"] in last for choice in told["choices"])
    one = gateway.chat(n=1, seed=1).json
    assert one["choices"][0]["message"] == told["choices"][0]["message"]


def test_a_conversation_is_kept_and_its_last_turn_is_aggregated(gateway, upstream):
    before = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
    ]
    assert (
        gateway.chat(messages=[*before, {"role": "user", "content": [{"type": "text", "text": "And 2+2?"}]}]).status == 200
    )
    assert all(body["messages"][:3] == before for body in upstream.requests)
    first, last = upstream.requests[0]["messages"], upstream.requests[-1]["messages"]
    assert first[3:] == [{"role": "user", "content": "And 2+2?"}]
    assert len(last) == 4
    assert "And 2+2?" in last[3]["content"]
    assert "\\boxed" in last[3]["content"]


def test_sampling_reaches_every_call_and_the_format_the_last_step_alone(gateway, upstream):
    sampling = {"temperature": 0.3, "top_p": 0.8, "max_tokens": 33, "stop": ["\n\n"], "presence_penalty": 0.5, "top_k": 7}
    gateway.chat(response_format={"type": "json_object"}, **sampling)
    assert all({**body, **sampling} == body for body in upstream.requests)
    formatted = ["response_format" in body for body in upstream.requests]
    aggregating = [body["messages"][-1]["content"] != "What is 6 times 7?" for body in upstream.requests]
    assert formatted == aggregating
    assert True in formatted
    assert len({body["seed"] for body in upstream.requests}) == len(upstream.requests)


@pytest.mark.parametrize("more", [{"tools": TOOLS}, {"messages": IMAGE}, {"logprobs": True}], ids=str)
def test_what_cannot_be_aggregated_is_passed_on_or_refused_but_never_dropped(gateway, upstream, more):
    upstream.reply = lambda body: "seen"
    upstream.trouble = lambda body: None
    body = {"model": "fake", "messages": QUESTION, **more}
    reply = gateway.chat(body)
    assert upstream.requests == [body]
    assert reply.headers["x-rsa-plan"] == "plain"
    assert "cannot be aggregated" in reply.headers["x-rsa-note"]
    both = gateway.chat({**body, "rsa": SMALL})
    assert (both.status, both.json["error"]["code"]) == (400, "unsupported")
    with running_gateway(upstream.url, unsupported="refuse") as strict:
        refused = strict.chat(body)
        unknown = strict.chat(made_up=1)
    assert (refused.status, refused.json["error"]["code"]) == (400, "unsupported")
    assert "fake:plain" in refused.json["error"]["message"]
    assert (unknown.status, unknown.json["error"]["param"]) == (400, "made_up")
    assert len(upstream.requests) == 1


def test_majority_answers_with_what_most_say(gateway, upstream):
    upstream.reply = lambda body: f"\\boxed{{{'9' if body['seed'] % 4 == 0 else '42'}}}"
    told = gateway.chat({"model": "fake:majority", "messages": QUESTION, "seed": 3}).json
    assert told["choices"][0]["message"]["content"] == "\\boxed{42}"


def test_a_budget_ends_the_work_with_the_best_so_far(gateway, upstream):
    told = gateway.chat(rsa={"n": 3, "k": 2, "steps": 3, "budget": {"calls": 4}, "select": "majority"}).json
    assert len(upstream.requests) == 4
    assert told["rsa"]["chosen"][0][0] == 1
    assert "calls" in told["rsa"]["stopped"]


def test_an_upstream_that_does_not_count_is_told_so(gateway, upstream):
    upstream.usage = False
    usage = gateway.chat().json["usage"]
    assert (usage["total_tokens"], usage["rsa_details"]["counted"]) == (0, False)


def test_fewer_answers_than_asked_for_are_told(gateway, upstream):
    upstream.script = [None, None, None, Trouble(500), Trouble(500)]
    told = gateway.chat(n=3, rsa={**SMALL, "select": "majority"})
    assert len(told.json["choices"]) == 1
    note = "n=3 answers were asked for, but only 1 chains of the last step are alive"
    assert told.headers["x-rsa-note"] == told.json["rsa"]["note"] == note
    assert "note" not in gateway.chat(n=3).json["rsa"]


def test_an_error_of_the_upstream_that_no_reply_could_carry(gateway, upstream):
    upstream.script = [Trouble(500, '{"error": {"message": "half a pair: \\ud800"}}')]
    reply = gateway.chat(rsa={"n": 4, "k": 2, "steps": 2, "select": "majority"})
    run = gateway.get(reply.json["rsa"]["lineage"]).json
    assert [chain["error"] for chain in run["chains"] if "error" in chain] == ["HTTP 500: half a pair: ? (tried 1 times)"]


@pytest.mark.parametrize("trouble", [Trouble(500, "see http://10.0.0.7:8000/x"), Trouble(302, headers={"Location": "/y"})])
def test_the_address_of_the_upstream_is_for_the_log_alone(upstream, caplog, trouble):
    upstream.script = [None, trouble] if trouble.status == 500 else []
    upstream.trouble = lambda body: trouble if trouble.status == 302 else None
    with running_gateway(upstream.url) as gateway:
        shown = [
            gateway.chat(rsa={"n": 4, "k": 2, "steps": 2, "select": "majority"}, stream=stream) for stream in (False, True)
        ]
        run = next((gateway.get(f"/v1/rsa/runs/{each.headers['x-rsa-run']}") for each in shown if each.status == 200), None)
        shown.append(gateway.chat({"model": "fake:plain", "messages": QUESTION}))
    for reply in [*shown, *([run] if run else [])]:
        assert str(upstream.port) not in reply.text
        assert "10.0.0.7" not in reply.text
    if run:
        dead = next(chain for chain in run.json["chains"] if chain["status"] == "dead")
        assert dead["error"] == "HTTP 500: see (its address) (tried 1 times)"
    assert f"{upstream.url}: HTTP {trouble.status}" in caplog.text


def test_summaries_of_long_candidates_do_not_have_the_answers_format(upstream):
    with StreamingServer(context=1500) as small:
        small.reply = lambda body: "so short" if "Condense" in body["messages"][0]["content"] else "x " * 300
        with running_gateway(small.url, defaults={"on_overflow": "summarize"}) as gateway:
            asked = {"rsa": {"n": 2, "k": 2, "steps": 2}, "max_tokens": 50, "response_format": {"type": "json_object"}}
            reply = gateway.chat(**asked).json
            run = gateway.get(reply["rsa"]["lineage"]).json
    assert [chain.get("overflow", {}).get("summaries") for chain in run["chains"]] == [None, None, ["so short"] * 2]
    formatted = [body["messages"][0]["content"] for body in small.requests if "response_format" in body]
    assert ["Condense" in prompt for prompt in formatted] == [False]
    assert reply["usage"]["rsa_details"]["calls"] == len(small.requests) == 5


def test_dead_chains_are_replaced_and_told(gateway, upstream):
    upstream.script = [None, Trouble(500)]
    told = gateway.chat(rsa={"n": 4, "k": 2, "steps": 2, "select": "majority"}).json
    assert told["usage"]["rsa_details"]["dead_chains"] == 1


def test_models_and_health(gateway, upstream):
    names = [entry["id"] for entry in gateway.get("/v1/models").json["data"]]
    assert names == ["fake", "fake:rsa", "fake:majority", "fake:plain"]
    assert gateway.get("/v1/models/fake:rsa").json["id"] == "fake:rsa"
    assert gateway.get("/v1/models/other").status == 404
    assert gateway.get("/health").json["status"] == "ok"


def test_metrics_count_what_was_done(upstream):
    with running_gateway(upstream.url) as gateway:
        usage = gateway.chat().json["usage"]
        gateway.chat({"model": "nobody", "messages": QUESTION})
        page = gateway.get("/metrics").text
    assert f'rsa_tokens_total{{kind="prompt"}} {float(usage["prompt_tokens"])}' in page
    assert f"rsa_upstream_calls_total {float(len(upstream.requests))}" in page
    assert 'rsa_requests_total{plan="rsa",status="200"} 1.0' in page
    assert "rsa_requests_working 0.0" in page
    assert json.dumps(QUESTION[0]["content"]) not in page
