"""Runs `rsa-eval` in forks of one process that has imported it, so that a run begins in a hundredth of the time.

It imports all our own modules, and of others those that a run gets to: importing takes a fork longer than a short run.

usage: python -m tests.chaos.launcher; reads one order a line, a JSON object with arguments, folder, output, errors and
environment, and answers each with two lines: the process id at once, and the exit code (-9 for SIGKILL) at the end.
"""

import gc
import importlib
import json
import os
import pkgutil
import resource
import sys
from contextlib import suppress
from typing import Any

import evals
import rsa
from rsa.serving.keeper import die_with_parent

_NEEDED = ("datasets", "math_verify", "scipy.special")


def main() -> None:
    """Serve orders until standard input ends."""
    die_with_parent()
    ours = (module.name for each in (evals, rsa) for module in pkgutil.walk_packages(each.__path__, f"{each.__name__}."))
    for name in (*_NEEDED, *ours):
        if not name.endswith("__main__"):
            with suppress(ModuleNotFoundError):  # of an extra that is not installed
                importlib.import_module(name)
    gc.freeze()  # what is imported needs no collecting in every fork again
    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            sys.exit(_run(json.loads(line)))
        _answer(child)
        _answer(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _run(order: dict[str, Any]) -> int:
    """The whole life of a child, in a session of its own."""
    from evals.cli import main as command  # noqa: PLC0415

    die_with_parent()
    os.setsid()
    os.chdir(order["folder"])
    os.environ.update(order["environment"])
    for descriptor, (name, flags) in enumerate(
        [(os.devnull, os.O_RDONLY), (order["output"], _WRITTEN), (order["errors"], _WRITTEN)]
    ):
        opened = os.open(name, flags, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    if order["file_limit"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_limit"], order["file_limit"]))
    sys.argv = ["rsa-eval", *order["arguments"]]
    command()
    return 0


_WRITTEN = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

if __name__ == "__main__":
    main()
