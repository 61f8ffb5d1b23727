"""How far a run is: populations, speeds, and when something is said of the time left."""

import heapq
import random
from collections import Counter
from dataclasses import replace

import pytest

from evals.display import Outset, Vitals, outset
from evals.display.left import seconds_left
from evals.display.progress import Progress
from evals.display.vitals import Spending
from evals.display.words import clock, short, time_left
from evals.index import ChainIndex, Layout
from evals.store import AppendLog
from rsa.chain import Status
from tests.evaluation.made import STRATEGY, chain, fill, verdict


def test_populations_are_complete_when_their_last_chain_is_done_dead_ones_too():
    progress = Progress(Outset({1: 2, 2: 2}, 2), 0.0)
    progress.take(chain(1, 0), 1.0)
    assert (progress.steps[1].done, progress.steps[1].complete) == (1, 0)
    progress.take(chain(1, 0, "b"), 1.0)
    assert progress.steps[1].complete == 0
    progress.take(chain(1, 1, status=Status.DEAD), 1.0)
    progress.take(chain(2, 1, status=Status.TRUNCATED), 1.0)
    step = progress.steps[1]
    assert (step.planned, step.done, step.complete, step.populations, step.dead) == (4, 3, 1, 2, 1)
    whole = progress.whole()
    assert (whole.planned, whole.done, whole.complete, whole.truncated, whole.dead) == (8, 4, 1, 1, 1)


def test_the_rate_of_late_and_the_mean():
    progress = Progress(Outset({1: 1000}, 1), 0.0)
    assert progress.rates(5.0) is None
    for second in range(100):
        progress.take(chain(slot=second, tokens=50 if second < 70 else 200, seconds=2.0), float(second))
    recent, mean = progress.rates(99.9)
    assert recent == pytest.approx(200, rel=0.05)
    assert mean == pytest.approx((70 * 50 + 30 * 200) / 99.9)
    assert progress.rates(1000.0)[0] == 0.0


def test_no_time_left_is_told_before_enough_is_known():
    progress = Progress(Outset({1: 16, 2: 16}, 10), 0.0)
    assert seconds_left(progress, Vitals(), 60.0) is None
    fill(progress, 1, 7, 20.0)
    assert seconds_left(progress, Vitals(), 60.0) is None, "too few chains"
    fill(progress, 1, 9, 20.0, "b")
    assert seconds_left(progress, Vitals(), 60.0) is None, "no chain of step 2 has shown how long it takes"
    fill(progress, 2, 4, 30.0)
    assert seconds_left(progress, Vitals(), 60.0) is not None
    assert seconds_left(progress, Vitals(), 4.0) is None, "too short a time"
    assert seconds_left(progress, Vitals(21, 32), 60.0) is None, "not as many are finished as there are in flight"


def test_chains_weigh_as_much_as_those_of_their_step_take():
    """20 finished chains of 10 s and 10 of 40 s in 60 s; 20 of the first and 30 of the other kind are left."""
    progress = Progress(Outset({1: 4, 2: 4}, 10), 0.0)
    for number in range(5):
        fill(progress, 1, 4, 60.0, str(number), seconds=10.0)
    for number in range(2):
        fill(progress, 2, 4, 60.0, str(number), seconds=40.0)
    fill(progress, 2, 2, 60.0, "2", seconds=40.0)
    assert seconds_left(progress, Vitals(), 60.0) == pytest.approx(60 * (20 * 10 + 30 * 40) / (20 * 10 + 10 * 40))


def test_steps_that_follow_one_another_bound_the_time_left_from_below():
    """One problem, a thousand places: each further step still takes as long as a chain."""
    progress = Progress(Outset(dict.fromkeys(range(1, 11), 16), 1), 0.0)
    fill(progress, 1, 16, 10.0, seconds=10.0)
    fill(progress, 2, 16, 20.0, seconds=10.0)
    assert seconds_left(progress, Vitals(), 20.0) == pytest.approx(80, abs=5)


def simulated(problems, steps, places, seconds, progress):
    """Run plans of RSA(n=16, k=4), the oldest problem first; gives each chain's end and how many then run."""
    draw = random.Random(0)
    later = {(step, slot): draw.sample(range(16), 4) for step in range(2, steps + 1) for slot in range(16)}
    waiting = {(problem, *place): 4 for problem in range(problems) for place in later}
    ready, running, now = [(problem, 1, slot) for problem in range(problems) for slot in range(16)], [], 0.0
    while ready or running:
        while ready and len(running) < places:
            problem, step, slot = heapq.heappop(ready)
            heapq.heappush(running, (now + seconds(step, slot), problem, step, slot, seconds(step, slot)))
        now, problem, step, slot, took = heapq.heappop(running)
        progress.take(chain(step, slot, str(problem), seconds=took), now)
        for child in range(16 if step < steps else 0):
            if slot in later[step + 1, child]:
                waiting[problem, step + 1, child] -= 1
                if not waiting[problem, step + 1, child]:
                    heapq.heappush(ready, (problem, step + 1, child))
        yield now, len(running)


@pytest.mark.parametrize(("problems", "steps", "places"), [(40, 4, 32), (30, 10, 256), (4, 10, 256), (1, 5, 4)])
def test_a_steady_run_is_estimated_well(problems, steps, places):
    """Chains of 10 s on average in step 1, and of 20 s later, some twice as long as others."""
    progress = Progress(Outset(dict.fromkeys(range(1, steps + 1), 16), problems), 0.0)

    def seconds(step, slot):
        return (10 if step == 1 else 20) * (2 + (3 * slot + step) % 5) / 4

    told = [
        (now, seconds_left(progress, Vitals(in_flight, places), now))
        for now, in_flight in simulated(problems, steps, places, seconds, progress)
    ]
    total = told[-1][0]
    middle = [(now, left) for now, left in told if 0.3 * total < now < 0.9 * total]
    assert all(left is not None for _, left in middle)
    assert sum(abs(now + left - total) for now, left in middle) / len(middle) < 0.15 * total
    assert told[-1][1] == 0.0


def test_recorded_chains_are_done_but_say_nothing_of_speed():
    recorded = {((str(number), 0), 1): Counter({Status.OK: 4}) for number in range(8)}
    progress = Progress(Outset({1: 4}, 20, recorded, {1: 32}, {1: 8}), 0.0)
    step = progress.steps[1]
    assert (step.done, step.complete, step.accuracy) == (32, 8, 0.25)
    assert (seconds_left(progress, Vitals(), 60.0), progress.rates(60.0)) == (None, None)
    for number in range(8, 10):
        fill(progress, 1, 4, 60.0, str(number))
    assert seconds_left(progress, Vitals(), 60.0) == pytest.approx(60 * 40 / 8)


def test_the_time_for_which_the_server_was_gone_is_no_time_of_work():
    progress = Progress(Outset({1: 4}, 10), 0.0)
    for number in range(5):
        fill(progress, 1, 4, 60.0, str(number))
    assert seconds_left(progress, Vitals(waited=400.0), 460.0) == pytest.approx(60)
    there = Vitals(waited=400.0)
    assert time_left(progress, there, 460.0) == "about 60 s left"
    assert time_left(progress, replace(there, gone=True), 460.0) is None
    assert time_left(progress, replace(there, stopping=True), 460.0) is None


def test_a_budget_that_ends_sooner_is_told_instead():
    progress = Progress(Outset({1: 4}, 100), 0.0)
    for number in range(25):
        fill(progress, 1, 4, 60.0, str(number))
    enough, short_of = Spending("tokens", 1000, 9000, 500), Spending("calls", 900, 1000, 600)
    assert time_left(progress, Vitals(budget=(enough,)), 60.0) == "about 3 min left"
    assert time_left(progress, Vitals(budget=(enough, short_of)), 60.0) == "about 20 s until the budget is spent"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (9999, "9,999"), (10_000, "10.0k"), (123_456, "123k"), (2e6, "2.00M"), (4.567e9, "4.57G"), (1e15, "1,000T")],
)
def test_numbers_are_short(number, text):
    assert short(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (754, "12:34"), (3723, "1:02:03")])
def test_clocks(seconds, text):
    assert clock(seconds) == text


def test_what_is_recorded_is_found_in_the_logs(tmp_path):
    made = [chain(1, slot) for slot in range(4)] + [chain(2, 0, status=Status.TRUNCATED), chain(1, 0, "b", Status.DEAD)]
    chains, verdicts = AppendLog(tmp_path / "chains.jsonl"), AppendLog(tmp_path / "verdicts.jsonl")
    for each in made:
        chains.append(each.to_record())
        if not each.dead:
            verdicts.append(verdict(each, each.slot == 3).to_record())
    chains.close()
    verdicts.close()
    index = ChainIndex(tmp_path / "chains.jsonl", Layout(STRATEGY, "abc", 1))
    index.refresh()
    found = outset(STRATEGY.plan(0, ""), 3, index, tmp_path / "verdicts.jsonl")
    progress = Progress(found, 0.0)
    first, second, third = progress.steps.values()
    assert (first.planned, first.done, first.complete, first.dead, first.accuracy) == (12, 5, 1, 1, 0.25)
    assert (second.done, second.truncated, second.accuracy, third.done) == (1, 1, 0.0, 0)
    fill(progress, 2, 0, 1.0)
    for slot in (1, 2, 3):
        progress.take(chain(2, slot), 1.0)
    assert progress.steps[2].complete == 1
