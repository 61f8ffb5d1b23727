"""Runs that start their own server, when one of the two is killed."""

import importlib.util
from signal import SIGKILL

import psutil
import pytest

from rsa.errors import UsageError
from rsa.serving import embedded_weights
from tests.chaos.invariants import check, records
from tests.chaos.server import wait_until

pytestmark = [pytest.mark.llamacpp, pytest.mark.timeout(180)]

SERVED = ("run", "arithmetic", "--serve", "llamacpp", "--out", "run", "--strategy", "majority", "--n", "4", "--limit", "2")
LIMITS = (
    *("--max-tokens", "6", "--max-concurrency", "1", "--set", "endpoint.patience=600"),
    *("--set", "serve.context=512", "--set", "serve.threads=1"),
)
PLANNED = 8


@pytest.fixture(autouse=True)
def installed():
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: make test does it")
    try:
        embedded_weights()
    except UsageError as error:
        pytest.skip(str(error))


def recorded(folder):
    return len(records(folder / "run" / "chains.jsonl"))


def server_of(running):
    """The process that serves the model, once there is one."""
    return next((each for each in running.descendants() if "rsa.serving.llamacpp_server" in _command(each)[:4]), None)


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.parametrize("moment", ["starting", "loading", "generating"])
def test_nothing_of_the_server_survives_the_kill_of_the_run(launcher, folder, tally, moment):
    running = launcher.begin(folder, *SERVED, *LIMITS)
    conditions = {
        "starting": (folder / "run" / "server.log").exists,
        "loading": lambda: server_of(running),
        "generating": lambda: recorded(folder) >= 1,
    }
    wait_until(lambda: running.ended() or conditions[moment]())
    assert not running.ended(), running.said()
    running.send(SIGKILL)
    assert running.wait().code == -SIGKILL
    wait_until(lambda: not running.descendants())
    tally.kills[f"with its own server, {moment}"] += 1
    check(folder / "run", complete=False) if moment == "generating" else None
    again = ("resume", "run") if (folder / "run" / "run.yaml").exists() else (*SERVED, *LIMITS)
    if moment == "generating":
        done = launcher.run(folder, *again)
        assert done.code == 0, done.errors
        assert recorded(folder) == PLANNED
        tally.add_run(folder / "run", PLANNED)


def test_a_run_whose_own_server_is_killed_ends_soon_and_can_be_resumed(launcher, folder, tally):
    """Not after the ten minutes of patience that it has with servers of others."""
    running = launcher.begin(folder, *SERVED, *LIMITS)
    wait_until(lambda: running.ended() or recorded(folder) >= 1)
    server = server_of(running)
    assert server, running.said()
    server.kill()
    wait_until(running.ended)
    done = running.wait()
    assert done.code in (1, 3), done.errors
    assert "Traceback" not in done.errors
    assert "llamacpp" in done.errors.splitlines()[-1] or "Resume with" in done.errors, done.errors
    wait_until(lambda: not running.descendants())
    tally.kills["of its own server"] += 1
    resumed = launcher.run(folder, "resume", "run")
    assert resumed.code == 0, resumed.errors
    found = records(folder / "run" / "chains.jsonl")
    assert [chain["status"] for chain in found].count("dead") == 0
    tally.add_run(folder / "run", PLANNED)
