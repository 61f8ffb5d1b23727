"""The API key is nowhere, whatever a server does with it."""

import asyncio
import importlib.util
import logging
import traceback
from pathlib import Path

import pytest

import rsa
from rsa.session import open_session
from tests.chaos.faults import FATAL, OF_THE_PROMPT, RETRYABLE, SLOW, Kind, always, keyed
from tests.chaos.server import ChaosServer, text_of, wait_until

KEY = "sk-chaos-3f9c0a77-not-to-be-seen"
ENVIRONMENT = {"CHAOS_KEY": KEY}
WITH_KEY = ("--api-key-env", "CHAOS_KEY", "--model", "fake")
NOISY = [kind for kind in RETRYABLE if kind not in (*SLOW, Kind.GONE, Kind.RATE_SECONDS, Kind.RATE_DATE)]


@pytest.fixture
def parrot(chaos):
    """A server that repeats the key in its errors, headers, redirects, model list and replies."""
    chaos.echo = lambda request: request.headers.get("Authorization", "")
    chaos.redirect_to = "/v1/elsewhere?key="
    chaos.models = ("fake", f"fake-{KEY}")
    chaos.text_of = lambda call: f"{text_of(call)} By the way, {KEY}."
    return chaos


def assert_hidden(folder: Path) -> None:
    for path in folder.rglob("*"):
        assert KEY not in path.name
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def command_lines() -> str:
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_text(errors="replace"))
        except OSError:
            continue
    return "\n".join(lines)


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_no_file_and_no_output_of_any_command_has_it(parrot, start, launcher, folder, tmp_path, form):
    parrot.schedule = keyed(1, 0.2, [*NOISY, Kind.FILTER])
    limits = ("--set", "max_dead=1")
    done = launcher.run(folder, *start, *WITH_KEY, *limits, *form, "--out", "run", **ENVIRONMENT)
    assert done.code == 0, done.errors
    assert_hidden(tmp_path)
    assert "***" in (folder / "run" / "chains.jsonl").read_text()
    for command in (("resume", "run"), ("score", "run"), ("doctor", "--base-url", parrot.url, *WITH_KEY)):
        launcher.run(folder, *command, *form, **ENVIRONMENT)
        assert_hidden(tmp_path)
    launcher.run(folder, "plan", *start[1:], *WITH_KEY, *form, **ENVIRONMENT)
    assert_hidden(tmp_path)


@pytest.mark.parametrize("kind", [*FATAL, *OF_THE_PROMPT, Kind.BUSY, Kind.RESET])
def test_no_message_of_a_run_that_fails_has_it(parrot, start, launcher, folder, tmp_path, kind):
    parrot.schedule = always(kind)
    limits = ("--set", "endpoint.retries=1", "--set", "endpoint.patience=1")
    done = launcher.run(folder, *start, *WITH_KEY, *limits, "--out", "run", **ENVIRONMENT)
    assert done.code in (1, 2, 3), done.errors
    assert_hidden(tmp_path)


def test_a_key_that_is_refused_is_not_shown(parrot, start, launcher, folder, tmp_path):
    parrot.required_key = "another"
    for command in ((*start, *WITH_KEY), ("doctor", "--base-url", parrot.url, *WITH_KEY)):
        done = launcher.run(folder, *command, **ENVIRONMENT)
        assert done.code, done.output
        assert "***" in done.errors + done.output
        assert_hidden(tmp_path)


def test_the_process_list_does_not_have_it(parrot, start, launcher, folder):
    parrot.schedule = always(Kind.HANG)
    running = launcher.begin(folder, *start, *WITH_KEY, "--out", "run", **ENVIRONMENT)
    wait_until(lambda: parrot.in_flight > 4)
    shown = command_lines()
    running.send(9)
    running.wait()
    assert "tests.chaos.launcher" in shown
    assert KEY not in shown


@pytest.mark.llamacpp
def test_a_server_that_is_started_does_not_get_it_on_its_command_line(launcher, folder, tmp_path):
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: make test does it")
    command = ("run", "arithmetic", "--serve", "llamacpp", "--strategy", "sample", "--limit", "2", "--max-tokens", "4")
    command = (*command, "--set", "serve.threads=1")
    running = launcher.begin(folder, *command, "--api-key-env", "CHAOS_KEY", "--out", "run", **ENVIRONMENT)
    wait_until(lambda: running.ended() or (folder / "run" / "run.yaml").exists())
    shown = command_lines()
    done = running.wait()
    assert done.code == 0, done.errors
    assert "rsa.serving.llamacpp_server" in shown
    assert KEY not in shown
    assert_hidden(tmp_path)


@pytest.mark.parametrize("kind", [None, *NOISY, *FATAL, *OF_THE_PROMPT, Kind.HANG, Kind.DRIP])
async def test_neither_exceptions_nor_logs_of_the_library_have_it(parrot, caplog, kind):
    asyncio.get_running_loop().set_debug(True)
    caplog.set_level(logging.DEBUG)
    if kind:
        parrot.schedule = always(kind)
    limit = 0.3 if kind in SLOW else 60.0
    endpoint = rsa.Endpoint(parrot.url, model="fake", api_key=KEY, timeout=limit, retries=0, patience=0.2)
    shown = [repr(endpoint), str(endpoint)]
    try:
        result = await rsa.arun("2+2?", endpoint, rsa.Majority(2))
        shown += [repr(result), result.text, repr(result.chains)]
        assert kind is None
    except rsa.RSAError as error:
        shown += traceback.format_exception(error)
        shown += [repr(error), repr(error.__cause__), repr(error.__context__), repr(vars(error))]
        assert kind is not None
    async with open_session(endpoint) as session:
        shown += [repr(session), repr(session.client), repr(session.models), repr(vars(session.client))]
    shown += [record.getMessage() + str(record.args) + str(record.exc_text) for record in caplog.records]
    assert not [text for text in shown if KEY in text]


async def test_a_redirect_takes_the_key_nowhere(parrot):
    with ChaosServer() as elsewhere:
        parrot.echo = lambda request: ""
        parrot.redirect_to = f"{elsewhere.url}/chat/completions"
        parrot.schedule = always(Kind.REDIRECT)
        with pytest.raises(rsa.EndpointRefused, match="redirect"):
            await rsa.arun("2+2?", rsa.Endpoint(parrot.url, model="fake", api_key=KEY), rsa.Sample())
        assert not elsewhere.attempts
