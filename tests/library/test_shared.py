import asyncio

import pytest

from rsa.shared import Shared


async def test_what_several_want_is_made_once():
    shared, made = Shared(10), []

    async def make() -> str:
        made.append(1)
        await asyncio.sleep(0)
        return "result"

    assert await asyncio.gather(*(shared.get("key", make) for _ in range(5))) == ["result"] * 5
    assert await shared.get("key", make) == "result"
    assert len(made) == 1


async def test_a_failure_is_for_the_one_who_made_it():
    shared = Shared(10)
    outcomes = iter([KeyError("failed"), "result"])

    async def make() -> str:
        await asyncio.sleep(0)
        outcome = next(outcomes)
        if isinstance(outcome, KeyError):
            raise outcome
        return outcome

    first, second, third = await asyncio.gather(*(shared.get("key", make) for _ in range(3)), return_exceptions=True)
    assert isinstance(first, KeyError)
    assert (second, third) == ("result", "result")


async def test_who_waits_can_be_cancelled_without_harm_to_the_others():
    shared, go_on = Shared(10), asyncio.Event()

    async def make() -> str:
        await go_on.wait()
        return "result"

    maker, waiter, other = (asyncio.ensure_future(shared.get("key", make)) for _ in range(3))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    go_on.set()
    assert (await maker, await other) == ("result", "result")


async def test_only_the_last_results_are_kept():
    shared, made = Shared(2), []

    async def make(key: int) -> int:
        made.append(key)
        return key

    for key in (1, 2, 1, 3, 1, 2):
        assert await shared.get(key, lambda key=key: make(key)) == key
    assert made == [1, 2, 3, 2]
