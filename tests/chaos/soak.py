"""Mixed runs under faults, kills, interruptions, outages and full disks, for as long as is asked for.

usage: python -m tests.chaos.soak --minutes 5 [--seed N]

Every run ends like one that was left in peace, and what must be true of its files is checked after each of its lives. On the
first violation it prints the seed, keeps the run directory and ends with exit code 1. The server's delays take the time, not
the processor.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM
from types import MappingProxyType

from tests.chaos.faults import HARMLESS, RETRYABLE, SLOW, flawless, keyed
from tests.chaos.invariants import check, effortless, identity, records
from tests.chaos.killing import MOMENTS, Scene, moments, tear
from tests.chaos.running import Done, Launcher
from tests.chaos.server import ChaosServer, wait_until
from tests.chaos.tally import Tally

STRATEGIES = (
    (("--n", "4", "--k", "2", "--steps", "3"), 12),
    (("--strategy", "majority", "--n", "8"), 8),
    (("--strategy", "self_refine", "--steps", "4"), 4),
    (("--strategy", "self_aggregation", "--k", "4"), 5),
    (("--strategy", "rejection", "--n", "4"), 8),
)
LIMITS = ("--set", "endpoint.timeout=2", "--set", "endpoint.retries=20", "--set", "endpoint.patience=60")
KINDS = [kind for kind in (*RETRYABLE, *HARMLESS) if kind not in SLOW] * 4 + list(SLOW)
DELAY = 0.15  # seconds of every reply
PROBLEMS = 5


@dataclass
class Soak:
    """Where it happens. `draws` decides everything but time."""

    folder: Path
    server: ChaosServer
    launcher: Launcher
    draws: random.Random
    tally: Tally

    def round(self, number: int) -> None:
        """One run from its beginning to its end, in as many lives as that takes."""
        arguments, size = self.draws.choice(STRATEGIES)
        planned = PROBLEMS * size
        limit = ("--max-concurrency", str(self.draws.choice([2, 4, 16, 64])), "--concurrency", "adaptive")
        start = ("run", "--data", "data.jsonl", "--base-url", self.server.url, *arguments, "--seed", str(number))
        self._in_peace((*start, "--out", f"whole{number}"))
        self.server.forget()
        self.server.delay = DELAY
        self.server.schedule = keyed(self.draws.getrandbits(32), self.draws.choice([0.05, 0.2, 0.4]), KINDS)
        directory = self.folder / f"run{number}"
        commands = (*start, *LIMITS, *limit, "--out", directory.name), ("resume", directory.name)
        for _ in range(self.draws.randint(1, 6)):
            if self._live(directory, commands, planned, self.draws.choice([*_LIVES, *("killed",) * 4])).code == 0:
                break
        done = self._live(directory, commands, planned, "left alone")
        assert done.code == 0, done.errors
        check(directory, complete=True)
        assert _kept(directory) == _kept(self.folder / f"whole{number}"), "a chain is another than without faults"
        assert not self.server.strange, self.server.strange
        self.tally.add_server(self.server)
        self.tally.add_run(directory, planned)
        shutil.rmtree(directory)
        shutil.rmtree(self.folder / f"whole{number}")

    def _in_peace(self, command: tuple[str, ...]) -> None:
        self.server.schedule, self.server.delay = flawless, 0.01
        done = self.launcher.run(self.folder, *command)
        assert done.code == 0, done.errors

    def _live(self, directory: Path, commands: tuple[tuple[str, ...], ...], planned: int, life: str) -> Done:
        """One life of a run; checks what it leaves."""
        wait_until(lambda: self.server.listening)  # a run that finds no server when it starts is a mistake (exit code 2)
        begun = len(self.server.attempts)
        before = {chain["seed"] for chain in records(directory / "chains.jsonl")}
        command = commands[(directory / "run.yaml").exists()]
        file_limit = self.draws.randrange(512, 40_000) if life == "full disk" else 0
        running = self.launcher.begin(self.folder, *command, file_limit=file_limit)
        scene = Scene(running, directory, self.server, planned, self.draws)
        _LIVES.get(life, _left_alone)(scene)
        done = running.wait()
        self._count(life, done.code)
        assert done.code in _CODES.get(life, (0,)), f"{life}: exit code {done.code}: {done.errors}"
        assert "Traceback" not in done.errors, done.errors
        again = before & {attempt.body["seed"] for attempt in self.server.attempts[begun:]}
        assert not again, f"{life}: recorded chains were asked for again"
        wait_until(lambda: not running.descendants() and self.server.in_flight == 0)
        check(directory, complete=done.code == 0)
        if life == "killed" and done.code:
            tear(directory, self.draws)
        return done

    def _count(self, life: str, code: int) -> None:
        if life == "killed":
            self.tally.kills["at any moment"] += code == -SIGKILL
        elif life == "full disk":
            self.tally.full_disks["any file"] += code == 3
        elif life != "left alone":
            self.tally.interruptions[life] += 1


def _kept(directory: Path) -> tuple[object, str]:
    """What faults may not change: texts, parents and the summary.

    A reply that was cut is still the same text, but it stands back where a vote is tied.
    """
    chains = {where: (parents, sha, text) for where, (parents, sha, text, _) in identity(directory).items()}
    summary = json.loads(effortless(directory))
    for strategy in summary["strategies"].values():
        for step in strategy["steps"]:
            del step["truncated"], step["majority"]
    return chains, json.dumps(summary)


def _left_alone(scene: Scene) -> None:
    """Nothing happens."""


def _killed(scene: Scene) -> None:
    MOMENTS[moments(scene.draws, 1)[0]](scene)
    scene.running.send(SIGKILL)


def _interrupted(scene: Scene) -> None:
    _after_some_attempts(scene)
    scene.running.send(SIGINT)


def _interrupted_twice(scene: Scene) -> None:
    _interrupted(scene)
    scene.until(lambda: "Stopping" in scene.running.said(), 0.5)
    scene.running.send(SIGINT)


def _terminated(scene: Scene) -> None:
    _after_some_attempts(scene)
    scene.running.send(SIGTERM)


def _server_restarted(scene: Scene) -> None:
    _after_some_attempts(scene)
    scene.server.go_away()
    threading.Event().wait(scene.draws.uniform(0.1, 3))
    scene.server.come_back()


def _after_some_attempts(scene: Scene) -> None:
    last = len(scene.server.attempts) + scene.draws.randint(1, scene.planned)
    scene.until(lambda: len(scene.server.attempts) >= last, DELAY)


_LIVES: Mapping[str, Callable[[Scene], None]] = MappingProxyType(
    {
        "killed": _killed,
        "Ctrl-C": _interrupted,
        "Ctrl-C twice": _interrupted_twice,
        "SIGTERM": _terminated,
        "server restarted": _server_restarted,
        "full disk": _left_alone,
    }
)
_STOPPED = (0, 3)
_CODES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "killed": (0, -SIGKILL),
        "Ctrl-C": _STOPPED,
        "Ctrl-C twice": _STOPPED,
        "SIGTERM": _STOPPED,
        "full disk": _STOPPED,
    }
)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Soak for so many minutes; 1 if anything was found."""
    parser = argparse.ArgumentParser(description="Runs under every trouble at once.")
    parser.add_argument("--minutes", type=float, default=60.0, help="for how long")
    parser.add_argument("--seed", type=int, default=None, help="decides what happens; by default another one each time")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    folder = Path(tempfile.mkdtemp(prefix="soak-")) / "work"
    folder.mkdir()
    rows = [{"id": f"p{number}", "question": f"Question {number}?", "answer": str(number % 3)} for number in range(PROBLEMS)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    _say(f"soaking for {given.minutes:g} minutes with seed {seed}")
    tally = Tally()
    until = time.monotonic() + given.minutes * 60
    with ChaosServer() as server, Launcher() as launcher:
        soak = Soak(folder, server, launcher, random.Random(seed), tally)
        number = 0
        try:
            while time.monotonic() < until:
                number += 1
                soak.round(number)
        except AssertionError as error:
            _say(f"run {number} with seed {seed}: {error}\nkept: {folder}")
            return 1
        finally:
            _say("\n".join(tally.lines()))
    shutil.rmtree(folder.parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
