"""The command `rsa-serve`: its configuration, and how it ends."""

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
import yaml
from typer.testing import CliRunner

from rsa.errors import UsageError
from rsa.gateway.cli import app
from rsa.gateway.config import load_config
from tests.gateway.running import QUESTION, SMALL, Gateway
from tests.gateway.test_limits import until

BASE = {"upstream": {"base_url": "http://127.0.0.1:9/v1"}}


def load(tmp_path, content, **overrides):
    path = tmp_path / "serve.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return load_config(path, overrides)


def test_flags_override_the_file(tmp_path):
    config = load(tmp_path, {**BASE, "defaults": {"n": 6, "k": 3}, "port": 1}, **{"defaults.n": 5, "serve": None})
    assert (config.defaults.n, config.defaults.k, config.port) == (5, 3, 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "there is no model server: give --base-url"),
        ({**BASE, "prot": 1}, "unknown key 'prot'; did you mean 'port'"),
        ({**BASE, "limits": {"queu": 1}}, r"unknown key 'limits.queu'; did you mean 'queue'"),
        ({**BASE, "defaults": {"n": 2, "k": 3}}, "lower k or raise n"),
        ({**BASE, "defaults": {"n": 65}}, "defaults.n is over maxima.n"),
        ({**BASE, "defaults": {"strategy": "rsaa"}}, "did you mean 'rsa'"),
        ({**BASE, "port": 70000}, "port: .*65535"),
        ({**BASE, "serve": {"engine": "vllm"}}, "exclude each other"),
        ("- 1", "must hold keys and values"),
        ("a: [", "cannot be read as YAML"),
    ],
    ids=str,
)
def test_a_configuration_that_is_wrong_is_told_at_once(tmp_path, content, words):
    with pytest.raises(UsageError, match=words):
        load(tmp_path, content)


def test_the_command_says_what_is_wrong_without_a_traceback(server, monkeypatch):
    monkeypatch.delenv("NO_KEY", raising=False)
    for arguments, words in (
        ([], "there is no model server"),
        (["--base-url", "localhost"], "is not a URL"),
        (["--base-url", server.url, "--model", "other", "--port", "0"], "serves no model 'other'"),
        (["--base-url", server.url, "--port", str(server.port)], "cannot be used"),
        (["--base-url", server.url, "--api-key-env", "NO_KEY"], "NO_KEY is not set"),
        (["--base-url", server.url, "--keys-env", "NO_KEY"], "NO_KEY is not set"),
        (["--config", "nowhere.yaml"], "cannot be read"),
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 2, done.output
        assert words in done.output
        assert "Traceback" not in done.output


def test_the_schema_describes_every_key():
    schema = json.loads(CliRunner().invoke(app, ["--schema"]).output)
    sections = [schema, *schema["$defs"].values()]
    fields = {name: field for section in sections for name, field in section["properties"].items()}
    undescribed = [name for name, field in fields.items() if not field.get("description") and "$ref" not in str(field)]
    assert undescribed == []


def test_after_sigterm_what_is_in_progress_ends_and_nothing_new_begins(upstream):
    upstream.hold = threading.Event()
    command = [sys.executable, "-m", "rsa.gateway.cli", "--base-url", upstream.url, "--port", "0", "--keys-env", "OUR_KEYS"]
    environment = {**os.environ, "OUR_KEYS": "a-very-secret-key"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        ending = threading.Timer(60, process.kill)  # whatever goes wrong below
        ending.start()
        shown = [process.stderr.readline() for _ in range(2)]
        port = int(re.search(r"listening on http://127.0.0.1:(\d+)/v1", shown[1])[1])
        gateway = Gateway(port, {"Authorization": "Bearer a-very-secret-key"})
        connection = gateway.connection()
        body = {"model": "fake", "messages": QUESTION, "rsa": SMALL, "stream": True}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), gateway.headers)
        until(lambda: upstream.streamed)
        process.send_signal(signal.SIGTERM)
        until(lambda: refuses(port))
        upstream.hold.set()
        text = connection.getresponse().read().decode()
        connection.close()
        shown.append(process.stderr.read())
        assert process.wait(20) == 0
        ending.cancel()
    assert "boxed" in text
    assert text.endswith("data: [DONE]\n\n")
    assert "a-very-secret-key" not in "".join(shown)
    assert "Traceback" not in "".join(shown)


def refuses(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
