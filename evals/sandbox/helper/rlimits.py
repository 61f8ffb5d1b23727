"""Resource limits. Since a child can neither fork nor exec, what binds it binds everything that it does.

Memory that is written through a descriptor is not part of the address space; the file size limit bounds it.
"""

import math
import os
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["address_space", "impose", "tasks_of_this_user"]


def impose(limits: Mapping[str, Any], tests: int, largest_input: int, mapped: int, other_tasks: int) -> None:
    """Limit the calling process. CPU time is only a backstop here: the helper measures it test by test.

    `largest_input` is bytes that the child itself has to write, `mapped` are bytes of address space and `other_tasks`
    threads that the kernel counts, but that are not the program's.
    """
    seconds = math.ceil(limits["cpu"] * tests) + 1
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_MEMLOCK, 0)
    _set(resource.RLIMIT_MSGQUEUE, 0)
    _set(resource.RLIMIT_CPU, seconds, seconds + 1)
    _set(resource.RLIMIT_FSIZE, max(limits["output"], largest_input))
    _set(resource.RLIMIT_NOFILE, limits["files"])
    _set(resource.RLIMIT_AS, mapped + limits["memory"])
    _set(resource.RLIMIT_NPROC, other_tasks + limits["threads"])


def _set(kind: int, soft: int, hard: int | None = None) -> None:
    ceiling = resource.getrlimit(kind)[1]  # a batch system may have set lower ones
    if ceiling == resource.RLIM_INFINITY:
        ceiling = hard or soft
    resource.setrlimit(kind, (min(soft, ceiling), min(hard or soft, ceiling)))


def address_space() -> int:
    """Bytes that this process has mapped."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def tasks_of_this_user() -> int:
    """How many threads the processes of this user have now."""
    user, tasks = os.getuid(), 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if process.stat().st_uid == user:
                    tasks += sum(1 for _ in (process / "task").iterdir())
            except OSError:  # it is gone
                continue
    return tasks
