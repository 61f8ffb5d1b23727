"""Several questions at once: one limit for all, results in order, failures kept apart."""

import asyncio
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rsa
from rsa.plan import Plan
from tests.fake_server import Trouble
from tests.library.test_callables import digit

RSA = rsa.RSA(3, 2, 2)


def answers(outcomes) -> list[tuple]:
    return [(outcome.text, outcome.usage, len(outcome.chains)) for outcome in outcomes]


@settings(max_examples=25)
@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=4, unique=True), st.integers(0, 3))
def test_each_gets_the_answer_that_it_gets_alone(questions, seed):
    together = rsa.run(questions, digit, RSA, seed=seed)
    assert answers(together) == answers([rsa.run(question, digit, RSA, seed=seed) for question in questions])


def test_results_come_in_order_whoever_is_first():
    first = asyncio.Event()

    async def slow_first(messages, sampling):
        if messages[-1]["content"] == "A?":
            await first.wait()
        elif messages[-1]["content"] == "C?":
            first.set()
        return messages[-1]["content"]

    told = []

    async def ask():
        return await rsa.arun(
            ["A?", "B?", "C?"], slow_first, rsa.Sample(), on_result=lambda number, outcome: told.append((number, outcome))
        )

    outcomes = asyncio.run(ask())
    assert [outcome.text for outcome in outcomes] == ["A?", "B?", "C?"]
    assert [number for number, _ in told] == [1, 2, 0]
    assert dict(told) == dict(enumerate(outcomes))


def test_one_limit_holds_for_all(server):
    rsa.run(["A?", "B?", "C?"], rsa.Endpoint(server.url, max_concurrency=2, concurrency="fixed"), rsa.Majority(4))
    assert len(server.requests) == 12
    assert server.most_in_flight <= 2


def test_a_question_that_is_asked_again_has_draws_of_its_own():
    chains = []
    first, second = rsa.run(["Q?", "Q?"], digit, rsa.Majority(8), seed=5, on_chain=chains.append)
    assert not {chain.seed for chain in first.chains} & {chain.seed for chain in second.chains}
    assert {chain.repeat for chain in first.chains} == {0}
    assert {(chain.problem, chain.repeat) for chain in chains} == {("Q?", 0), ("Q?", 1)}
    assert first.chains == tuple(sorted((chain for chain in chains if chain.repeat == 0), key=lambda chain: chain.place))


def test_conversations_and_texts_may_be_mixed_and_one_conversation_is_one_question(server):
    conversation = [{"role": "user", "content": "A number?"}]
    llm = rsa.Endpoint(server.url)
    assert isinstance(rsa.run(conversation, llm, rsa.Sample()), rsa.Result)
    several = rsa.run([conversation, "Another?"], llm, rsa.Sample())
    assert [body["messages"][0]["content"] for body in server.requests] == ["A number?", "A number?", "Another?"]
    assert [type(outcome) for outcome in several] == [rsa.Result, rsa.Result]
    assert [type(outcome) for outcome in rsa.run(("Q?",), llm, rsa.Sample())] == [rsa.Result]


def test_a_question_that_fails_loses_no_other(server):
    server.trouble = lambda body: Trouble(500, "boom") if "B?" in body["messages"][0]["content"] else None
    told = {}
    outcomes = rsa.run(["A?", "B?", "C?"], rsa.Endpoint(server.url, retries=0), RSA, on_result=told.__setitem__)
    assert [type(outcome) for outcome in outcomes] == [rsa.Result, rsa.RunFailed, rsa.Result]
    assert "boom" in str(outcomes[1])
    assert told == dict(enumerate(outcomes))


def test_what_stops_all_stands_for_those_that_were_not_answered():
    async def ending(messages, sampling):
        if messages[0]["content"] == "B?":
            raise rsa.EndpointRefused("the credit is used up")
        return "\\boxed{1}"

    one_by_one = rsa.CallableEndpoint(ending, max_concurrency=1)
    answered, *others = rsa.run(["A?", "B?", "C?"], one_by_one, rsa.Majority(2))
    assert answered.answer == "1"
    assert [str(outcome) for outcome in others] == ["the credit is used up"] * 2
    with pytest.raises(rsa.EndpointRefused, match="used up"):
        rsa.run(["B?", "A?"], one_by_one, rsa.Majority(2))


def test_a_budget_is_for_all_together():
    one_by_one = rsa.CallableEndpoint(digit, max_concurrency=1)
    outcomes = rsa.run(["A?", "B?", "C?"], one_by_one, rsa.Majority(4), budget=rsa.Budget(calls=6))
    whole, part, none = outcomes
    assert (len(whole.chains), whole.stopped) == (4, None)
    assert len(part.chains) == 2
    assert part.stopped == "the budget of these questions is spent: 6 of 6 calls are used, and the next call may take 1"
    assert isinstance(none, rsa.BudgetSpent)
    assert str(part).endswith(f"2 chains; {part.stopped}")
    assert str(whole).endswith("4 chains")


@pytest.mark.parametrize(
    ("asked", "options", "says"),
    [
        (["A?", " "], {}, "question 1: the question is empty"),
        (["A?", 7], {}, "question 1: a question is a text, or a conversation .* but this is of the type int"),
        (["A?", [{"role": "assistant", "content": "?"}]], {}, "question 1: the last message is of the assistant"),
        (["A?", "B?"], {"first": ["It is 1."]}, "first: samples that are there belong to one question"),
        ([], {}, "the question is empty"),
        (b"A?", {}, "several questions are a list of them, but this is of the type bytes"),
        ((text for text in ["A?"]), {}, "several questions are a list of them, but this is of the type generator"),
        ({"role": "user", "content": "A?"}, {}, "a conversation as a list of messages, .* but this is of the type dict"),
        ("A?", {"on_result": print}, "on_result tells of each of several questions, but one is asked"),
    ],
)
def test_what_cannot_be_asked_is_named_before_anything_is_sent(asked, options, says):
    async def never(messages, sampling):
        raise AssertionError

    with pytest.raises(rsa.UsageError, match=says):
        rsa.run(asked, never, rsa.RSA(2, 1, 2), **options)


def test_a_mistake_in_a_callback_passes():
    def wrong(number, outcome):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rsa.run(["A?"], digit, rsa.Sample(), on_result=wrong)


@pytest.mark.parametrize("option", ["on_result", "on_chain", "extract"])
def test_an_error_of_ours_out_of_the_callers_own_function_is_no_outcome(option):
    """It may come from a run within a callback."""
    called = []

    def late(*args):
        called.append(args)
        if len(called) > 3:
            raise rsa.UsageError("mine")

    with pytest.raises(rsa.UsageError, match="mine"):
        rsa.run(
            ["A?", "B?", "C?", "D?", "E?"], rsa.CallableEndpoint(digit, max_concurrency=1), rsa.Sample(), **{option: late}
        )


def test_plans_of_answered_questions_are_not_kept():
    plans, kept = [], []

    class Kept(Plan):
        """A plan that weak references may point to."""

    class Watched(rsa.Sample):
        def plan(self, seed, problem, repeat=0):
            plan = Kept(seed, problem, repeat, super().plan(seed, problem, repeat).populations)
            plans.append(weakref.ref(plan))
            return plan

    def count(number, outcome):
        kept.append(sum(plan() is not None for plan in plans))

    one_by_one = rsa.CallableEndpoint(digit, max_concurrency=1)
    rsa.run([f"{number}?" for number in range(50)], one_by_one, Watched(), on_result=count)
    assert max(kept) < 10
