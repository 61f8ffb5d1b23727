import asyncio
import threading

import pytest

import rsa
from rsa.endpoint.circuit import Circuit
from rsa.endpoint.faults import Fault, FaultKind
from rsa.endpoint.retrying import Waiting
from tests.fake_server import FakeServer, Trouble

ASK = [{"role": "user", "content": "2+2?"}]
QUICK = rsa.Sampling(max_tokens=50)
GONE = Fault(FaultKind.UNREACHABLE, "no connection", "cannot connect")
BROKEN = Fault(FaultKind.RETRY, "HTTP 500", "HTTP 500", 500)


class Server:
    def __init__(self, outcomes: list[Fault | None]) -> None:
        self.outcomes = outcomes
        self.probes = 0

    async def __call__(self) -> None:
        self.probes += 1
        outcome = self.outcomes.pop(0) if self.outcomes else None
        await asyncio.sleep(0)
        if outcome:
            raise outcome


async def test_all_wait_for_one_probe_and_go_on_together(clock):
    server = Server([GONE, GONE, BROKEN])
    circuit = Circuit(60, server, Waiting())
    circuit.failed(GONE)
    await asyncio.gather(*(circuit.closed() for _ in range(100)))
    assert server.probes == 4
    assert not circuit.open


async def test_it_opens_after_ten_failures_in_a_row_and_not_before(clock):
    circuit = Circuit(60, Server([]), Waiting())
    for _ in range(3):
        for _ in range(9):
            circuit.failed(BROKEN)
        assert not circuit.open
        circuit.succeeded()
    for _ in range(10):
        circuit.failed(BROKEN)
    assert circuit.open


@pytest.mark.parametrize("kind", [FaultKind.CONTEXT, FaultKind.PROMPT, FaultKind.REFUSED])
async def test_a_refusal_is_an_answer(clock, kind):
    circuit = Circuit(60, Server([]), Waiting())
    for _ in range(9):
        circuit.failed(BROKEN)
    circuit.failed(Fault(kind, "HTTP 400", "no", 400))
    circuit.failed(BROKEN)
    assert not circuit.open


async def test_patience_is_the_time_without_any_answer(clock):
    server = Server([GONE] * 10_000)
    circuit = Circuit(90, server, Waiting())
    circuit.failed(GONE)
    with pytest.raises(rsa.EndpointUnreachable, match=r"no answer for 90 s: is the server running\?"):
        await circuit.closed()
    assert clock[0] == 1090
    assert circuit.seconds_open == 90


async def test_a_server_that_turns_everybody_away_has_the_same_patience(clock):
    circuit = Circuit(90, Server([]), Waiting())
    busy = Fault(FaultKind.BUSY, "HTTP 429", "HTTP 429: slow down", 429)
    circuit.failed(busy)
    clock[0] += 89
    circuit.failed(busy)
    circuit.succeeded()
    circuit.failed(busy)
    clock[0] += 90
    with pytest.raises(rsa.EndpointUnreachable, match="HTTP 429: slow down; every call was turned away for 90 s"):
        circuit.failed(busy)


async def test_who_waits_can_be_sent_away(clock):
    waiting = Waiting()
    circuit = Circuit(90, Server([GONE] * 100), waiting)
    circuit.failed(GONE)
    waiting.end()
    with pytest.raises(rsa.CallAbandoned):
        await circuit.closed()


async def test_a_probe_that_is_cancelled_is_taken_over(clock):
    server = Server([GONE] * 3)
    circuit = Circuit(90, server, Waiting())
    circuit.failed(GONE)
    first = asyncio.ensure_future(circuit.closed())
    second = asyncio.ensure_future(circuit.closed())
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()


async def test_an_outage_costs_no_chain_and_few_requests(clock):
    """A server that fails every call for a while: without the circuit 40 calls would use up their retries."""
    with FakeServer() as server:
        server.trouble = lambda body: Trouble(502) if len(server.requests) < 60 else None
        async with rsa.Endpoint(server.url, model="fake", concurrency="fixed").connect() as client:
            replies = await asyncio.gather(*(client.complete(ASK, QUICK, seed) for seed in range(40)))
        assert len(replies) == 40
        assert client.faults["HTTP 502"] <= 52  # of sixty that fail; the rest are probes, which are nobody's calls
        assert client.seconds_waited > 0


async def test_winding_down_lets_calls_in_flight_end_and_abandons_those_that_wait():
    release = threading.Event()
    with FakeServer() as server:

        def reply(body):
            server.hanging.set()
            release.wait(60)
            return "four"

        server.reply = reply
        async with rsa.Endpoint(server.url, model="fake", max_concurrency=1).connect() as client:
            first = asyncio.ensure_future(client.complete(ASK, QUICK, 0))
            second = asyncio.ensure_future(client.complete(ASK, QUICK, 1))
            await asyncio.to_thread(server.hanging.wait, 60)
            client.wind_down()
            release.set()
            assert (await first).text == "four"
            with pytest.raises(rsa.CallAbandoned):
                await second
        assert len(server.requests) == 1


async def test_counting_waits_for_a_server_that_is_gone():
    with FakeServer() as server:
        port = server.port
        async with rsa.Endpoint(server.url, model="fake", patience=60).connect() as client:
            assert await client.count_tokens(ASK) == 4
            endpoint = client.endpoint
    async with endpoint.connect() as client:
        counting = asyncio.ensure_future(client.count_tokens(ASK))
        while not client.faults:  # noqa: ASYNC110
            await asyncio.sleep(0)
        back = FakeServer()
        back.port = port
        with back:
            assert await counting == 4


async def test_nothing_is_sent_after_winding_down(clock):
    """Neither one probe for each that waits, nor the end of a probe that hangs."""
    waiting = Waiting()
    started = asyncio.Event()

    class Hanging(Server):
        async def __call__(self) -> None:
            self.probes += 1
            started.set()
            await asyncio.Event().wait()

    server = Hanging([])
    circuit = Circuit(60, server, waiting)
    circuit.failed(GONE)
    waits = [asyncio.ensure_future(circuit.closed()) for _ in range(40)]
    await started.wait()
    waiting.end()
    ended = await asyncio.gather(*waits, return_exceptions=True)
    assert {type(each) for each in ended} == {rsa.CallAbandoned}
    assert server.probes == 1


@pytest.mark.parametrize("fault", [Fault(FaultKind.BUSY, "HTTP 429", "", 429), Fault(FaultKind.RETRY, "HTTP 503", "", 503)])
async def test_patience_does_not_run_while_the_server_works_on_a_call(clock, fault):
    working = [True]

    server = Server([fault] * 200 + [None])
    circuit = Circuit(60, server, Waiting(), lambda: working[0])
    for _ in range(20):
        circuit.failed(fault)
        clock[0] += 10
    await circuit.closed()
    working[0] = False
    server.outcomes = [fault] * 10_000

    async def last() -> None:
        for _ in range(20):
            circuit.failed(fault)
            clock[0] += 10
            await circuit.closed()

    with pytest.raises(rsa.EndpointUnreachable):
        await last()
