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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from rsa.errors import UsageError
from rsa.gateway.asks import usual_values
from rsa.gateway.cli import app
from rsa.gateway.config import load_config
from rsa.serving import VLLM, LlamaCpp
from tests.fake_server import Trouble
from tests.gateway.running import QUESTION, SMALL, Gateway, until

BASE = {"upstream": {"base_url": "http://127.0.0.1:9/v1"}}


def load(tmp_path, content, **overrides):
    path = tmp_path / "serve.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return load_config(path, overrides)


def test_flags_override_the_file(tmp_path):
    config = load(tmp_path, {**BASE, "defaults": {"n": 6, "k": 3}, "port": 1}, **{"defaults.n": 5, "serve": None})
    assert (config.defaults.n, config.defaults.k, config.port) == (5, 3, 1)


def test_candidates_are_no_more_than_the_chains_where_only_those_are_given(tmp_path):
    assert usual_values("rsa", load(tmp_path, BASE, **{"defaults.n": 2}))["k"] == 2


def test_a_text_stands_for_the_server_to_start(tmp_path):
    plain = load(tmp_path, "serve: llamacpp", **{"serve.threads": 1, "upstream.model": "a.gguf"})
    assert plain.serve.build("a.gguf") == LlamaCpp("a.gguf", threads=1)
    named = load(tmp_path, {"serve": {"engine": "vllm", "model": "folder", "python": "py"}, "upstream": {"model": "m"}})
    assert named.serve.build("m") == VLLM("folder", served_as="m", python="py")
    with pytest.raises(UsageError, match=r"vllm takes no serve\.threads"):
        load(tmp_path, {"serve": {"engine": "vllm", "threads": 2}}).serve.build("m")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "there is no model server: give --base-url"),
        ({**BASE, "prot": 1}, "unknown key 'prot'; did you mean 'port'"),
        ({**BASE, "limits": {"queu": 1}}, r"serve.yaml, line 2: unknown key 'limits.queu'; did you mean 'queue'"),
        ({**BASE, "defaults": {"on_overflow": "sumarize"}}, "did you mean 'summarize'"),
        ({**BASE, "runs": {"bytes": 0}}, "runs.bytes: .*greater than or equal to 1"),
        ("port: 1\nport: 2", "port is given twice"),
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


def test_a_port_that_is_taken_while_it_starts_is_told(tmp_path):
    settings = tmp_path / "serve.yaml"
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as other:
        free = socket.socket()
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        settings.write_text(yaml.safe_dump({"upstream": {"base_url": url}, "port": port}))
        command = [sys.executable, "-m", "rsa.gateway.cli", "--config", str(settings)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            ending = threading.Timer(60, process.kill)
            ending.start()
            connection, _ = silent.accept()  # it has its port, and does not listen yet
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port))
            other.listen()
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n" + b'{"data": [{"id": "m"}]}')
            shown = process.stderr.read()
            assert process.wait(20) == 2
            ending.cancel()
            connection.close()
    assert f"port {port} of 127.0.0.1 cannot be used" in shown
    assert "Traceback" not in shown


def test_the_schema_describes_every_key():
    schema = json.loads(CliRunner().invoke(app, ["--schema"]).output)
    sections = [schema, *schema["$defs"].values()]
    fields = {name: field for section in sections for name, field in section["properties"].items()}
    undescribed = [name for name, field in fields.items() if not field.get("description") and "$ref" not in str(field)]
    assert undescribed == []


def test_the_documented_settings_are_settings(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    config = load(tmp_path, shown)
    assert (config.port, config.runs.bytes, config.keys.metrics) == (8100, 64 << 20, True)


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


def test_what_does_not_end_in_time_after_sigterm_is_told(upstream, tmp_path):
    upstream.hold = threading.Event()
    upstream.trouble = lambda body: None if body.get("stream") else Trouble(hang=True)
    settings = tmp_path / "serve.yaml"
    settings.write_text(yaml.safe_dump({"upstream": {"base_url": upstream.url}, "port": 0, "limits": {"drain": 1}}))
    command = [sys.executable, "-m", "rsa.gateway.cli", "--config", str(settings)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process, ThreadPoolExecutor(2) as pool:
        ending = threading.Timer(60, process.kill)
        ending.start()
        shown = [process.stderr.readline() for _ in range(2)]
        gateway = Gateway(int(re.search(r"listening on http://127.0.0.1:(\d+)/v1", shown[1])[1]))
        plain = {"model": "fake:plain", "messages": QUESTION, "stream": True}
        streamed, whole = pool.submit(gateway.chat, plain), pool.submit(gateway.chat)
        until(lambda: upstream.streamed and upstream.in_flight > 1)
        process.send_signal(signal.SIGTERM)
        assert (whole.result().status, whole.result().json["error"]["code"]) == (503, "shutting_down")
        assert streamed.result().events[-1]["error"]["code"] == "shutting_down"
        shown.append(process.stderr.read())
        assert process.wait(20) == 0
        ending.cancel()
    assert "Traceback" not in "".join(shown)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_it_starts_is_heeded(number):
    with socket.create_server(("127.0.0.1", 0)) as listener:  # takes a connection and says nothing
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        command = [sys.executable, "-m", "rsa.gateway.cli", "--base-url", url, "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            ending = threading.Timer(60, process.kill)
            ending.start()
            connection, _ = listener.accept()
            process.send_signal(number)
            shown = process.stderr.read()
            assert process.wait(20) == 0
            ending.cancel()
            connection.close()
    assert shown == f"rsa-serve: {signal.Signals(number).name} came before it listened: nothing was served\n"


def refuses(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
