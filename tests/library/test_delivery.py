"""Prompts that are too long on their way to a server: what is sent, what is recorded, what it costs."""

import asyncio
import json
from dataclasses import replace

import pytest

import rsa
from rsa.chain import Chain, Status
from rsa.compaction import COMPACTIONS
from rsa.generation import Generation, Question, prompt_sha256
from rsa.kinds import KINDS
from rsa.overflow import CUT_MARK
from rsa.prompts import Prompts
from rsa.session import open_session
from tests.fake_server import Trouble

QUESTION = Question("What is 1+1?", KINDS["math"])
PLAN = rsa.RSA(n=4, k=3, steps=2).plan(0, "p")
SAMPLE, CHILD = PLAN.populations[0][0], PLAN.populations[1][0]
CONTEXT, REPLY = 2500, 100
ROOM = CONTEXT - REPLY
SHORTENING = ["shrink_k", "tail", "summarize"]


@pytest.fixture
async def generation(server):
    async with open_session(rsa.Endpoint(server.url, retries=0)) as session:
        yield Generation(
            session.client, Prompts(), rsa.Sampling(max_tokens=REPLY), COMPACTIONS["answer"], "rsa", CONTEXT, session.counter
        )


def parent(slot: int, text: str) -> Chain:
    return Chain("p", 0, "rsa", 1, slot, (), "m", 0, "", text, "stop", Status.OK)


PARENTS = (parent(2, "a" * 700), parent(0, "short"), parent(3, "c" * 2000))


def length(request) -> int:
    return sum(len(message["content"]) for message in request["messages"])


def prompts(server) -> list[str]:
    return [request["messages"][-1]["content"] for request in server.requests]


def summaries(server) -> list[dict]:
    return [request for request in server.requests if "Condense the attempt" in request["messages"][-1]["content"]]


def refuse_over(server, most: int) -> None:
    """The server answers as vLLM does to prompts of more characters than that."""
    refusal = json.dumps({"error": {"message": "This model's maximum context length is 1 tokens.", "code": 400}})
    server.trouble = lambda body: Trouble(400, refusal) if length(body) > most else None


def check_record(chain: Chain, server, generation: Generation, question: Question = QUESTION) -> None:
    """The last prompt is the one that can be written again from what is recorded."""
    again = Chain.from_record(json.loads(json.dumps(chain.to_record())))
    assert again == chain
    parents = [next(each for each in PARENTS if each.slot == slot) for slot in again.parents]
    messages = generation.messages(question, CHILD, parents, again.overflow)
    assert list(messages) == server.requests[-1]["messages"]
    assert prompt_sha256(messages) == again.prompt_sha256


async def test_candidates_are_left_out_from_the_end(server, generation):
    chain = await replace(generation, on_overflow="shrink_k")(QUESTION, PLAN, CHILD, PARENTS)
    assert (chain.parents, chain.status) == ((2, 0), Status.OK)
    assert chain.overflow == {"rule": "shrink_k", "wanted": 3, "shown": 2}
    assert "2 attempts" in prompts(server)[-1]
    check_record(chain, server, generation)


async def test_one_candidate_that_is_left_is_refined(server, generation):
    chain = await replace(generation, on_overflow="shrink_k", context=1600)(QUESTION, PLAN, CHILD, (PARENTS[0], PARENTS[2]))
    assert chain.parents == (2,)
    assert "one attempt" in prompts(server)[-1]


async def test_one_candidate_that_is_too_long_cannot_be_left_out(server, generation):
    chain = await replace(generation, on_overflow="shrink_k")(QUESTION, PLAN, CHILD, PARENTS[2:])
    assert chain.dead
    assert "shortened as far as shrink_k goes, the prompt has" in chain.error
    assert "set on_overflow to tail or summarize" in chain.error
    assert server.requests == []


async def test_candidates_keep_their_ends(server, generation):
    chain = await replace(generation, on_overflow="tail")(QUESTION, PLAN, CHILD, PARENTS)
    assert (chain.parents, chain.overflow["rule"]) == ((2, 0, 3), "tail")
    assert chain.overflow["kept"][:2] == [700, 5]
    assert CUT_MARK + "c" * chain.overflow["kept"][2] in prompts(server)[-1]
    assert 0.9 * ROOM < length(server.requests[-1]) <= ROOM
    check_record(chain, server, generation)


async def test_long_candidates_are_condensed_by_the_model(server, generation):
    server.reply = lambda body: "In short: 2." if "Condense" in body["messages"][-1]["content"] else "2"
    chain = await replace(generation, on_overflow="summarize")(QUESTION, PLAN, CHILD, PARENTS)
    condensing = summaries(server)
    assert [request["seed"] for request in condensing] == [PLAN.key(1, 3, "summarize").request_seed()]
    assert chain.overflow == {"rule": "summarize", "summaries": [None, None, "In short: 2."], "kept": [700, 5, 12]}
    assert "In short: 2." in prompts(server)[-1]
    assert (chain.attempts, chain.usage.completion) == (2, len("In short: 2.") + 1)
    assert chain.usage.prompt == sum(map(length, server.requests))
    check_record(chain, server, generation)


async def test_a_summary_is_made_once_for_all_that_read_its_candidate(server, generation):
    summarizing = replace(generation, on_overflow="summarize")
    made = await asyncio.gather(*(summarizing(QUESTION, PLAN, child, PARENTS) for child in PLAN.populations[1]))
    assert len(summaries(server)) == 1
    assert len({json.dumps(chain.overflow) for chain in made}) == 1
    assert sum(chain.attempts for chain in made) == len(server.requests) == len(made) + 1
    assert sum(chain.usage.prompt for chain in made) == sum(map(length, server.requests))


async def test_another_makes_the_summary_if_the_first_is_cancelled(server, generation):
    server.script = [Trouble(hang=True)]
    summarizing = replace(generation, on_overflow="summarize")
    first, second = (asyncio.ensure_future(summarizing(QUESTION, PLAN, child, PARENTS)) for child in PLAN.populations[1][:2])
    await asyncio.to_thread(server.hanging.wait, 10)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    chain = await second
    assert chain.overflow["summaries"][2] is not None
    assert len(summaries(server)) == 2


@pytest.mark.parametrize("failure", ["failed", "cut"])
async def test_what_cannot_be_condensed_is_cut(server, generation, failure):
    def condensing(body) -> bool:
        return "Condense" in body["messages"][-1]["content"]

    if failure == "failed":
        server.trouble = lambda body: Trouble(500, "no") if condensing(body) else None
    server.finish_reason = lambda body: "length" if condensing(body) else "stop"
    chain = await replace(generation, on_overflow="summarize")(QUESTION, PLAN, CHILD, PARENTS)
    assert chain.status is Status.OK
    assert chain.overflow["summaries"] == [None, None, None]
    assert chain.overflow.get("failed") == ([2] if failure == "failed" else None)
    assert 0 < chain.overflow["kept"][2] < 2000
    assert chain.attempts == 2
    check_record(chain, server, generation)


async def test_a_candidate_that_is_too_long_to_be_condensed_whole_gives_its_end(server, generation):
    long = (parent(0, "x" * 9000), parent(1, "y" * 9000))
    chain = await replace(generation, on_overflow="summarize")(QUESTION, PLAN, CHILD, long)
    assert len(summaries(server)) == 2
    assert all(CUT_MARK in request["messages"][-1]["content"] for request in summaries(server))
    assert all(length(request) <= ROOM for request in server.requests)
    assert None not in chain.overflow["summaries"]


@pytest.mark.parametrize("rule", SHORTENING)
async def test_no_rule_helps_a_question_that_is_too_long(server, generation, rule):
    long = replace(QUESTION, text="x" * 3000)
    for planned, parents in ((SAMPLE, ()), (CHILD, PARENTS)):
        chain = await replace(generation, on_overflow=rule)(long, PLAN, planned, parents)
        assert chain.dead
        assert "tokens and may be answered with 100 more, but the context window holds 2500: lower max_tokens" in chain.error
    assert server.requests == []


@pytest.mark.parametrize("rule", SHORTENING)
@pytest.mark.parametrize("counts", [False, True])
async def test_where_the_room_is_not_known_the_servers_refusal_tells(server, generation, rule, counts):
    refuse_over(server, ROOM)
    counter = generation.counter if counts else None
    chain = await replace(generation, on_overflow=rule, context=None, counter=counter)(QUESTION, PLAN, CHILD, PARENTS)
    assert chain.status is Status.OK
    assert chain.overflow["rule"] == rule
    assert length(server.requests[-1]) <= ROOM
    assert chain.attempts == len(server.requests) - 1  # one tiny prompt shows that others fit
    assert len([request for request in server.requests if length(request) > ROOM]) <= 4
    check_record(chain, server, generation)


@pytest.mark.parametrize("rule", ["fail", *SHORTENING])
async def test_a_server_that_refuses_everything_stops_the_run(server, generation, rule):
    refuse_over(server, 0)
    with pytest.raises(rsa.EndpointRefused, match="maximum context length is 1 tokens"):
        await replace(generation, on_overflow=rule, context=None)(QUESTION, PLAN, CHILD, PARENTS)
    assert len(server.requests) == 2


@pytest.mark.parametrize("rule", ["fail", *SHORTENING])
async def test_a_server_that_refuses_all_but_tiny_prompts_is_not_asked_for_ever(server, generation, rule):
    refuse_over(server, 10)
    chain = await replace(generation, on_overflow=rule, context=None)(QUESTION, PLAN, CHILD, PARENTS)
    assert chain.dead
    assert "maximum context length is 1 tokens" in chain.error
    assert "with a longer context" in chain.error
    asked = [request for request in server.requests if request["messages"][-1]["content"] != "Hello"]
    assert len(asked) == chain.attempts <= (1 if rule == "fail" else 9 * 4)


@pytest.mark.parametrize("rule", ["fail", *SHORTENING])
async def test_a_prompt_that_could_not_be_counted_is_shortened_as_if_it_had_been(server, generation, rule):
    counted = await replace(generation, on_overflow=rule)(QUESTION, PLAN, CHILD, PARENTS)
    refuse_over(server, ROOM)
    failing = iter([True])

    async def counter(messages):
        return None if next(failing, False) else await generation.counter(messages)

    chain = await replace(generation, on_overflow=rule, counter=counter)(QUESTION, PLAN, CHILD, PARENTS)
    assert (chain.status, chain.overflow, chain.prompt_sha256) == (counted.status, counted.overflow, counted.prompt_sha256)
    assert chain.attempts == counted.attempts + 1


@pytest.mark.parametrize("rule", ["tail", "summarize"])
async def test_a_judgement_is_shortened_too(server, generation, rule):
    plan = rsa.Rejection(n=1).plan(0, "p")
    chain = await replace(generation, on_overflow=rule, context=1500)(
        QUESTION, plan, plan.populations[1][0], (parent(0, "x" * 3000),)
    )
    assert chain.status is Status.OK
    assert "Judge whether" in prompts(server)[-1]
    assert length(server.requests[-1]) <= 1400


@pytest.mark.parametrize("rule", SHORTENING)
def test_whole_runs_end_without_a_dead_chain_and_are_the_same_again(server, rule):
    server.context = 1500
    server.reply = lambda body: f"{body['seed']} " * 60 + "\\boxed{1}"
    refuse_over(server, 1500 - 600)

    def run() -> list[tuple]:
        result = rsa.run(
            "How many?",
            rsa.Endpoint(server.url, max_concurrency=3),
            rsa.RSA(4, 3, 3),
            kind="math",
            sampling=rsa.Sampling(max_tokens=600),
            prompts="brief",
            on_overflow=rule,
        )
        assert [chain.error for chain in result.chains if chain.dead] == []
        assert all(chain.overflow for chain in result.chains if chain.step > 1)
        return [(chain.place, chain.parents, chain.prompt_sha256, chain.overflow) for chain in result.chains]

    assert run() == run()
    assert all(length(request) <= 900 for request in server.requests)
