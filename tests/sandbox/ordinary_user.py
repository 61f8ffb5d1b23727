"""Judges all attacks and idioms as an ordinary user, and prints the verdicts as JSON.

`python -m tests.sandbox.ordinary_user nobody LAYER,LAYER` is started by root, with the layers that are to be left out. Where
that user could not reach the interpreter or this repository (they lie in root's home, say), both are shown to it at the same
place in a file tree of this process's own.
"""

import ctypes
import json
import os
import pwd
import sys
from pathlib import Path

PRIVATE = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18


def main() -> None:
    user, without = pwd.getpwnam(sys.argv[1]), [layer for layer in sys.argv[2].split(",") if layer]
    show_what_is_needed()
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    os.chdir("/")

    from evals.sandbox import Sandbox  # noqa: PLC0415 - as the user
    from tests.sandbox.cases import run_all  # noqa: PLC0415

    with Sandbox(workers=4, _without=without) as sandbox:
        level = sandbox.level
        verdicts = {name: [judgement.outcome, judgement.detail] for name, judgement in run_all(sandbox, 4).items()}
        json.dump({"level": level, "refused": dict(sandbox.refused), "verdicts": verdicts}, sys.stdout)


def show_what_is_needed() -> None:
    needed = {Path(sys.base_prefix), Path(sys.prefix), Path(__file__).parents[2]}
    closed = {barrier for path in needed if (barrier := first_closed(path))}
    if not closed:
        return
    libc = ctypes.CDLL(None, use_errno=True)

    def call(function: str, *arguments: object) -> None:
        if getattr(libc, function)(*arguments):
            raise OSError(ctypes.get_errno(), f"{function}: {os.strerror(ctypes.get_errno())}")

    call("unshare", PRIVATE)
    call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    for barrier in closed:
        behind = [path for path in needed if path.is_relative_to(barrier)]
        handles = [os.open(path, os.O_PATH) for path in behind]
        call("mount", b"none", os.fsencode(barrier), b"tmpfs", 0, b"mode=755")
        for path, handle in zip(behind, handles, strict=True):
            path.mkdir(parents=True)
            call("mount", f"/proc/self/fd/{handle}".encode(), os.fsencode(path), None, MS_BIND | MS_REC, None)


def first_closed(path: Path) -> Path | None:
    """The outermost folder on the way that others may not pass through."""
    return next((folder for folder in reversed([path, *path.parents]) if not folder.stat().st_mode & 0o001), None)


if __name__ == "__main__":
    main()
