import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from rsa.budget import Account, Amount, Budget, Prices, Purse
from rsa.chain import Usage
from tests.fake_server import FakeServer, Trouble

CHEAP = Prices(prompt=1.0, completion=4.0)


def test_prices_are_per_million_and_know_the_cache():
    usage = Usage(prompt=1_000_000, cached=400_000, completion=500_000)
    assert Prices(1.0, 4.0).of(usage) == pytest.approx(1 + 2)
    assert Prices(1.0, 4.0, cached=0.1).of(usage) == pytest.approx(0.6 + 0.04 + 2)
    assert Prices(1.0, 4.0).of(Usage()) == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tokens": 0}, "a budget of tokens must be positive, not 0"),
        ({"seconds": -1.0}, "seconds must be positive"),
        ({"seconds": float("nan")}, "seconds must be positive"),
        ({"usd": 1.0}, r"needs the prices of the tokens: give them \(prices.prompt, prices.completion\)"),
    ],
)
def test_impossible_budgets_are_refused(options, says):
    with pytest.raises(rsa.UsageError, match=says):
        Budget(**options)
    with pytest.raises(rsa.UsageError, match="must not be negative"):
        Prices(1.0, -1.0)


CALLS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50), st.floats(0, 1)), max_size=40)


@given(CALLS, st.integers(1, 600), st.integers(1, 30), st.integers(1, 8))
def test_no_bound_is_ever_exceeded_and_what_is_not_taken_is_given_back(calls, tokens, most_calls, at_once):
    async def run() -> None:
        whole = Account("the run", Budget(tokens=tokens, calls=most_calls, usd=tokens * 2e-6, prices=CHEAP))
        small = Account("a problem", Budget(tokens=max(1, tokens // 2)))
        places = asyncio.Semaphore(at_once)

        async def call(prompt: int, completion: int, share: float) -> Usage:
            async with places, Purse([whole, small]).call(prompt, completion) as bill:
                bill.sent = True
                await asyncio.sleep(0)
                bill.usage = Usage(prompt, 0, round(completion * share))
                return bill.usage

        done = await asyncio.gather(*(call(*each) for each in calls), return_exceptions=True)
        made = [each for each in done if isinstance(each, Usage)]
        assert all(isinstance(each, Usage | rsa.BudgetSpent) for each in done)
        total = Usage.total(made)
        spent = whole.budget.amount(total, len(made))
        assert not whole.budget.exceeded_by(spent)
        assert not small.budget.exceeded_by(spent)
        assert whole.spent.tokens == small.spent.tokens == (total.prompt or 0) + (total.completion or 0)
        assert whole.spent.calls == len(made)
        assert bool(whole.exhausted or small.exhausted) == (len(made) < len(calls))

    asyncio.run(run())


async def test_a_call_that_may_not_fit_waits_for_those_that_give_back():
    account = Account("the run", Budget(tokens=100))
    async with AsyncExitStack() as stack:
        bill = await stack.enter_async_context(Purse([account]).call(10, 80))
        second = asyncio.ensure_future(enter(account, 10, 60))
        await asyncio.sleep(0)
        assert not second.done()
        bill.sent, bill.usage = True, Usage(10, 0, 5)
    await second
    assert account.spent == Amount(15, 1)


async def enter(account: Account, prompt: int, completion: int) -> None:
    async with Purse([account]).call(prompt, completion):
        pass


async def test_the_message_has_the_numbers():
    account = Account("problem 7", Budget(tokens=100), Amount(tokens=95, calls=3))
    with pytest.raises(
        rsa.BudgetSpent, match="the budget of problem 7 is spent: 95 of 100 tokens are used, and the next call may take 10"
    ):
        await enter(account, 4, 6)


async def test_seconds_end_the_waiting_too():
    account = Account("the run", Budget(tokens=100, seconds=0.05))
    async with Purse([account]).call(50, 50):
        with pytest.raises(rsa.BudgetSpent, match=r"0.05 seconds are over"):
            await enter(account, 1, 1)
    resumed = Account("the run", Budget(seconds=5.0), seconds=5.0)
    with pytest.raises(rsa.BudgetSpent):
        await enter(resumed, 1, 1)


async def test_a_call_that_is_not_sent_or_is_cancelled_takes_nothing_away():
    account = Account("the run", Budget(calls=1))

    async def hang() -> None:
        async with Purse([account]).call(1, 1):
            await asyncio.Event().wait()

    task = asyncio.ensure_future(hang())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert account.spent == Amount()
    await enter(account, 1, 1)


def test_the_best_answer_so_far_when_the_budget_ends_in_the_middle():
    with FakeServer() as server:
        llm = rsa.Endpoint(server.url, model="fake", max_concurrency=3)
        options = {"kind": "math", "sampling": rsa.Sampling(max_tokens=100), "need": "population"}
        result = rsa.run("How many?", llm, rsa.RSA(4, 2, 5), budget=Budget(calls=10), **options)
        assert len(server.requests) == 10 == len(result.chains)
        assert (
            result.stopped == "the budget of this question is spent: 10 of 10 calls are used, and the next call may take 1"
        )
        assert {chain.step for chain in result.population} == {2}
        assert len(result.population) == 4
        whole = rsa.run("How many?", llm, rsa.RSA(4, 2, 2), **options)
        assert whole.stopped is None
        assert {chain.slot: chain.text for chain in whole.population} == {
            chain.slot: chain.text for chain in result.population
        }
        with pytest.raises(rsa.BudgetSpent, match="before anything could answer: raise it"):
            rsa.run("How many?", llm, rsa.RSA(4, 2, 5), budget=Budget(tokens=10), **options)


def test_retries_are_calls_too():
    with FakeServer() as server:
        server.trouble = lambda body: Trouble(500)
        llm = rsa.Endpoint(server.url, model="fake", retries=50)
        with pytest.raises(rsa.BudgetSpent):
            rsa.run("How many?", llm, rsa.Sample(), budget=Budget(calls=2))
        assert len(server.requests) == 2


def test_what_is_no_budget_is_refused():
    with pytest.raises(rsa.UsageError, match="must be a whole number"):
        Budget(calls=1.5)
    with pytest.raises(rsa.UsageError, match=r"budget is given as an rsa.Budget, such as rsa.Budget\(calls=100\)"):
        rsa.run("How many?", rsa.Endpoint("http://localhost:9/v1"), budget={"calls": 3})
