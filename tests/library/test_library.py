import asyncio
import inspect
from functools import partial

import pytest

import rsa
from tests.fake_server import Trouble

QUICK = rsa.Sampling(max_tokens=50)


def test_run_answers_a_question(server):
    result = rsa.run(
        "How many?", rsa.Endpoint(server.url, model="fake"), rsa.RSA(n=4, k=2, steps=3), seed=0, need="population"
    )
    assert result.answer in {"0", "1", "2"}
    assert f"boxed{{{result.answer}}}" in result.text
    assert [chain.place for chain in result.chains] == [(step, slot) for step in (1, 2, 3) for slot in range(4)]
    assert [chain.place for chain in result.population] == [(3, slot) for slot in range(4)]
    assert result.chosen in result.population
    assert result.usage.completion == sum(chain.usage.completion for chain in result.chains)
    assert len(server.requests) == 12
    assert server.requests[0]["messages"] == [{"role": "user", "content": "How many?"}]


def test_the_same_seed_gives_the_same_result_and_another_does_not(server):
    llm = rsa.Endpoint(server.url, model="fake", max_concurrency=3)

    def texts(seed: int) -> list[tuple]:
        chains = rsa.run("How many?", llm, rsa.RSA(n=4, k=2, steps=3), seed=seed).chains
        return [(chain.text, chain.parents, chain.prompt_sha256, chain.seed) for chain in chains]

    assert texts(1) == texts(1)
    assert texts(1) != texts(2)


async def test_sync_run_inside_a_running_event_loop(server):
    """As in a notebook."""
    result = rsa.run("How many?", rsa.Endpoint(server.url), rsa.Majority(3), seed=0)
    assert len(result.chains) == 3
    with pytest.raises(rsa.UsageError, match="the question is empty"):
        rsa.run(" ", rsa.Endpoint(server.url))


async def test_arun_and_cancelling_it(server):
    result = await rsa.arun("How many?", rsa.Endpoint(server.url), rsa.Sample(), kind="math", system="Be brief.")
    assert result.answer is not None
    assert server.requests[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    server.trouble = lambda body: Trouble(hang=True)
    running = asyncio.ensure_future(rsa.arun("How many?", rsa.Endpoint(server.url), rsa.Majority(4)))
    await asyncio.to_thread(server.hanging.wait, 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(
    "strategy",
    [rsa.RSA(3, 2, 2), rsa.Majority(3), rsa.SelfRefine(3), rsa.SelfAggregation(3), rsa.Rejection(3), rsa.Sample()],
    ids=str,
)
def test_every_strategy_answers(server, strategy):
    result = rsa.run("How many?", rsa.Endpoint(server.url), strategy, sampling=QUICK, need="population")
    assert result.text
    assert len(result.chains) == len(strategy.plan(0, "How many?"))


def test_majority_votes(server):
    answers = iter(["1", "2", "2", "1", "2"])
    server.reply = lambda body: f"\\boxed{{{next(answers)}}}"
    assert rsa.run("How many?", rsa.Endpoint(server.url, max_concurrency=1), rsa.Majority(5)).answer == "2"


def test_dead_chains_are_survived_and_total_death_is_told(server):
    first = rsa.RSA(n=3, k=2, steps=2).plan(0, "Q?")
    unlucky = first.key(1, 1, "generate").request_seed()
    server.trouble = lambda body: Trouble(500) if body["seed"] == unlucky else None
    llm = rsa.Endpoint(server.url, retries=0)
    result = rsa.run("Q?", llm, rsa.RSA(n=3, k=2, steps=2), need="population")
    assert [chain.dead for chain in result.chains] == [False, True, False, False, False, False]
    server.trouble = lambda body: Trouble(500, "boom")
    with pytest.raises(rsa.RunFailed, match=r"every chain of the last population is dead.*the first error was: .*boom"):
        rsa.run("Q?", llm, rsa.Majority(2))


async def called_later(*args):
    return True


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kind": "maths"}, "did you mean 'math'"),
        ({"select": "best"}, "select: there is no 'best'"),
        ({"candidate_order": "share"}, "did you mean 'shared'"),
        ({"compaction": "anser"}, "did you mean 'answer'"),
        ({"prompts": "fancy"}, "neither a folder nor a shipped preset"),
        ({"need": "answers"}, "did you mean 'answer'"),
        ({"need": None}, "need: there is no None"),
        ({"compaction": None}, "compaction: there is no None"),
        ({"seed": None}, "seed is given as a whole number, not None"),
        ({"kind": None}, "kind is given as a name or an rsa.Kind, not None"),
        ({"prompts": None}, "prompts is given as the name of a preset or a folder, not None"),
        ({"system": 7}, "system is given as a text, not 7"),
        ({"budget": 100}, r"such as rsa.Budget\(calls=100\), not 100"),
        ({"sampling": {"temperature": 0}}, r"sampling is given as an rsa.Sampling, .* not \{'temperature': 0\}"),
        ({"sampling": rsa.Sampling(seed=3)}, "give seed= beside sampling="),
        ({"on_chain": 7}, "on_chain must be a function, not 7"),
        ({"on_chain": called_later}, "on_chain is called and not awaited: write it with def"),
        ({"extract": partial(called_later)}, "extract is called and not awaited"),
        ({"equivalence": called_later}, "equivalence is called and not awaited"),
        ({"first": "It is 1."}, "first: give a list of texts"),
        ({"first": iter(["It is 1."])}, "first: give a list of texts"),
    ],
)
def test_wrong_arguments_are_named_before_anything_is_sent(server, options, says):
    with pytest.raises(rsa.UsageError, match=says):
        rsa.run("Q?", rsa.Endpoint(server.url), rsa.Sample(), **options)
    assert server.requests == []


def test_the_answer_alone_is_the_same_for_fewer_calls(server):
    llm, strategy = rsa.Endpoint(server.url), rsa.RSA(n=8, k=2, steps=3)
    whole = rsa.run("Q?", llm, strategy, seed=3, need="population")
    asked = len(server.requests)
    alone = rsa.run("Q?", llm, strategy, seed=3)
    assert (alone.chosen.place, alone.text, alone.stopped) == (whole.chosen.place, whole.text, None)
    assert alone.population == (alone.chosen,)
    assert len(server.requests) - asked == len(alone.chains) <= 1 + 2 + 4 < asked == 24


@pytest.mark.parametrize(
    ("strategy", "select", "calls"),
    [
        (rsa.SelfRefine(3, 4), None, 3),
        (rsa.RSA(4, 2, 2), "majority", 8),
        (rsa.Rejection(3), None, 6),
        (rsa.Majority(5), None, 5),
        (rsa.SelfAggregation(3), None, 4),
    ],
    ids=str,
)
def test_an_answer_needs_all_chains_where_it_depends_on_all(server, strategy, select, calls):
    rsa.run("Q?", rsa.Endpoint(server.url), strategy, select=select)
    assert len(server.requests) == calls


CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Think of a number."},
    {"role": "assistant", "content": "I have one."},
    {"role": "user", "content": "Which?"},
]


def test_a_conversation_is_kept_and_aggregated_on_its_last_turn(server):
    rsa.run(CONVERSATION, rsa.Endpoint(server.url, max_concurrency=1), rsa.RSA(2, 2, 2))
    first, *_, last = (body["messages"] for body in server.requests)
    assert first == CONVERSATION
    assert last[:3] == CONVERSATION[:3]
    assert "Which?" in last[3]["content"]
    assert "boxed" in last[3]["content"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ([], "the question is empty"),
        (CONVERSATION[:3], "the last message is of the assistant"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "message 0: the content must be a text"),
        ([{"content": "?"}], "message 0 is not one"),
        ([{"role": "user", "content": " "}], "the question is empty"),
        (7, "a question is a text, or a conversation as a list of messages, .* but this is of the type int"),
    ],
)
def test_what_is_no_conversation_is_told(server, asked, says):
    with pytest.raises(rsa.UsageError, match=says):
        rsa.run(asked, rsa.Endpoint(server.url), rsa.Sample())
    assert server.requests == []


def test_samples_that_are_there_are_not_made_again(server):
    given = ["It is \\boxed{5}.", "It is \\boxed{6}."]
    result = rsa.run("Q?", rsa.Endpoint(server.url), rsa.RSA(3, 3, 2), first=given, need="population")
    assert len(server.requests) == 1 + 3
    assert [chain.text for chain in result.chains[:2]] == given
    assert all(text in body["messages"][0]["content"] for text in given for body in server.requests[1:])
    with pytest.raises(rsa.UsageError, match="2 texts were given"):
        rsa.run("Q?", rsa.Endpoint(server.url), rsa.Sample(), first=given)
    with pytest.raises(rsa.UsageError, match="none of them empty"):
        rsa.run("Q?", rsa.Endpoint(server.url), rsa.RSA(3, 3, 2), first=[""])


def test_texts_are_aggregated_by_one_call(server):
    result = rsa.aggregate("Q?", ["It is 5.", "It is 6.", "It is 7."], rsa.Endpoint(server.url), kind="math")
    (body,) = server.requests
    assert all(f"It is {number}." in body["messages"][0]["content"] for number in (5, 6, 7))
    assert result.text == server.reply(body)
    for texts in ([], "It is 5.", iter(["It is 5."]), ["It is 5.", " "]):
        with pytest.raises(rsa.UsageError, match="nothing to aggregate: give a list of one or more texts"):
            rsa.aggregate("Q?", texts, rsa.Endpoint(server.url))


@pytest.mark.parametrize("strategy", ["rsa", rsa.RSA])
def test_what_is_no_strategy_is_told(server, strategy):
    with pytest.raises(rsa.UsageError, match=r"is not a strategy, such as rsa\.RSA"):
        rsa.run("Q?", rsa.Endpoint(server.url), strategy)


@pytest.mark.parametrize("ends", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
def test_what_ends_the_work_from_within_passes_in_a_running_loop_too(server, ends):
    def ending(chain):
        raise ends

    async def notebook():
        rsa.run("Q?", rsa.Endpoint(server.url), rsa.Sample(), on_chain=ending)

    with pytest.raises(ends):
        asyncio.run(notebook())


def test_every_chain_is_told_when_it_is_finished(server):
    told = []
    result = rsa.run("Q?", rsa.Endpoint(server.url), rsa.Majority(4), on_chain=told.append)
    assert sorted(told, key=lambda chain: chain.place) == list(result.chains)


def test_an_answer_that_is_not_there_is_none(server):
    server.reply = lambda body: "I do not know."
    assert rsa.run("Q?", rsa.Endpoint(server.url), rsa.Majority(2)).answer is None


def test_result_prints_short(server):
    assert len(repr(rsa.run("Q?", rsa.Endpoint(server.url), rsa.Majority(30)))) < 400


def test_the_public_names_are_documented():
    for name in rsa.__all__:
        value = getattr(rsa, name)
        assert inspect.getdoc(value), name
