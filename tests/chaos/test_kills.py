"""Runs that are killed again and again end as if they had never been."""

import random
from signal import SIGKILL

import pytest

from tests.chaos.invariants import check, identity, records, timeless
from tests.chaos.killing import MOMENTS, Scene, moments, tear
from tests.chaos.server import wait_until

pytestmark = pytest.mark.timeout(400)  # hundreds of runs

STRATEGIES = {
    "rsa": (("--n", "4", "--k", "2", "--steps", "3"), 48),
    "majority": (("--strategy", "majority", "--n", "10"), 40),
    "self_refine": (("--strategy", "self_refine", "--steps", "5", "--repeats", "2"), 40),
    "self_aggregation": (("--strategy", "self_aggregation", "--k", "4", "--repeats", "2"), 40),
    "rejection": (("--strategy", "rejection", "--n", "5"), 40),
}
KILLS = 40
SCORER = "def judge(attempt):\n    return attempt.answer in attempt.golds\n"


class Victim:
    """One run that is killed and resumed until it is done, checked after every death."""

    def __init__(self, name, start, planned, folder, launcher, chaos, draws):
        self.directory = folder / name
        self.start = (*start, "--out", name)
        self.planned, self.folder, self.launcher, self.chaos, self.draws = planned, folder, launcher, chaos, draws
        self.recorded = set()

    def go_on(self, moment=None):
        """Start or resume it, and kill it at a moment if one is given; gives its exit code."""
        begun = len(self.chaos.attempts)
        started = (self.directory / "run.yaml").exists()
        command = ("resume", self.directory.name) if started else self.start
        running = self.launcher.begin(self.folder, *command, "--max-concurrency", str(self.draws.randint(1, 8)))
        if moment:
            MOMENTS[moment](Scene(running, self.directory, self.chaos, self.planned, self.draws))
            running.send(SIGKILL)
        done = running.wait()
        assert done.code in ((0, -9) if moment else (0,)), done.errors
        assert "Traceback" not in done.errors
        again = self.recorded & {attempt.body["seed"] for attempt in self.chaos.attempts[begun:]}
        assert not again, "a recorded chain was asked for again"
        wait_until(lambda: not running.descendants())
        check(self.directory, complete=done.code == 0)
        if done.code and self.draws.random() < 0.4:
            tear(self.directory, self.draws)
        self.recorded = {chain["seed"] for chain in records(self.directory / "chains.jsonl")}
        return done.code


def kill_often(kills, start, planned, folder, launcher, chaos, draws, tally):
    """Kill so many times, over as many runs as that takes; each must end like one that was left in peace."""
    assert launcher.run(folder, *start, "--out", "whole").code == 0
    delivered, runs = 0, 0
    while delivered < kills:
        chaos.forget()
        runs += 1
        victim = Victim(f"cut{runs}", start, planned, folder, launcher, chaos, draws)
        drawn = moments(draws, draws.randint(6, 14))
        for moment in drawn:
            try:
                killed = victim.go_on(moment) == -SIGKILL
            except AssertionError as error:
                error.add_note(f"killed {drawn[: drawn.index(moment) + 1]}; see {victim.directory}")
                raise
            delivered += killed
            tally.kills[moment] += killed
        victim.go_on()
        assert identity(victim.directory) == identity(folder / "whole")
        assert timeless(victim.directory) == timeless(folder / "whole")
        assert not chaos.strange
        tally.add_run(victim.directory, planned)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_killed_at_any_moment_a_run_ends_as_if_left_in_peace(chaos, launcher, folder, tally, strategy):
    arguments, planned = STRATEGIES[strategy]
    chaos.delay = 0.002
    start = ("run", "--data", "data.jsonl", "--base-url", chaos.url, *arguments)
    kill_often(KILLS, start, planned, folder, launcher, chaos, random.Random(strategy), tally)


def test_killed_with_scorers_in_processes_of_their_own(chaos, start, launcher, folder, tally):
    """None of those processes outlives the run either."""
    (folder / "mine.py").write_text(SCORER)
    chaos.delay = 0.002
    kill_often(8, (*start, "--scorer", "mine.py:judge"), 48, folder, launcher, chaos, random.Random(1), tally)
