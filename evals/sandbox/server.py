"""One fork server: the helper process, seen from the side that gives it jobs."""

import json
import platform
import socket
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evals.sandbox.files import JobFiles, MemoryFile
from evals.sandbox.helper.modules import groups_of
from evals.sandbox.verdicts import Level, Limits, SandboxUnavailable

__all__ = ["PROGRAMS", "Ending", "ForkServer", "Kind", "ServerDied"]

_START_SECONDS = 60.0
_GRACE_SECONDS = 30.0  # beyond the time that a job may take by its limits
_WARM_UP_SECONDS = 120.0
_STOP_SECONDS = 5.0
_FOLDER = Path(__file__).parent
_BOOT = """
import json, sys
settings = json.loads(sys.argv[1])
sys.path.append(settings["folder"])
from helper.main import main, raise_stack_limit
if settings.pop("first", False):
    raise_stack_limit([*settings["command"], json.dumps(settings)])
sys.path.remove(settings["folder"])
main(settings)
"""


class ServerDied(Exception):
    """A fork server ended, or did not answer in time; jobs can be given to another."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a fork server is for: calls of the function `target` ("module:function"), or programs.

    `groups` are the modules that it has loaded besides the common ones, see `helper.modules`.
    """

    target: str | None = None
    groups: tuple[str, ...] = ()

    @classmethod
    def for_program(cls, program: str) -> "Kind":
        """The kind that has what a program imports."""
        return cls(groups=groups_of(program))


PROGRAMS = Kind()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended. `cut` says why it was ended from outside, if it was; see `helper.supervision.watch`."""

    ready: bool
    cut: str | None
    codes: tuple[int | None, ...]
    cpu: float
    failed: str | None = None


class ForkServer:
    """A running helper. One thread at a time may use it."""

    def __init__(self, kind: Kind = PROGRAMS, without: Collection[str] = ()) -> None:
        """Start it. Raises `SandboxUnavailable` where it cannot start at all."""
        if not sys.platform.startswith("linux"):
            raise SandboxUnavailable(
                f"programs can be shut in on Linux only, not on {platform.system()}: run this in a container "
                '(docker run -it -v "$PWD:/work" python:3.12 bash)'
            )
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._errors = MemoryFile("helper")
        self._process: subprocess.Popen[bytes] | None = None
        try:
            with theirs:
                self._process = self._start(kind, without, theirs)
            hello = self._receive(_START_SECONDS)
        except (ServerDied, OSError) as error:
            words = self._errors.read(0, 1 << 16).decode("utf-8", "replace").strip().splitlines()
            self.close()
            raise SandboxUnavailable(f"the sandbox does not start: {words[-1] if words else error}") from error
        self.level = Level(hello["level"])
        self.refused: dict[str, str] = hello["refused"]

    def _start(self, kind: Kind, without: Collection[str], theirs: socket.socket) -> subprocess.Popen[bytes]:
        # Calls need what is installed as it is installed; programs need only the standard library.
        command = [sys.executable, "-s", "-P", "-B", *(() if kind.target else ("-S",)), "-c", _BOOT]
        settings = {
            "first": True,
            "command": command,
            "folder": str(_FOLDER),
            "path": [str(Path(place).absolute()) for place in sys.path],
            "socket": theirs.fileno(),
            "target": kind.target,
            "groups": kind.groups,
            "without": sorted(without),
        }
        return subprocess.Popen(
            [*command, json.dumps(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors.descriptor,
            pass_fds=[theirs.fileno()],
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the runner
        )

    def run(
        self,
        role: str,
        files: JobFiles,
        limits: Limits,
        tests: int = 1,
        warm: Any = None,
        enough: Callable[[int], bool] = lambda _: False,
    ) -> Ending:
        """Run a job. `enough(n)` is asked whenever n tests are finished, and ends the job by giving true.

        Raises `ServerDied`.
        """
        job = {"role": role, "limits": asdict(limits), "tests": tests, "warm": warm}
        patience = min(limits.total, limits.wall * tests) + _GRACE_SECONDS + (_WARM_UP_SECONDS if warm is not None else 0.0)
        finished, stopped = 0, False
        try:
            socket.send_fds(self._socket, [json.dumps(job).encode()], files.descriptors)
            while isinstance(message := self._receive(patience), int):
                finished += message
                if not stopped and enough(finished):
                    stopped = True
                    self._socket.send(b"stop")
        except OSError as error:
            raise ServerDied(str(error)) from error
        if "failed" in message:
            return Ending(False, None, (), 0.0, message["failed"])
        return Ending(message["ready"], message["cut"], tuple(message["codes"]), message["cpu"])

    def _receive(self, seconds: float) -> Any:
        """The next message: a number of finished tests, or a JSON object."""
        self._socket.settimeout(seconds)
        try:
            message = self._socket.recv(1 << 16)
        except TimeoutError:
            raise ServerDied(f"no answer for {seconds:.0f} s") from None
        except OSError as error:
            raise ServerDied(str(error)) from error
        if not message:
            raise ServerDied("it ended")
        return len(message) if message.startswith(b".") else json.loads(message)

    def close(self) -> None:
        """End it and all its children."""
        self._socket.close()
        if self._process is not None:
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._errors.close()


_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",  # the same program, the same verdict
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
