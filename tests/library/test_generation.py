from dataclasses import replace

import pytest

import rsa
from rsa.chain import Chain, Status
from rsa.compaction import COMPACTIONS
from rsa.generation import Generation, Question, prompt_sha256
from rsa.kinds import KINDS
from rsa.prompts import Prompts
from rsa.session import open_session
from tests.fake_server import Trouble

QUESTION = Question("What is 1+1?", KINDS["math"])
PLAN = rsa.RSA(n=3, k=2, steps=2).plan(0, "p")
SAMPLE, CHILD = PLAN.populations[0][0], PLAN.populations[1][0]


@pytest.fixture
async def generation(server):
    async with open_session(rsa.Endpoint(server.url, retries=0)) as session:
        yield Generation(
            session.client,
            Prompts(),
            rsa.Sampling(max_tokens=100),
            COMPACTIONS["answer"],
            "rsa",
            session.context,
            session.counter,
        )


def parent(slot: int, text: str) -> Chain:
    return Chain("p", 0, "rsa", 1, slot, (), "m", 0, "", text, "stop", Status.OK)


async def test_a_sample_is_asked_the_plain_question(server, generation):
    chain = await generation(QUESTION, PLAN, SAMPLE, ())
    assert server.requests[0]["messages"] == [{"role": "user", "content": "What is 1+1?"}]
    assert server.requests[0]["seed"] == PLAN.key(1, 0, "generate").request_seed() == chain.seed
    assert chain.prompt_sha256 == prompt_sha256(server.requests[0]["messages"])
    assert (chain.status, chain.parents, chain.model, chain.attempts) == (Status.OK, (), "fake", 1)
    assert chain.started <= chain.ended


async def test_a_child_reads_its_parents_in_prompt_order_without_their_thinking(server, generation):
    await generation(QUESTION, PLAN, CHILD, (parent(2, "<think>hm</think>second"), parent(0, "zeroth")))
    text = server.requests[0]["messages"][-1]["content"]
    assert text.index("second") < text.index("zeroth")
    assert "hm" not in text
    assert "2 attempts" in text


async def test_one_living_parent_gets_the_refinement_prompt(server, generation):
    await generation(QUESTION, PLAN, CHILD, (parent(2, "alone"),))
    assert "one attempt" in server.requests[0]["messages"][-1]["content"]


async def test_earlier_messages_stay_in_front(server, generation):
    before = ({"role": "system", "content": "Be brief."},)
    await generation(replace(QUESTION, before=before), PLAN, SAMPLE, ())
    assert [message["role"] for message in server.requests[0]["messages"]] == ["system", "user"]


async def test_a_cut_reply_is_truncated_not_dead(server, generation):
    server.finish_reason = lambda body: "length"
    chain = await generation(QUESTION, PLAN, SAMPLE, ())
    assert (chain.status, chain.dead) == (Status.TRUNCATED, False)


async def test_a_failed_call_is_a_dead_chain_with_its_reason(server, generation):
    server.trouble = lambda body: Trouble(500, "boom")
    chain = await generation(QUESTION, PLAN, SAMPLE, ())
    assert (chain.dead, chain.text) == (True, "")
    assert "HTTP 500: boom" in chain.error
    assert chain.attempts == 1


async def test_an_orphan_dies_without_a_call(server, generation):
    chain = await generation(QUESTION, PLAN, CHILD, ())
    assert chain.dead
    assert server.requests == []


async def test_a_prompt_that_does_not_fit_is_never_sent(server, generation):
    long = replace(QUESTION, text="x" * 1000)
    chain = await replace(generation, context=1050)(long, PLAN, SAMPLE, ())
    assert chain.dead
    assert "the prompt has 1000 tokens and may be answered with 100 more, but the context window holds 1050" in chain.error
    assert server.requests == []
    assert not (await replace(generation, context=1100)(long, PLAN, SAMPLE, ())).dead


async def test_refusals_stop_the_run(server, generation):
    server.trouble = lambda body: Trouble(401, "no")
    with pytest.raises(rsa.EndpointRefused):
        await generation(QUESTION, PLAN, SAMPLE, ())
