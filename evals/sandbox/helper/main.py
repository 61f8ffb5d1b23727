"""The helper's life: raise the stack limit, load, find the layers, say so, and take jobs until the runner is gone."""

import atexit
import importlib
import json
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from . import call_role, candidate_role, function_role, preload, program, stdio_role, tester_role
from . import descriptors as fd
from .children import Job, Role, contents, run_job
from .layers import Layers
from .supervision import RunnerGone

__all__ = ["main"]

_STACK, _THREAD_STACK = 512 << 20, 64 << 20  # for recursion to a depth of 100,000
_JOB_FILES = 5
_FIRST_TO_GO = "900"  # when memory runs out, before anything else on the machine

Handler = Callable[[Job], list[Role]]


class WarmUpFailed(Exception):
    """The module of a target could not prepare itself for a call."""


def main(settings: Mapping[str, Any]) -> None:
    """Serve on the inherited socket. `settings` come from `evals.sandbox.server`."""
    runner = socket.socket(fileno=settings["socket"])
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    threading.stack_size(_THREAD_STACK)
    own_path = sys.path[:]
    sys.path += settings["path"]
    preload.load(settings["groups"])
    handler = _for_calls(settings["target"]) if settings["target"] else _for_programs()
    layers = Layers.available(settings["without"])
    if not settings["target"]:
        sys.path[:] = own_path
    atexit._clear()  # noqa: SLF001  (what the preloaded modules registered is not the programs' to run)
    preload.settle()
    runner.send(json.dumps({"level": layers.level, "refused": layers.refused}).encode())
    with suppress(RunnerGone, OSError):
        while True:
            _take_job(runner, handler, layers)


def raise_stack_limit(command: list[str]) -> None:
    """Start this process again with a larger stack: the kernel lays memory out when a program starts."""
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    soft = _STACK if hard == resource.RLIM_INFINITY else min(_STACK, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))
    os.execv(command[0], command)  # noqa: S606  (it is this program itself)


def _take_job(runner: socket.socket, handler: Handler, layers: Layers) -> None:
    message, files, _, _ = socket.recv_fds(runner, 1 << 20, _JOB_FILES)
    if not message:
        raise RunnerGone
    if not files:  # "stop", too late: that job is over
        return
    try:
        job = Job.parse(message, files)
        answer = run_job(job, handler(job), layers, runner)
    except OSError as error:
        answer = {"failed": str(error)}
    except WarmUpFailed as error:
        answer = {"failed": f"the warm-up failed: {error}"}
    finally:
        for file in files:
            os.close(file)
    runner.send(json.dumps(answer).encode())


def _for_programs() -> Handler:
    """Programs may import what is preloaded, and find LiveCodeBench's names defined."""
    spaces = program.Globals(preload.names_in_reach())
    roles = {"stdio": [stdio_role.run], "function": [function_role.run], "asserts": [tester_role.run, candidate_role.run]}

    def handle(job: Job) -> list[Role]:
        return [partial(_run_program, role, spaces) for role in roles[job.role]]

    return handle


def _run_program(role: Callable[[bytes, bytes, program.Globals], None], spaces: program.Globals) -> None:
    source = contents(fd.PROGRAM)
    tests = b"" if role is candidate_role.run else contents(fd.TESTS)
    role(source, tests, spaces)


def _for_calls(target: str) -> Handler:
    """Calls of one trusted function. Its module may have a `warm_up`, which is called here once for each new `warm`."""
    module_name, _, name = target.partition(":")
    module = importlib.import_module(module_name)
    function = getattr(module, name)
    warm: set[str] = set()

    def handle(job: Job) -> list[Role]:
        if job.warm is not None and hasattr(module, "warm_up") and (key := json.dumps(job.warm)) not in warm:
            try:
                module.warm_up(job.warm)
            except Exception as error:
                raise WarmUpFailed(f"{type(error).__name__}: {error}") from error
            warm.add(key)
            preload.settle()
        return [lambda: call_role.run(function, contents(fd.PROGRAM))]

    return handle
