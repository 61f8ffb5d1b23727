"""When to kill a run: moments that lie in every phase of it, and what a power cut leaves of its logs."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from types import MappingProxyType

from tests.chaos.invariants import place, records
from tests.chaos.running import Running
from tests.chaos.server import ChaosServer

_TORN = (b'{"problem": "p0", "repeat": 0, "st', b"\0" * 700, b"{", b'{"text": "\xc3')


@dataclass(frozen=True)
class Scene:
    """A run that is to be killed. `planned` is the number of its chains, `draws` decides the moment exactly."""

    running: Running
    directory: Path
    server: ChaosServer
    planned: int
    draws: random.Random

    def until(self, condition: Callable[[], bool], pause: float = 0.0) -> None:
        """Wait until something holds and then up to `pause` seconds more, or until the run has ended."""
        while not self.running.ended() and not condition():
            time.sleep(0.0005)
        until = time.monotonic() + self.draws.uniform(0, pause)
        while not self.running.ended() and time.monotonic() < until:
            time.sleep(0.0002)


def _before_it_is_a_run(scene: Scene) -> None:
    name = scene.draws.choice(["", "run.lock", "problems.jsonl", "prompts", "prompts/aggregate.j2", "run.tmp", "run.yaml"])
    scene.until((scene.directory / name).exists, 0.003)


def _while_generating(scene: Scene) -> None:
    """The server sends the signal, before it answers or a little later."""
    last = len(scene.server.attempts) + scene.draws.randint(1, scene.planned // 6)
    late = scene.draws.random() < 0.5
    reached = []

    def shoot(number: int) -> None:
        if number >= last:
            reached.append(number)
            if not late:
                scene.running.send(SIGKILL)

    scene.server.before = shoot
    scene.until(lambda: bool(reached), 0.01)
    scene.server.before = lambda number: None


def _while_scoring(scene: Scene) -> None:
    path = scene.directory / "verdicts.jsonl"
    least = (path.stat().st_size if path.exists() else 0) + scene.draws.randint(1, 1500)
    scene.until(lambda: path.exists() and path.stat().st_size >= least, 0.002)


def _while_writing_results(scene: Scene) -> None:
    path = scene.directory / "chains.jsonl"
    scene.until(lambda: _lines(path) >= scene.planned, 0.04)


def _just_after_the_end(scene: Scene) -> None:
    name = scene.draws.choice(["summary.tmp", "summary.json", "report.tmp", "report.html"])
    (scene.directory / name).unlink(missing_ok=True)
    scene.until((scene.directory / name).exists, 0.02)


def _at_any_time(scene: Scene) -> None:
    scene.until(lambda: True, 0.2)


MOMENTS: Mapping[str, Callable[[Scene], None]] = MappingProxyType(
    {
        "before it is a run": _before_it_is_a_run,
        "while generating": _while_generating,
        "while scoring": _while_scoring,
        "while writing results": _while_writing_results,
        "just after the end": _just_after_the_end,
        "at any time": _at_any_time,
    }
)
"""Each waits until its moment has come or the run has ended."""
_SHARES = MappingProxyType(
    {
        "before it is a run": 2,
        "while generating": 4,
        "while scoring": 3,
        "while writing results": 2,
        "just after the end": 2,
        "at any time": 3,
    }
)
_LATE = ("while writing results", "just after the end")


def moments(draws: random.Random, count: int) -> list[str]:
    """So many moments, those at the end of a run last: what they wait for ends the others."""
    drawn = draws.choices(list(_SHARES), weights=list(_SHARES.values()), k=count)
    return sorted(drawn, key=lambda moment: moment in _LATE)


def tear(directory: Path, draws: random.Random) -> None:
    """What a power cut may do to a log: half a line or nothing but zeros at its end, or its last line torn."""
    path = directory / draws.choice(["chains.jsonl", "verdicts.jsonl"])
    found = records(path)
    if not found:
        return
    judged = {place(verdict) for verdict in records(directory / "verdicts.jsonl")}
    content = path.read_bytes()
    if draws.random() < 0.5 and (path.name == "verdicts.jsonl" or place(found[-1]) not in judged):
        last = content.rstrip(b"\n").rfind(b"\n") + 1
        path.write_bytes(content[: draws.randrange(last, len(content))])
    elif content.endswith(b"\n"):
        path.write_bytes(content + draws.choice(_TORN))


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
