"""Real runs of the command line, started quickly, that can be killed without ever hitting another process."""

import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

_MARK = "RSA_CHAOS_FAMILY"
_ROOT = Path(__file__).parents[2]
_PATIENCE = 300.0  # seconds


@dataclass(frozen=True)
class Done:
    """How a run ended. `code` is -9 after SIGKILL."""

    code: int
    output: str
    errors: str


@dataclass
class Running:
    """A run that was begun. `family` is in the environment of whatever it starts."""

    launcher: subprocess.Popen[str]
    pid: int
    handle: int
    output: Path
    errors: Path
    family: str
    waited: bool = False

    def send(self, number: int) -> None:
        """Send a signal; does nothing if the run has ended."""
        try:
            signal.pidfd_send_signal(self.handle, number)
        except ProcessLookupError:
            return

    def ended(self) -> bool:
        """Whether it is dead."""
        return bool(select.select([self.handle], [], [], 0)[0])

    def said(self) -> str:
        """What is on its standard error so far."""
        return self.errors.read_text(errors="replace")

    def wait(self, seconds: float = _PATIENCE) -> Done:
        """Wait for its end. Raises `AssertionError`, and ends it, if that takes longer."""
        assert self.launcher.stdout
        late = not select.select([self.handle], [], [], seconds)[0]
        if late:
            self.send(signal.SIGKILL)
        code = int(self.launcher.stdout.readline())
        self.waited = True
        os.close(self.handle)
        assert not late, f"no end within {seconds:g} s; said so far: {self.said()}"
        return Done(code, self.output.read_text(errors="replace"), self.said())

    def descendants(self) -> list[psutil.Process]:
        """The live processes that it started, directly or not, also when it is dead itself."""
        return [process for process in psutil.process_iter() if process.pid != self.pid and self._started(process)]

    def _started(self, process: psutil.Process) -> bool:
        try:
            related = process.environ().get(_MARK) == self.family or os.getsid(process.pid) == self.pid
            return related and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            return False


@dataclass
class Launcher:
    """Starts runs in a folder, one at a time."""

    environment: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[str] | None = None
    _begun: int = 0
    _last: Running | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.launcher"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **self.environment},
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process
        self._process.communicate()

    def begin(self, folder: Path, *arguments: str, file_limit: int = 0, **environment: str) -> Running:
        """Start `rsa-eval ARGUMENTS` in a folder. No file may grow beyond `file_limit` bytes, if that is given."""
        assert self._process
        assert self._process.stdin
        assert self._process.stdout
        if self._last and not self._last.waited:  # a test failed in the middle of it
            self._last.send(signal.SIGKILL)
            self._last.wait()
        self._begun += 1
        mark = f"{os.getpid()}-{id(self)}-{self._begun}"
        output, errors = folder.parent / f"{folder.name}.stdout", folder.parent / f"{folder.name}.stderr"
        errors.write_text("")
        order = {
            "arguments": arguments,
            "folder": str(folder),
            "output": str(output),
            "errors": str(errors),
            "file_limit": file_limit,
            "environment": {**environment, _MARK: mark},
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        self._last = Running(self._process, pid, os.pidfd_open(pid), output, errors, mark)
        return self._last

    def run(self, folder: Path, *arguments: str, file_limit: int = 0, **environment: str) -> Done:
        """Run `rsa-eval ARGUMENTS` in a folder to its end."""
        return self.begin(folder, *arguments, file_limit=file_limit, **environment).wait()
