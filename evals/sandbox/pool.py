"""Fork servers, lent to one thread at a time."""

import os
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from evals.sandbox.server import PROGRAMS, ForkServer, Kind
from evals.sandbox.verdicts import Level, SandboxUnavailable
from rsa.errors import UsageError

__all__ = ["ServerPool"]


class ServerPool:
    """At most `workers` servers work at any time. They start when they are needed, and a dead one is not lent again."""

    def __init__(self, workers: int | None, unsafe: bool, without: Collection[str]) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"the sandbox needs at least 1 worker, not {workers}")
        self._unsafe = unsafe
        self._without = without
        self._places = threading.BoundedSemaphore(workers or os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._idle: dict[Kind, list[ForkServer]] = {}
        self._seen: ForkServer | None = None
        self._closed = False

    @contextmanager
    def lend(self, kind: Kind = PROGRAMS) -> Iterator[ForkServer]:
        """A server of that kind. It is ended if the block is left by an exception.

        Raises `SandboxUnavailable` if it is less than sealed, unless that is allowed.
        """
        with self._places:
            server = self._idle_one(kind) or self._start(kind)
            try:
                yield server
            except BaseException:
                server.close()
                raise
            with self._lock:
                if not self._closed:
                    self._idle.setdefault(kind, []).append(server)
                    return
            server.close()

    @property
    def level(self) -> Level:
        """The level of the first server, and so of all; starts one to find out."""
        return self._first().level

    @property
    def refused(self) -> Mapping[str, str]:
        """The layers that the first server had to do without, and why."""
        return self._first().refused

    def _first(self) -> ForkServer:
        """A server, perhaps one that is over by now."""
        if self._seen is None:
            with self.lend() as server:
                self._seen = server
        return self._seen

    def _idle_one(self, kind: Kind) -> ForkServer | None:
        with self._lock:
            if self._closed:
                raise UsageError("this sandbox is closed")
            idle = self._idle.get(kind)
            return idle.pop() if idle else None

    def _start(self, kind: Kind) -> ForkServer:
        server = ForkServer(kind, self._without)
        if server.level is Level.UNSAFE and not self._unsafe:
            server.close()
            raise SandboxUnavailable(
                f"programs cannot be shut in here, for system calls cannot be filtered: {server.refused['seccomp']}. "
                "Install libseccomp (apt install libseccomp2) and pyseccomp (pip install pyseccomp), or use a container "
                "that allows seccomp, as Docker's default does. With --sandbox unsafe programs run without that wall"
            )
        return server

    def close(self) -> None:
        """End all servers that are not lent; those that are end when they come back."""
        with self._lock:
            self._closed = True
            servers = [server for idle in self._idle.values() for server in idle]
            self._idle.clear()
        for server in servers:
            server.close()
