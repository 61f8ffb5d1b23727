import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.fake_server import FakeServer

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

# The files of the published RSA evaluation; they are not part of the project. Point RSA_DATA at them to run their tests.
PUBLISHED = Path(os.environ.get("RSA_DATA", Path(__file__).parents[2] / "shared" / "data"))


def pytest_configure() -> None:
    """Started in the background of a script, this process and all its children would ignore Ctrl-C, which tests send."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def published() -> Callable[[str], Path]:
    """The path of a published data file; skips the test where it is not there."""

    def find(name: str) -> Path:
        path = PUBLISHED / name
        if not path.is_file():
            pytest.skip(f"{name} is not here: set RSA_DATA to the folder of the published RSA data files")
        return path

    return find


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def rsa_eval(tmp_path: Path) -> Command:
    """Runs the real command line in an empty folder."""

    def run(*arguments: str, env: dict[str, str] | None = None, timeout: float = 100) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "evals", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
        )

    return run
