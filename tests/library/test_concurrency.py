"""The limit in flight against simulated servers, and the gate that enforces it."""

import asyncio
import heapq
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from rsa.endpoint.concurrency import Adaptive, Load
from rsa.endpoint.gate import Gate
from rsa.endpoint.queries import read_load
from tests.fake_server import FakeServer, Trouble

ASK = [{"role": "user", "content": "2+2?"}]


def simulated(
    limit: Adaptive,
    speed: Callable[[int], float],
    *,
    replies: int = 20_000,
    room: int = 10**9,
    slots: int | None = None,
    seed: int = 0,
) -> list[int]:
    """The limit after each reply of a server that makes `speed(running)` tokens a second in all, shared evenly.

    A call more than `room` is turned away. With `slots`, so many run at a time, and the queue is shown every second.
    """
    draw = random.Random(seed)
    now = served = 0.0  # served: tokens that each running sequence has had
    running: list[tuple[float, float, int]] = []
    waiting: list[int] = []
    limits: list[int] = []
    looked = 0.0
    while len(limits) < replies:
        while len(running) + len(waiting) < limit.limit:
            if len(running) + len(waiting) >= room:
                limit.turned_away(now, now)
                break
            waiting.append(round(draw.lognormvariate(6, 0.6)) + 1)
        while waiting and (slots is None or len(running) < slots):
            tokens = waiting.pop(0)
            heapq.heappush(running, (served + tokens, now, tokens))  # when it ends, when it was sent
        end, sent, tokens = heapq.heappop(running)
        now += (end - served) * (len(running) + 1) / speed(len(running) + 1)
        served = end
        limit.replied(tokens, len(running) + len(waiting) + 1, sent, now)
        if slots is not None and now - looked >= 1:
            looked = now
            limit.observed(Load(len(running), len(waiting)), len(running) + len(waiting), now)
        limits.append(limit.limit)
    return limits


def saturating(knee: int) -> Callable[[int], float]:
    """Throughput that grows in proportion up to a number of sequences, and then no more."""
    return lambda running: 50.0 * min(running, knee)


@pytest.mark.parametrize("knee", [4, 20, 64, 150])
@pytest.mark.parametrize("seed", range(3))
def test_it_finds_the_knee_of_a_server_and_stays_near(knee, seed):
    settled = simulated(Adaptive(1024), saturating(knee), seed=seed)[-8000:]
    used = sum(min(limit, knee) for limit in settled) / len(settled) / knee
    assert used > 0.97  # next to nothing of its throughput is lost
    assert sum(settled) / len(settled) < max(128, 4 * knee)  # and the queue is bounded: far from the ceiling of 1,024


def test_it_reaches_the_ceiling_where_more_is_always_faster():
    limits = simulated(Adaptive(256), lambda running: 50.0 * running, replies=4000)
    assert limits[-1] == 256
    assert limits.index(256) < 1500  # by doubling


@pytest.mark.parametrize("room", [1, 10, 100])
def test_a_server_that_turns_calls_away_is_filled_and_not_flooded(room):
    """A sawtooth between half the room and the room."""
    settled = simulated(Adaptive(512), lambda running: 50.0 * running, room=room)[-8000:]
    mean = sum(settled) / len(settled)
    assert 0.5 * room <= mean <= room + 16


@pytest.mark.parametrize("slots", [8, 64, 200])
def test_a_server_that_shows_its_queue_is_kept_full_with_a_short_one(slots):
    settled = simulated(Adaptive(1024), saturating(slots), slots=slots)[-5000:]
    assert min(settled) >= slots
    assert max(settled) <= 1.5 * slots + 40


def test_a_demand_below_the_limit_moves_nothing():
    limit = Adaptive(1000)
    for reply in range(1000):
        limit.replied(100, 5, reply / 10 - 1, reply / 10)
    assert limit.limit == 32


def test_a_burst_of_refusals_counts_once():
    limit = Adaptive(256)
    for _ in range(64):
        limit.turned_away(sent=1.0, now=2.0)
    assert limit.limit == 16
    limit.turned_away(sent=2.5, now=3.0)
    assert limit.limit == 8


EVENTS = st.one_of(
    st.tuples(st.just("replied"), st.integers(0, 10_000), st.integers(1, 500)),
    st.tuples(st.just("away"), st.floats(0, 100), st.just(0)),
    st.tuples(st.just("load"), st.integers(0, 500), st.integers(0, 500)),
)


@given(st.integers(1, 300), st.lists(EVENTS, max_size=200))
def test_the_limit_is_never_below_one_nor_above_the_ceiling(ceiling, events):
    limit, fixed = Adaptive(ceiling), Adaptive.fixed(ceiling)
    for now, (kind, one, other) in enumerate(events, 1):
        for each in (limit, fixed):
            if kind == "replied":
                each.replied(one, other, now / 10 - 1, now / 10)
            elif kind == "away":
                each.turned_away(one, float(now))
            else:
                each.observed(Load(one, other), one + other, float(now))
        assert 1 <= limit.limit <= ceiling
        assert fixed.limit == ceiling


@given(st.lists(st.sampled_from(["enter", "leave", "cancel", "up", "down"]), max_size=80))
def test_the_gate_lets_in_as_many_as_the_limit_and_loses_no_place(moves):
    async def play() -> None:
        limit = Adaptive(4, 2, steady=True)
        gate = Gate(limit)
        leave: list[asyncio.Event] = []
        tasks: list[asyncio.Task[None]] = []

        async def visit(done: asyncio.Event) -> None:
            async with gate.place():
                await done.wait()

        for move in moves:
            before = gate.in_flight
            if move == "enter":
                leave.append(asyncio.Event())
                tasks.append(asyncio.ensure_future(visit(leave[-1])))
            elif move == "leave" and leave:
                leave[len(leave) // 2].set()
            elif move == "cancel" and tasks:
                tasks[len(tasks) // 2].cancel()
            else:
                limit.limit = min(4, max(1, limit.limit + (1 if move == "up" else -1)))
                gate.moved()
            await asyncio.sleep(0)
            assert gate.in_flight <= max(before, limit.limit)
        for event in leave:
            event.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert gate.in_flight == 0
        async with asyncio.timeout(60), gate.place():
            pass

    asyncio.run(play())


async def test_who_is_cancelled_as_the_place_is_given_gives_it_on():
    gate = Gate(Adaptive.fixed(1))
    order: list[str] = []

    async def visit(name: str) -> None:
        async with gate.place():
            order.append(name)
            await asyncio.sleep(0)

    tasks = [asyncio.ensure_future(visit(name)) for name in "abc"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # a leaves, and b's place is given but not yet taken
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["a", "c"]
    assert gate.in_flight == 0


async def test_a_server_that_turns_calls_away_is_asked_for_less(monkeypatch):
    monkeypatch.setattr("rsa.endpoint.retrying.backoff", lambda *_: 0.0)
    with FakeServer() as server:
        async with rsa.Endpoint(server.url, model="fake", retries=50).connect() as client:
            server.trouble = lambda body: Trouble(429) if client.gate.in_flight > 5 else None
            await asyncio.gather(*(client.complete(ASK, rsa.Sampling(), seed) for seed in range(300)))
            assert client.gate.now < 24
        server.trouble = lambda body: None
        async with rsa.Endpoint(server.url, model="fake", concurrency="fixed", max_concurrency=7).connect() as client:
            await asyncio.gather(*(client.complete(ASK, rsa.Sampling(), seed) for seed in range(300)))
            assert (client.gate.now, client.gate.most_in_flight) == (7, 7)


def test_the_load_is_read_from_prometheus_text():
    page = (
        "# HELP vllm:num_requests_running Number of requests in model execution batches.\n"
        'vllm:num_requests_running{engine="0",model_name="m"} 12.0\n'
        'vllm:num_requests_running{engine="1",model_name="m"} 3.0\n'
        'vllm:num_requests_waiting{engine="0",model_name="m"} 2.0\n'
        'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25\n'
        'vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 9.0\n'
    )
    assert read_load(page) == Load(15, 2, 0.25)
    assert read_load("llamacpp:requests_processing 1\n") is None
