"""Namespaces: a child sees a file tree, a network and processes of its own, and there is nothing in them.

The other layers already keep a program from opening, connecting or signalling anything; this one makes sure that there would
be nothing to find. The room (file tree, network, host name, shared memory) is furnished once, by a process that ends; what
stays is a descriptor of each namespace, which every child enters by itself. A process table cannot be entered by a running
process, only by its children, and dies with the first of them: each child gets a fresh one at its fork.

An ordinary user gets all this inside a user namespace, where the machine allows that. Containers and hardened systems often
do not, wholly or in part.
"""

import json
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from .kernel import call

__all__ = ["ProcessTables", "Room", "furnish"]

_MOUNT, _HOST_NAME, _IPC, _USER, _PID, _NETWORK = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_OPTIONAL = {"ipc": _IPC, "uts": _HOST_NAME, "net": _NETWORK}
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXEC, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_DETACH = 2
_DIE_WITH_PARENT = 1


@dataclass(frozen=True, slots=True)
class Room:
    """An empty surrounding. `doors` are the descriptors of its namespaces with their kinds; `user` is its user namespace.

    `missing` says which of the namespaces that are not essential could not be had, and why.
    """

    doors: tuple[tuple[int, int], ...]
    user: int | None
    missing: dict[str, str]

    def enter(self) -> None:
        """Move the calling process in, for good."""
        for door, kind in self.doors:
            call("setns", door, kind)


def furnish() -> Room:
    """Make the room. Raises `OSError` where the machine does not allow one with an empty file tree."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        maker = os.fork()
        if not maker:
            _make(theirs)
        theirs.close()
        message, descriptors, _, _ = socket.recv_fds(ours, 1 << 12, 8)
        os.waitpid(maker, 0)
    made = json.loads(message or b'{"error": "the maker of the room died"}')
    if "error" in made:
        raise OSError(made["error"])
    doors = dict(zip(made["kinds"], descriptors, strict=True))
    user = doors.pop(_USER, None)
    if user is not None:
        call("setns", user, _USER)  # from here on this process may make process tables, too
    return Room(tuple((door, kind) for kind, door in doors.items()), user, made["missing"])


def _make(answer: socket.socket) -> None:
    try:
        kinds, missing = _unshare()
        doors = [os.open(f"/proc/self/ns/{_file_of(kind)}", os.O_RDONLY) for kind in kinds]
        if _HOST_NAME in kinds:
            socket.sethostname("sandbox")
        _empty_the_file_tree()
        socket.send_fds(answer, [json.dumps({"kinds": kinds, "missing": missing}).encode()], doors)
    except OSError as error:
        answer.send(json.dumps({"error": str(error)}).encode())
    finally:
        os._exit(0)


def _unshare() -> tuple[list[int], dict[str, str]]:
    """The kinds of namespaces that this process has moved into, and which it could not, with the reason."""
    kinds = []
    try:
        call("unshare", _MOUNT)
    except PermissionError:
        _become_root_of_a_user_namespace()
        kinds.append(_USER)
        call("unshare", _MOUNT)
    kinds.append(_MOUNT)
    missing = {}
    for name, kind in _OPTIONAL.items():
        try:
            call("unshare", kind)
            kinds.append(kind)
        except OSError as error:
            missing[name] = str(error)
    return kinds, missing


def _become_root_of_a_user_namespace() -> None:
    user, group = os.getuid(), os.getgid()
    call("unshare", _USER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def _file_of(kind: int) -> str:
    return {_USER: "user", _MOUNT: "mnt"}.get(kind) or next(name for name, other in _OPTIONAL.items() if other == kind)


def _empty_the_file_tree() -> None:
    """Put an empty, read-only file system in the place of the whole tree."""
    locked = _NO_SUID | _NO_DEVICES | _NO_EXEC
    place = next(folder for folder in (b"/tmp", b"/mnt", b"/var", b"/usr") if Path(os.fsdecode(folder)).is_dir())
    call("mount", None, b"/", None, _RECURSIVE | _PRIVATE, None)
    call("mount", b"none", place, b"tmpfs", locked, b"size=4k,mode=555")
    os.chdir(place)
    call("pivot_root", b".", b".")
    call("umount2", b".", _DETACH)
    os.chdir("/")
    call("mount", None, b"/", None, _REMOUNT | _BIND | _READ_ONLY | locked, None)


class ProcessTables:
    """Gives every child that it forks a process table of its own.

    After each fork this process has to come back to its own table, and may do so only if that is not the machine's. So it
    goes on as the first process of a new one, and everything in there ends with it.
    """

    def __init__(self) -> None:
        """Raises `OSError` where the machine does not allow it; then nothing has changed."""
        rehearsal = os.fork()
        if not rehearsal:
            _exit_after(self._rehearse)
        if os.waitpid(rehearsal, 0)[1]:
            raise OSError("no process table of its own for a child")
        self._home = self._move()

    def fork(self) -> int:
        """`os.fork`; the child is number 1 of its table and sees nobody else."""
        call("unshare", _PID)
        try:
            child = os.fork()
        except OSError:
            call("setns", self._home, _PID)
            raise
        if child:
            call("setns", self._home, _PID)
        return child

    def _move(self) -> int:
        """Go on as a child with a new table; gives a descriptor of that. What is left of the caller waits for the child."""
        call("unshare", _PID)
        child = os.fork()
        if child:
            os.closerange(0, os.sysconf("SC_OPEN_MAX"))
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
        call("prctl", _DIE_WITH_PARENT, int(signal.SIGKILL), 0, 0, 0)
        return os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def _rehearse(self) -> bool:
        self._home = self._move()
        child = self.fork()
        if not child:
            os._exit(0 if os.getpid() == 1 else 1)
        return os.waitpid(child, 0)[1] == 0


def _exit_after(act: Callable[[], bool]) -> NoReturn:
    try:
        os._exit(0 if act() else 1)
    except OSError:
        os._exit(1)
