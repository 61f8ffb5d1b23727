"""Runs a command and ends it, with all its descendants, as soon as whoever started this program is gone.

usage: python keeper.py COMMAND [ARGUMENT ...]

Standard input is a pipe that the starter holds open. When it closes, because the starter closed it or died in any way, the
command gets SIGTERM and, after a time of grace, everything left SIGKILL. On Linux this process adopts orphaned descendants,
so that a worker that left the process group is found as well. It lives in a session of its own and ignores Ctrl-C.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys

import psutil

GRACE_SECONDS = 15.0
POLL_SECONDS = 0.2
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def prctl(option: int, value: int) -> None:
    """Set a process attribute; does nothing where there is no prctl."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent() -> None:
    """Called in the child: have it killed should even this keeper be killed."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end(child: subprocess.Popen[bytes]) -> None:
    """Stop the child and all descendants: politely, then for good."""
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    while left := psutil.Process().children(recursive=True):
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=GRACE_SECONDS)


def main(command: list[str]) -> int:
    """Run the command; its exit code, or 128 + the signal that ended it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopped.append(number))
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)  # noqa: PLW1509
    while child.poll() is None and not stopped:
        readable, _, _ = select.select([sys.stdin], [], [], POLL_SECONDS)
        if readable and not os.read(sys.stdin.fileno(), 1):
            break
    end(child)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
