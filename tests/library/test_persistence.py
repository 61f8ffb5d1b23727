"""What a call that is given up says of how it failed."""

import pytest

import rsa
from rsa.endpoint import Sampling
from tests.fake_server import Trouble

ASK = [{"role": "user", "content": "2+2?"}]


async def failure(server, trouble, **options):
    server.trouble = lambda body: trouble
    async with rsa.Endpoint(server.url, model="fake", retries=0, **options).connect() as client:
        with pytest.raises((rsa.CallFailed, rsa.EndpointRefused)) as caught:
            await client.complete(ASK, Sampling(max_tokens=5), 0)
    return caught.value


@pytest.mark.parametrize(
    ("trouble", "kind", "status"),
    [
        (Trouble(500, "oops"), rsa.CallFailed, 500),
        (Trouble(503, "starting"), rsa.CallFailed, 503),
        (Trouble(200, "<html>"), rsa.CallFailed, None),
        (Trouble(reset=True), rsa.CallFailed, None),
        (Trouble(401, "wrong key"), rsa.EndpointRefused, 401),
        (Trouble(400, "no such field"), rsa.EndpointRefused, 400),
        (Trouble(302, headers={"Location": "http://elsewhere/"}), rsa.EndpointRefused, 302),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)
async def test_the_status_of_the_last_attempt_is_kept(server, trouble, kind, status):
    error = await failure(server, trouble)
    assert type(error) is kind
    assert error.status == status


async def test_no_reply_in_time_is_504(server):
    assert (await failure(server, Trouble(hang=True), timeout=0.1)).status == 504


async def test_a_prompt_that_is_too_long_keeps_it_too(server):
    long = [{"role": "user", "content": "x" * 50}]
    server.trouble = lambda body: Trouble(400, "maximum context length") if body["messages"] == long else None
    async with rsa.Endpoint(server.url, model="fake").connect() as client:
        with pytest.raises(rsa.ContextOverflow) as caught:
            await client.complete(long, Sampling(max_tokens=5), 0)
    assert caught.value.status == 400
