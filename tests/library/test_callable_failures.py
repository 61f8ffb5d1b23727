"""What goes wrong in a model of one's own: tried again, waited out, a dead chain, or the end of the run."""

import asyncio
from functools import partial

import pytest

import rsa
from rsa.endpoint import CallableEndpoint


@pytest.mark.parametrize(
    "failure",
    [
        rsa.TryAgain("busy", wait=3.0, busy=True),
        rsa.TryAgain("hiccup"),
        TimeoutError(),
        ConnectionResetError("reset"),
        KeyError("not in the API's reply"),
    ],
    ids=repr,
)
def test_failures_that_may_pass_are_tried_again(clock, failure):
    failures = [failure]

    async def flaky(messages, sampling):
        if failures:
            raise failures.pop()
        return "\\boxed{1}"

    llm = CallableEndpoint(flaky, retry_on=(LookupError,))
    chain = rsa.run("Q?", llm, rsa.Sample()).chosen
    assert (chain.text, chain.attempts) == ("\\boxed{1}", 2)
    assert clock[0] > 1003 or failure.args != ("busy",)


def test_a_blank_reply_is_asked_for_again_with_another_seed(clock):
    seeds = []

    async def shy(messages, sampling):
        seeds.append(sampling.seed)
        return "" if len(seeds) == 1 else "\\boxed{1}"

    chain = rsa.run("Q?", shy, rsa.Sample()).chosen
    assert seeds == [chain.seed - 1, chain.seed]


def test_out_of_retries_and_refused_prompts_are_dead_chains(clock):
    async def failing(kind, messages, sampling):
        raise kind("no")

    with pytest.raises(rsa.RunFailed, match=r"partial: no \(tried 2 times\)"):
        rsa.run("Q?", CallableEndpoint(partial(failing, rsa.TryAgain), retries=1), rsa.Sample())
    calls = []

    async def refusing(messages, sampling):
        calls.append(sampling.seed)
        raise rsa.CallFailed("this prompt is refused", usage=rsa.Usage(5, None, 0))

    chains = []
    with pytest.raises(rsa.RunFailed, match="the first error was: this prompt is refused"):
        rsa.run("Q?", refusing, rsa.Majority(20), on_chain=chains.append)
    assert len(calls) == 20
    assert {(chain.attempts, chain.usage.prompt) for chain in chains} == {(1, 5)}


def test_a_model_that_is_broken_for_all_stops_the_run():
    async def down(messages, sampling):
        raise ConnectionRefusedError("nobody there")

    with pytest.raises(rsa.EndpointUnreachable, match=r"down: ConnectionRefusedError: nobody there; 10 calls in a row"):
        rsa.run("Q?", CallableEndpoint(down, retries=0), rsa.Majority(30))


def test_an_outage_is_waited_out_and_kills_no_chain(clock):
    probes = []

    async def sometimes(messages, sampling):
        probes.append(sampling.max_tokens == 1)
        if clock[0] < 1060:
            raise ConnectionResetError("gone")
        return "\\boxed{1}"

    result = rsa.run("Q?", sometimes, rsa.Majority(8))
    assert not [chain for chain in result.chains if chain.dead]
    assert any(probes)
    clock[0] = 0.0
    with pytest.raises(rsa.EndpointUnreachable, match="sometimes: ConnectionResetError: gone; no answer for 30 s"):
        rsa.run("Q?", CallableEndpoint(sometimes, patience=30), rsa.Majority(8))


def test_a_mistake_in_the_function_passes_as_it_is():
    async def wrong(messages, sampling):
        return messages[0]["contents"]

    with pytest.raises(KeyError, match="contents"):
        rsa.run("Q?", wrong, rsa.Majority(3))

    async def refused(messages, sampling):
        raise rsa.EndpointRefused("wrong key")

    for llm in (refused, CallableEndpoint(refused, retry_on=(ValueError,))):
        with pytest.raises(rsa.EndpointRefused, match="wrong key"):
            rsa.run("Q?", llm, rsa.Majority(3))


def test_an_end_of_another_run_within_the_function_kills_a_chain_and_says_why():
    """It is not our budget that is spent."""

    async def asking(messages, sampling):
        spent = rsa.BudgetSpent("the budget of the other question is spent")
        if messages[-1]["content"] == "A?":
            raise spent
        return "\\boxed{1}"

    failed, answered = rsa.run(["A?", "B?"], asking, rsa.Majority(2))
    assert "the first error was: the budget of the other question is spent" in str(failed)
    assert answered.answer == "1"


@pytest.mark.parametrize("several", [False, True])
def test_a_function_that_cancels_itself_fails_and_ends_nobody_else(several):
    async def cancelling(messages, sampling):
        raise asyncio.CancelledError

    llm = CallableEndpoint(cancelling, retries=0)
    if several:
        assert [type(outcome) for outcome in rsa.run(["Q?", "R?"], llm, rsa.Sample())] == [rsa.RunFailed] * 2
    else:
        with pytest.raises(rsa.RunFailed, match="cancelling: the function cancelled itself"):
            rsa.run("Q?", llm, rsa.Sample())


def test_a_time_limit_of_the_functions_own_is_not_taken_for_ours():
    async def hasty(messages, sampling):
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    with pytest.raises(rsa.RunFailed, match=r"hasty: the function raised TimeoutError \(tried 1 times\)"):
        rsa.run("Q?", CallableEndpoint(hasty, retries=0), rsa.Sample())
