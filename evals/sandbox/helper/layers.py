"""Which layers this machine offers, how strong they are together, and how a child puts them on."""

import os
import select
import signal
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from . import filters, identity, landlock, namespaces, rlimits
from .kernel import call

__all__ = ["Layers"]

_T = TypeVar("_T")
_DIE_WITH_PARENT, _DUMPABLE = 1, 4
_ROOM_TO_GROW = 4096  # threads of other programs before one is refused its own


@dataclass(slots=True)
class Layers:
    """The layers of a helper's children. `refused` says of each one that is missing why.

    `crowded` children share their user with other processes, `other_tasks` threads of which the kernel counts with theirs.
    """

    room: namespaces.Room | None = None
    tables: namespaces.ProcessTables | None = None
    user: int | None = None
    rules: int | None = None
    filter: bytes | None = None
    crowded: bool = False
    other_tasks: int = 0
    refused: dict[str, str] = field(default_factory=dict)

    @classmethod
    def available(cls, without: Collection[str] = ()) -> "Layers":
        """Try each layer by itself. Those in `without` ("namespaces", "identity", "landlock", "seccomp") are not tried."""
        layers = cls()
        other_tasks, pid = rlimits.tasks_of_this_user(), os.getpid()  # before this process gets a process table of its own

        def attempt(name: str, make: Callable[[], _T]) -> _T | None:
            if name in without:
                layers.refused[name] = "switched off"
                return None
            try:
                return make()
            except (OSError, ImportError, RuntimeError) as error:
                layers.refused[name] = str(error)
                return None

        layers.filter = attempt("seccomp", _working_filter)
        layers.rules = attempt("landlock", landlock.prohibition)
        layers.room = attempt("namespaces", namespaces.furnish)
        layers.refused |= layers.room.missing if layers.room else {}
        layers.tables = attempt("namespaces", namespaces.ProcessTables)
        shared_user = layers.room is None or layers.room.user is None
        layers.user = attempt("identity", lambda: identity.nobodys_id(pid)) if shared_user else None
        layers.crowded = shared_user and layers.user is None
        layers.other_tasks = other_tasks + _ROOM_TO_GROW if layers.crowded else 0
        return layers

    @property
    def level(self) -> str:
        """Its name: "full", "strong", "sealed" or "unsafe"."""
        if self.filter is None:
            return "unsafe"
        if self.room and self.tables:
            return "full"
        return "sealed" if self.rules is None else "strong"

    def fork(self) -> int:
        """`os.fork`, with a process table of its own for the child where that is possible."""
        return self.tables.fork() if self.tables else os.fork()

    def leave_everything(self) -> None:
        """First half of what a child does to itself: lose its surroundings, its user and its privileges."""
        os.setsid()
        if self.room:
            self.room.enter()
        identity.drop(self.user)
        if self.rules is not None:
            landlock.restrict(self.rules)

    def shut(self, limits: Mapping[str, Any], tests: int, largest_input: int, mapped: int, ready: int) -> None:
        """Second half, when the descriptors are in place: limits and the filter. `ready` is a pipe that the helper reads."""
        rlimits.impose(limits, tests, largest_input, mapped, self.other_tasks)
        call("prctl", _DUMPABLE, 0, 0, 0, 0)
        call("prctl", _DIE_WITH_PARENT, int(signal.SIGKILL), 0, 0, 0)
        reader = select.poll()
        reader.register(ready, 0)
        if reader.poll(0):  # the helper died before it could take this process with it
            os._exit(1)
        if self.filter is not None:
            filters.load(self.filter, os.getpid())


def _working_filter() -> bytes:
    """A filter that loads here. Raises `OSError` where none does."""
    rules = filters.compiled()
    child = os.fork()
    if not child:
        try:
            identity.drop(None)
            filters.load(rules, os.getpid())
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 1)
    if status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise OSError(f"the filter does not load ({os.strerror(status) if status > 0 else f'signal {-status}'})")
    return rules
