"""Watches the children of a job from outside, ends them, and says how they ended."""

import math
import os
import resource
import select
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Child", "RunnerGone", "discard", "watch"]

_LONGEST_WAIT = 3600.0
_TICK = 0.01  # seconds between two looks at the progress


class RunnerGone(Exception):
    """The process that gave the job is no more."""


@dataclass(slots=True)
class Child:
    """A child that was forked. `ready` is the read end of the pipe on which it says that it is shut in."""

    pid: int
    ready: int
    ended: int = field(init=False)

    def __post_init__(self) -> None:
        self.ended = os.pidfd_open(self.pid)  # readable when it ends

    def cpu(self) -> float:
        """Seconds of CPU time so far."""
        try:
            return time.clock_gettime((~self.pid << 3) | 2)  # the kernel's name for another process's CPU clock
        except OSError:
            return 0.0

    def threads(self) -> int:
        """How many threads it has."""
        try:
            return int(Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[17])
        except OSError:
            return 0

    def kill(self) -> None:
        """End it, and its process group, which has others in it only where nothing keeps a program from forking."""
        with suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(self.ended, signal.SIGKILL)
            os.killpg(self.pid, signal.SIGKILL)

    def over(self) -> bool:
        """Whether it has ended by itself."""
        return os.waitid(os.P_PIDFD, self.ended, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def reap(self) -> tuple[int, bool, resource.struct_rusage]:
        """(exit code, whether it was shut in, usage), once it is over or killed."""
        _, status, usage = os.wait4(self.pid, 0)
        shut_in = os.read(self.ready, 1) == b"R"
        os.close(self.ready)
        os.close(self.ended)
        return os.waitstatus_to_exitcode(status), shut_in, usage


def watch(
    runner: socket.socket, children: Sequence[Child], progress: int, limits: Mapping[str, Any], tests: int, crowded: bool
) -> dict[str, Any]:
    """Wait until the first child ends or has to; then end them all. A byte goes to the runner for each finished test.

    In the answer, "cut" is "time" (over the limit of a test), "total" (of the job), "threads", "stopped" (the runner asked)
    or null, "codes" are the children's exit codes, null for one that was only killed with the first, "ready" tells whether
    all were shut in, and "cpu" is seconds.
    Raises `RunnerGone` when everything has been ended because the runner died.
    """
    try:
        cut = _Watch(runner, children, progress, limits, tests, crowded).until_over()
    except RunnerGone:
        for child in children:
            child.kill()
        raise
    ended = [child.over() for child in children]
    for child in children:
        child.kill()
    reaped = [child.reap() for child in children]
    codes = [
        code if index == 0 or by_itself else None
        for index, ((code, _, _), by_itself) in enumerate(zip(reaped, ended, strict=True))
    ]
    seconds = sum(usage.ru_utime + usage.ru_stime for _, _, usage in reaped)
    return {"cut": cut, "codes": codes, "ready": all(shut_in for _, shut_in, _ in reaped), "cpu": seconds}


def discard(children: Sequence[Child]) -> None:
    """End children whose job cannot be run."""
    for child in children:
        child.kill()
        child.reap()


class _Watch:
    def __init__(
        self,
        runner: socket.socket,
        children: Sequence[Child],
        progress: int,
        limits: Mapping[str, Any],
        tests: int,
        crowded: bool,
    ) -> None:
        self._runner = runner
        self._children = children
        self._progress = progress
        self._limits = limits
        self._left = tests
        self._crowded = crowded
        self._tick = _TICK if tests > 1 or crowded else math.inf
        self._end = time.monotonic() + limits["total"]
        self._begin_test()
        os.set_blocking(progress, False)
        self._events = select.poll()
        self._events.register(children[0].ended, select.POLLIN)
        self._events.register(runner, select.POLLIN)

    def until_over(self) -> str | None:
        while True:
            self._take_progress()
            if self._crowded and any(child.threads() > self._limits["threads"] for child in self._children):
                return "threads"
            now = time.monotonic()
            cpu_left = self._limits["cpu"] - (sum(child.cpu() for child in self._children) - self._cpu_before)
            patience = min(self._test_end - now, cpu_left, self._end - now)
            if patience <= 0:
                return "total" if now >= self._end else "time"
            ready = {
                descriptor for descriptor, _ in self._events.poll(math.ceil(min(patience, self._tick, _LONGEST_WAIT) * 1000))
            }
            if self._children[0].ended in ready:
                return None
            if self._runner.fileno() in ready:
                if not _still_there(self._runner):
                    raise RunnerGone
                return "stopped"

    def _begin_test(self) -> None:
        self._test_end = time.monotonic() + self._limits["wall"]
        self._cpu_before = sum(child.cpu() for child in self._children)

    def _take_progress(self) -> None:
        """See which tests are finished. Done now and then, for most of them take less time than telling of each would."""
        try:
            finished = len(os.read(self._progress, self._left)) if self._left else 0
        except BlockingIOError:
            return
        if not finished:  # there will be no more
            self._tick = _TICK if self._crowded else math.inf
            return
        self._left -= finished
        self._begin_test()
        try:
            self._runner.send(b"." * finished)
        except OSError as error:
            raise RunnerGone from error


def _still_there(runner: socket.socket) -> bool:
    try:
        return bool(runner.recv(1 << 12))
    except OSError:
        return False
