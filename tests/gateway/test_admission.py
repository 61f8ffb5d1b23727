"""Places and lines, without a server."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsa.gateway.admission import Admission
from rsa.gateway.problems import ApiError


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30), st.integers(1, 4), st.integers(1, 3))
async def test_no_more_than_allowed_are_in_and_all_come_in_at_last(visitors, most, per_key):
    admission = Admission(most, 100, per_key)
    inside, came = [], []

    async def visit(owner):
        async with admission.place(owner):
            inside.append(owner)
            assert len(inside) <= most
            assert inside.count(owner) <= per_key
            try:
                await asyncio.sleep(0)
                came.append(owner)
            finally:
                inside.remove(owner)

    tasks = [asyncio.ensure_future(visit(owner)) for owner, _ in visitors]
    await asyncio.sleep(0)
    leaving = [task for task, (_, leaves) in zip(tasks, visitors, strict=True) if leaves and task.cancel()]
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(task.exception() is None for task in tasks if not task.cancelled())
    assert len(came) >= len(tasks) - len(leaving)
    assert (admission.working, admission.waiting) == (0, [])


async def test_whoever_waits_for_the_places_of_its_key_lets_others_pass():
    admission = Admission(2, 10, 1)
    first = admission.place("a")
    await first.__aenter__()
    second = asyncio.ensure_future(admission.place("a").__aenter__())
    await asyncio.sleep(0)
    assert not second.done()
    async with admission.place("b"):
        assert admission.working == 2
    await first.__aexit__(None, None, None)
    await second
    assert admission.working == 1


async def test_nobody_may_wait_where_the_queue_is_none():
    admission = Admission(1, 0, None)
    async with admission.place("a"):
        with pytest.raises(ApiError, match="try again later") as told:
            await admission.place("b").__aenter__()
    assert (told.value.status, told.value.retry_after) == (429, 1)
    async with admission.place("b"):
        assert admission.working == 1
