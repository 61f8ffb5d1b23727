"""One process at a time in a run directory.

The first choice is `flock` on `run.lock`: the system gives it up with its process, however that dies. Local file systems
have it, and so have NFS (version 4, or 3 with its lock service), Lustre mounted with `flock`, and CephFS: there the lock
keeps other hosts out too, as long as the client stays in touch with the server. A client that the server has not heard of
for its lease time (90 s by default) may lose the lock.

Where a file system offers no `flock`, a file made with O_EXCL stands for it, `run.holder.N`, which names its process by
host, id and start time. It is left behind by a process that is killed; the next process on the same host sees that and
takes over. What another host left behind is refused, with a message that says which file to remove, because nobody can
tell from here whether that process lives. It needs a file system on which O_EXCL and the listing of a folder are up to
date at once: true of local ones and NFS from version 3 on, not of object stores mounted as folders.

Two processes that take over at once must not both win, and a file can be removed only by name, never "if it is still the
one I looked at". So no name is used twice: the next holder makes the file with the next number, of which there can be
one, and holds the lock only if it then sees no higher number. A file whose number was given up keeps it
(`run.holder.N.free`) until a higher one is there.
"""

import errno
import fcntl
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from rsa.errors import Incomplete, UsageError

__all__ = ["is_lock", "locked", "remove_locks"]

_LOCK = "run.lock"
_HOLDER = "run.holder."
_FREE = ".free"
_NUMBERED = re.compile(r"run\.holder\.(\d{1,9})(\.free)?")
_LONGEST = 1 << 12
_NO_FLOCK = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS})
_SAME_START = 2.0  # seconds; no process id comes round again that fast, and the time of boot is told with such an error


@dataclass(frozen=True, slots=True)
class Holder:
    """A process: its host, the number space that its id belongs to (a container has its own), its id, its start.

    `started` is in seconds after the boot of the host, so that it stays the same when the clock is set.
    """

    host: str
    space: str
    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "Holder":
        """A process of this host. Raises `psutil.NoSuchProcess`."""
        started = psutil.Process(pid).create_time() - psutil.boot_time()
        return cls(socket.gethostname(), _space(), pid, round(started, 2))

    @property
    def gone(self) -> bool:
        """Whether the process surely is no more. False if that cannot be seen from here."""
        if (self.host, self.space) != (socket.gethostname(), _space()):
            return False
        try:
            if psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE:
                return True
            return abs(Holder.of(self.pid).started - self.started) > _SAME_START
        except psutil.NoSuchProcess:
            return not psutil.pid_exists(self.pid)  # it may only be hidden from other users

    def __str__(self) -> str:
        return f"(pid {self.pid}) on {self.host}"


def _space() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def is_lock(path: Path) -> bool:
    """Whether a file of a run directory belongs to its lock."""
    return path.name == _LOCK or _NUMBERED.fullmatch(path.name) is not None


def remove_locks(folder: Path) -> None:
    """Remove every trace of the lock. For its holder."""
    for path in [path for path in folder.iterdir() if is_lock(path)]:
        path.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep every other process out of a run directory.

    Raises `UsageError` with the process id and the host of the holder if there is one, or if nothing can be written
    there, and `Incomplete` if there is no space left.
    """
    try:
        release = _flock(folder) or _numbered(folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Incomplete(f"{folder / _LOCK} cannot be written ({error.strerror}): make space, then resume") from error
        raise UsageError(
            f"{folder / _LOCK} cannot be locked ({error.strerror}): the run directory must be writable"
        ) from error
    try:
        yield
    finally:
        release()


def _flock(folder: Path) -> Callable[[], None] | None:
    """Lock `run.lock`, and give what unlocks it; None if the file system offers no such locks."""
    while True:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _holder(os.pread(lock, _LONGEST, 0))
            os.close(lock)
            raise _in_use(folder, holder) from error
        except OSError as error:
            os.close(lock)
            if error.errno in _NO_FLOCK:
                return None
            raise
        if _is_at(lock, folder / _LOCK):  # and not one that its holder removed between the two calls above
            _note(lock)
            return partial(os.close, lock)
        os.close(lock)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _note(lock: int) -> None:
    """Say in a lock whose it is. One that a full disk leaves empty locks all the same."""
    with suppress(OSError):
        os.ftruncate(lock, 0)
        os.pwrite(lock, _own_name(), 0)


def _numbered(folder: Path) -> Callable[[], None]:
    """Make the file with the next number, and give what gives it up."""
    while True:
        found = _numbers(folder)
        for path in found:
            _refuse_living(path)
        number = max(found.values(), default=0) + 1
        own = folder / f"{_HOLDER}{number}"
        try:
            with own.open("xb", buffering=0) as file:
                file.write(_own_name())
        except FileExistsError:
            continue  # another one was quicker: look again
        except OSError:
            own.unlink(missing_ok=True)
            raise
        others = {path: other for path, other in _numbers(folder).items() if path != own}
        if all(other < number for other in others.values()):
            for path in others:
                path.unlink(missing_ok=True)
            return partial(_give_up, own)
        own.unlink(missing_ok=True)


def _numbers(folder: Path) -> dict[Path, int]:
    matches = ((path, _NUMBERED.fullmatch(path.name)) for path in folder.iterdir())
    return {path: int(match[1]) for path, match in matches if match}


def _refuse_living(path: Path) -> None:
    if path.suffix == _FREE:
        return
    with suppress(FileNotFoundError):  # given up a moment ago
        holder = _holder(path.read_bytes())
        if holder is None or not holder.gone:
            raise _in_use(path.parent, holder, f"; if that process is gone for certain, remove {path} and try again")


def _give_up(own: Path) -> None:
    with suppress(OSError):  # it went with its folder, or the disk failed: then it is taken over as a dead process's
        own.rename(own.with_name(own.name + _FREE))


def _own_name() -> bytes:
    return json.dumps(asdict(Holder.of(os.getpid()))).encode() + b"\n"


def _holder(content: bytes) -> Holder | None:
    """The process that a lock names; None if it names none."""
    try:
        fields: Any = json.loads(content)
        return Holder(str(fields["host"]), str(fields["space"]), int(fields["pid"]), float(fields["started"]))
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _in_use(folder: Path, holder: Holder | None, advice: str = "") -> UsageError:
    name = holder or "(pid unknown)"
    return UsageError(f"{folder} is in use by another process {name}: wait for it, or stop it{advice}")
