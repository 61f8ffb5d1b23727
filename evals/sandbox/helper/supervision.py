"""Watches the children of a job from outside, ends them, and says how they ended."""

import os
import resource
import select
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Child", "RunnerGone", "discard", "watch"]


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
    runner: socket.socket, children: Sequence[Child], progress: int, limits: Mapping[str, Any], tests: int
) -> dict[str, Any]:
    """Wait until the first child ends or has to; then end them all. A byte goes to the runner for each finished test.

    In the answer, "cut" is "time" (over the limit of a test), "total" (of the job), "stopped" (the runner asked) or null,
    "codes" are the children's exit codes, null for one that was only killed with the first, "ready" tells whether all were
    shut in, and "cpu" is seconds.
    Raises `RunnerGone` when everything has been ended because the runner died.
    """
    try:
        cut = _Watch(runner, children, progress, limits, tests).until_over()
    except RunnerGone:
        for child in children:
            child.kill()
        raise
    alone = [child.over() for child in children]
    for child in children:
        child.kill()
    reaped = [child.reap() for child in children]
    codes = [
        code if index == 0 or by_itself else None
        for index, ((code, _, _), by_itself) in enumerate(zip(reaped, alone, strict=True))
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
        self, runner: socket.socket, children: Sequence[Child], progress: int, limits: Mapping[str, Any], tests: int
    ) -> None:
        self._runner = runner
        self._children = children
        self._progress = progress
        self._limits = limits
        self._left = tests
        self._end = time.monotonic() + limits["total"]
        self._begin_test()
        self._events = select.poll()
        self._events.register(children[0].ended, select.POLLIN)
        self._events.register(progress, select.POLLIN)
        self._events.register(runner, select.POLLIN)

    def until_over(self) -> str | None:
        while True:
            now = time.monotonic()
            cpu_left = self._limits["cpu"] - (sum(child.cpu() for child in self._children) - self._cpu_before)
            patience = min(self._test_end - now, cpu_left, self._end - now)
            if patience <= 0:
                return "total" if now >= self._end else "time"
            ready = {descriptor for descriptor, _ in self._events.poll(patience * 1000 + 1)}
            if self._progress in ready:
                self._take_progress()
            elif self._children[0].ended in ready:
                return None
            if self._runner.fileno() in ready:
                if not _still_there(self._runner):
                    raise RunnerGone
                return "stopped"

    def _begin_test(self) -> None:
        self._test_end = time.monotonic() + self._limits["wall"]
        self._cpu_before = sum(child.cpu() for child in self._children)

    def _take_progress(self) -> None:
        finished = len(os.read(self._progress, self._left))
        self._left -= finished
        if not finished or not self._left:  # the pipe's end, or all that it may say
            self._events.unregister(self._progress)
        if finished:
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
