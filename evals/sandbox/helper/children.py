"""Forks the children of a job: layers, descriptors, limits, role, in that order, and nothing of the helper left over."""

import gc
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from . import descriptors as fd
from . import program
from .layers import Layers
from .rlimits import address_space
from .supervision import Child, discard, watch

__all__ = ["Job", "Role", "run_job"]

_SETUP_FAILED = 96
_RECURSION = 50_000
_DIGITS = 50_000  # of whole numbers as text: what a long run may print, and no more than milliseconds of work

Role = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `files` are the descriptors of program, tests, output, errors and results; `tests` is the number of tests."""

    role: str
    limits: Mapping[str, Any]
    tests: int
    files: Sequence[int]
    warm: Any = None

    @classmethod
    def parse(cls, message: bytes, files: Sequence[int]) -> "Job":
        """The job that the runner sent."""
        fields = json.loads(message)
        return cls(fields["role"], fields["limits"], fields["tests"], files, fields.get("warm"))


def run_job(job: Job, roles: Sequence[Role], layers: Layers, runner: socket.socket) -> dict[str, Any]:
    """Run one child for each role and watch them; with two, they have a pipe each way. The answer is that of `watch`.

    The first makes the verdict, so it alone gets the tests and the file for results.
    """
    progress, tick = os.pipe()
    try:
        children = _start(job, roles, layers, tick)
        return watch(runner, children, progress, job.limits, job.tests, layers.crowded)
    finally:
        os.close(progress)


def _start(job: Job, roles: Sequence[Role], layers: Layers, tick: int) -> list[Child]:
    source, tests, output, errors, results = job.files
    with ExitStack() as ours:  # what the children have, the helper closes: they must see each other's end
        ours.callback(os.close, tick)

        def made(*descriptors: int) -> tuple[int, ...]:
            for descriptor in descriptors:
                ours.callback(os.close, descriptor)
            return descriptors

        def files() -> dict[int, int]:
            (empty,) = made(os.memfd_create("input"))
            return {fd.INPUT: empty, fd.OUTPUT: output, fd.ERRORS: errors, fd.PROGRAM: source}

        first = files() | {fd.TESTS: tests, fd.RESULTS: results, fd.PROGRESS: tick}
        first |= {fd.INPUT_AGAIN: first[fd.INPUT], fd.OUTPUT_AGAIN: output}
        wanted = [first]
        if len(roles) > 1:
            asked, ask = made(*os.pipe())
            answered, answer = made(*os.pipe())
            first |= {fd.ASKED: ask, fd.ANSWERED: answered}
            wanted.append(files() | {fd.ASKED: asked, fd.ANSWERED: answer})
        mapped = address_space()
        children: list[Child] = []
        try:
            for role, numbers in zip(roles, wanted, strict=True):
                children.append(_spawn(job, role, numbers, layers, mapped))
        except OSError:
            discard(children)
            raise
        return children


def _spawn(job: Job, role: Role, numbers: Mapping[int, int], layers: Layers, mapped: int) -> Child:
    ready, shut_in = os.pipe()
    try:
        pid = layers.fork()
        if not pid:
            _be_the_child(job, role, {**numbers, fd.READY: shut_in}, layers, mapped)
    except OSError:
        os.close(ready)
        raise
    finally:
        os.close(shut_in)
    return Child(pid, ready)


def _be_the_child(job: Job, role: Role, numbers: Mapping[int, int], layers: Layers, mapped: int) -> None:
    """Shut in, say so, run. From the byte on `READY` on, every way to end is the program's own."""
    code = _SETUP_FAILED
    try:
        largest_input = os.fstat(job.files[1]).st_size  # of all tests together, and so at least of each
        layers.leave_everything()
        fd.arrange(numbers)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        sys.setrecursionlimit(_RECURSION)
        sys.set_int_max_str_digits(_DIGITS)
        gc.enable()
        layers.shut(job.limits, job.tests, largest_input, mapped, fd.READY)
        os.write(fd.READY, b"R")
        os.close(fd.READY)
        code = 1
        role()
        code = 0
    except BaseException:  # noqa: BLE001  (nothing may escape into the helper's own loop)
        traceback.print_exc()
    finally:
        os._exit(code)


def contents(number: int) -> bytes:
    """What a role reads from one of its files, which is closed then."""
    data = program.read_all(number)
    os.close(number)
    return data
