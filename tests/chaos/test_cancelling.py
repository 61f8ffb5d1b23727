"""Whatever ends a run early leaves no request at the server, no process, no task, and no place in flight lost."""

import asyncio
import random
import subprocess
import sys
import threading
from signal import SIGINT, SIGTERM

import pytest

import rsa
from rsa.scheduler import FixedLimit, Job, execute
from tests.chaos.faults import Kind, always, flawless
from tests.chaos.invariants import check, identity
from tests.chaos.server import wait_until
from tests.evaluation.runs import PLANNED
from tests.library.test_scheduler import chain

ASK = [{"role": "user", "content": "2+2?"}]
QUICK = rsa.Sampling(max_tokens=50)
BIG = rsa.RSA(n=12, k=3, steps=3)
ENDS = {
    "Ctrl-C": (SIGINT,),
    "Ctrl-C twice": (SIGINT, SIGINT),
    "SIGTERM": (SIGTERM,),
    "Ctrl-C and SIGTERM": (SIGINT, SIGTERM),
}


def nothing_left(server):
    """No request at the server, and no task in this event loop but ours."""
    wait_until(lambda: server.in_flight == 0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not others, others


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("after", [3, 20])
def test_signals_end_a_run_and_leave_nothing(chaos, start, launcher, folder, tally, end, after):
    chaos.delay = 0.05
    running = launcher.begin(folder, *start, "--out", "run")
    wait_until(lambda: len(chaos.attempts) >= after)
    first, *further = ENDS[end]
    running.send(first)
    if further:
        wait_until(lambda: running.ended() or "Stopping" in running.said())
        chaos.schedule = always(Kind.HANG)
        running.send(further[0])
    done = running.wait()
    assert done.code == 3, done.errors
    assert done.errors.count("Resume with: rsa-eval resume run") == 1
    assert "Traceback" not in done.errors
    wait_until(lambda: chaos.in_flight == 0 and not running.descendants())
    check(folder / "run", complete=False)
    chaos.schedule = flawless
    done = launcher.run(folder, "resume", "run")
    assert done.code == 0, done.errors
    check(folder / "run", complete=True)
    assert len(identity(folder / "run")) == PLANNED
    tally.interruptions[end] += 1
    tally.add_run(folder / "run", PLANNED)


def test_ctrl_c_while_the_server_is_gone_does_not_wait_for_it(chaos, start, launcher, folder, tally):
    chaos.before = lambda number: chaos.go_away() if number == 10 else None
    running = launcher.begin(folder, *start, "--out", "run", "--set", "endpoint.patience=3600")
    wait_until(lambda: len(chaos.attempts) >= 10 and chaos.in_flight == 0)
    running.send(SIGINT)
    wait_until(running.ended)
    done = running.wait()
    assert done.code == 3, done.errors
    assert "Resume with: rsa-eval resume run" in done.errors
    tally.interruptions["Ctrl-C in an outage"] += 1


@pytest.mark.parametrize("seed", range(8))
async def test_a_cancelled_answer_leaves_nothing(chaos, tally, seed):
    draws = random.Random(seed)
    chaos.delay = draws.choice([0, 0.01, 0.05])
    number = draws.randint(1, 30)
    chaos.schedule = lambda body, call, seen: Kind.HANG if len(chaos.attempts) >= number else None
    work = asyncio.ensure_future(rsa.arun("2+2?", rsa.Endpoint(chaos.url, model="fake"), BIG, need="population"))
    if seed:
        await asyncio.to_thread(chaos.hanging.wait, 60)
    else:
        await asyncio.sleep(0)  # before anything was sent
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    nothing_left(chaos)
    tally.interruptions["cancellation"] += 1


@pytest.mark.parametrize("kind", [Kind.HANG, Kind.DRIP, Kind.BUSY, Kind.RATE_SECONDS])
async def test_a_time_limit_around_an_answer_leaves_nothing(chaos, kind):
    """Also while calls wait to be sent again."""
    chaos.schedule = always(kind)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await rsa.arun("2+2?", rsa.Endpoint(chaos.url, model="fake", retries=1000), BIG)
    nothing_left(chaos)


class Mishap(BaseException):
    """Not even an `Exception`."""


@pytest.mark.parametrize("error", [ValueError, Mishap])
async def test_an_exception_in_a_callback_leaves_nothing(chaos, error):
    async with rsa.Endpoint(chaos.url, model="fake").connect() as client:

        async def generate(plan, planned, parents):
            await client.complete(ASK, QUICK, planned.slot)
            return chain(plan, planned.place, parents)

        def fail(finished):
            chaos.schedule = always(Kind.HANG)
            raise error

        chaos.delay = 0.01
        with pytest.raises(error):
            await execute([Job(BIG.plan(0, "p"), generate)], FixedLimit(6), fail)
        wait_until(lambda: chaos.in_flight == 0)
    nothing_left(chaos)


@pytest.mark.parametrize("seed", range(5))
async def test_no_place_in_flight_is_lost(chaos, seed):
    """Calls are cancelled at random: in line, under way, while they wait. Then all places are there, and not one more."""
    draws = random.Random(seed)
    chaos.delay = 0.005
    options = {"max_concurrency": 4, "concurrency": "fixed", "timeout": 1.0, "retries": 30}
    async with rsa.Endpoint(chaos.url, model="fake", **options).connect() as client:
        kinds = [None, Kind.HANG, Kind.BUSY, Kind.EMPTY, Kind.RESET, Kind.CONTEXT]
        chaos.schedule = lambda body, call, seen: random.Random(f"{seed} {call} {seen}").choice(kinds)
        calls = [asyncio.ensure_future(client.complete(ASK, QUICK, number * 1000)) for number in range(24)]
        for call in draws.sample(calls, len(calls)):
            await asyncio.sleep(draws.choice([0, 0.001, 0.02]))
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        wait_until(lambda: chaos.in_flight == 0)
        chaos.schedule, chaos.delay, chaos.most_in_flight = flawless, 0.1, 0
        await asyncio.gather(*(client.complete(ASK, QUICK, number) for number in range(12)))
        assert chaos.most_in_flight == 4
    nothing_left(chaos)


async def test_no_place_is_lost_by_a_call_that_is_cancelled_as_it_gets_one(chaos):
    """The one before it is cancelled a few turns of the event loop earlier: its place is just changing hands."""
    options = {"max_concurrency": 1, "concurrency": "fixed"}
    async with rsa.Endpoint(chaos.url, model="fake", **options).connect() as client:
        chaos.schedule = always(Kind.HANG)
        for turns in range(12):
            seen = len(chaos.attempts)
            holder = asyncio.ensure_future(client.complete(ASK, QUICK, turns))
            await asyncio.to_thread(wait_until, lambda seen=seen: len(chaos.attempts) > seen)
            waiter = asyncio.ensure_future(client.complete(ASK, QUICK, 1000 + turns))
            await asyncio.sleep(0.01)
            holder.cancel()
            for _ in range(turns):
                await asyncio.sleep(0)
            waiter.cancel()
            await asyncio.gather(holder, waiter, return_exceptions=True)
        chaos.schedule = flawless
        async with asyncio.timeout(60):
            await client.complete(ASK, QUICK, 0)
    nothing_left(chaos)


@pytest.mark.parametrize(
    "body", ["raise SystemExit(3)", "raise KeyboardInterrupt", "os.kill(os.getpid(), 9)", "os._exit(0)"]
)
def test_a_scorer_that_ends_its_process_ends_neither_the_run_nor_stays(chaos, start, launcher, folder, body):
    (folder / "mine.py").write_text(f"import os\n\n\ndef judge(attempt):\n    {body}\n")
    running = launcher.begin(
        folder, *start, "--limit", "1", "--n", "2", "--steps", "1", "--scorer", "mine.py:judge", "--out", "run"
    )
    done = running.wait()
    assert done.code == 3, done.errors
    assert "2 verdicts of 2 chains ended in an error" in done.errors
    assert "Traceback" not in done.errors
    wait_until(lambda: chaos.in_flight == 0 and not running.descendants())


ASKING = """
import asyncio, sys, rsa

def work():
    rsa.run("2+2?", rsa.Endpoint(sys.argv[1], model="fake"), rsa.Majority(4))

async def cell():
    work()

ways = {
    "script": work,
    "notebook": lambda: asyncio.new_event_loop().run_until_complete(cell()),
    "coroutine": lambda: asyncio.run(cell()),
}
ways[sys.argv[2]]()
"""


@pytest.mark.parametrize("place", ["script", "notebook", "coroutine"])
def test_ctrl_c_ends_a_synchronous_answer(chaos, tally, place):
    """`asyncio.run` takes the first Ctrl-C for a cancellation, on which a loop that is blocked cannot act."""
    chaos.schedule = always(Kind.HANG)
    command = [sys.executable, "-W", "ignore", "-c", ASKING, chaos.url, place]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        try:
            wait_until(lambda: chaos.in_flight == 4)
            running.send_signal(SIGINT)
            while place == "coroutine" and running.poll() is None:
                threading.Event().wait(0.1)  # two signals that are pending together are one
                running.send_signal(SIGINT)
            _, errors = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode, errors
    assert errors.rstrip().endswith("KeyboardInterrupt"), errors
    wait_until(lambda: chaos.in_flight == 0)
    tally.interruptions[f"Ctrl-C in a {place}"] += 1
