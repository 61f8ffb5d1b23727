import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.chaos import report
from tests.chaos.running import Launcher
from tests.fake_server import FakeServer
from tests.integration.serving import running_server, tiny_model, tiny_vllm

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

# The files of the published RSA evaluation; they are not part of the project. Point RSA_DATA at them to run their tests.
PUBLISHED = Path(os.environ.get("RSA_DATA", Path(__file__).parents[2] / "shared" / "data"))


def pytest_configure(config: pytest.Config) -> None:
    """Started in the background of a script, this process and all its children would ignore Ctrl-C, which tests send."""
    config.pluginmanager.register(report, "chaos-report")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    from tests.side_by_side import SideBySide  # noqa: PLC0415 - only there if tests run side by side

    return SideBySide(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Those that take long begin first where tests run side by side."""
    if hasattr(config, "workerinput"):
        from tests.side_by_side import begins  # noqa: PLC0415

        items.sort(key=lambda item: begins(item.nodeid))


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


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    """Starts the command line without importing it each time."""
    with Launcher() as running:
        yield running


@pytest.fixture(scope="session")
def vllm_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny random model for vLLM."""
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def vllm_url(vllm_model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One vLLM for all tests: it takes a minute to start."""
    with running_server(tiny_vllm(vllm_model), tmp_path_factory.mktemp("vllm")) as url:
        yield url


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def rsa_eval(launcher: Launcher, tmp_path: Path) -> Command:
    """Runs the real command line in an empty folder."""

    def run(*arguments: str, env: dict[str, str] | None = None, timeout: float = 100) -> subprocess.CompletedProcess[str]:
        done = launcher.begin(tmp_path, *arguments, **(env or {})).wait(timeout)
        return subprocess.CompletedProcess(arguments, done.code, done.output, done.errors)

    return run
