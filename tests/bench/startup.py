"""CPU seconds until a command says its help, and until `rsa-eval run` has sent its first request.

The baseline is a Python that does nothing. CPU time is that of the process and of all that it has started, user and system,
so that it hardly matters who else uses the machine; the time by the clock until the first request does depend on that. It
takes half a minute.
"""

import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psutil

from tests.bench.rows import Goal, Row, paired

REPEATS = 7
COMMANDS = {
    "rsa-eval --help": (["-m", "evals", "--help"], Goal(0.3, of="ours")),
    "rsa-eval run --help": (["-m", "evals", "run", "--help"], None),
    "rsa-serve --help": (["-c", "import sys, rsa.gateway.cli as cli; sys.argv[1:] = ['--help']; cli.main()"], None),
    "import rsa": (["-c", "import rsa"], None),
}
FIRST = "rsa-eval run, to its first request"
Seconds = dict[str, float]
"""By what they are: of the CPU, and by the clock."""


def measure() -> Iterator[Row]:
    for name, (arguments, goal) in COMMANDS.items():
        yield from _rows(name, lambda arguments=arguments: ended(arguments), {"CPU s": goal})
    yield from _rows(FIRST, first_request, {"CPU s": None, "s": Goal(1.0, of="ours")})


def _rows(name: str, seconds: Callable[[], Seconds], goals: Mapping[str, Goal | None]) -> Iterator[Row]:
    """A row for each unit that has a goal or None."""
    seconds()  # so that all is compiled, and read from the disk
    ours, theirs = zip(*((seconds(), ended(["-c", "pass"])) for _ in range(REPEATS)), strict=True)
    for unit, goal in goals.items():
        both = ([each[unit] for each in several] for several in (ours, theirs))
        yield paired(name, "python -c pass", *both, unit, goal)


def ended(arguments: list[str]) -> Seconds:
    """What a Python takes until it ends."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    return {"CPU s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "s": took}


def first_request() -> Seconds:
    """What a run, with all that it has started, has taken by the time that its first chat call arrives."""
    arrived = threading.Event()
    with tempfile.TemporaryDirectory() as folder, server(arrived) as url:
        flags = ["--n", "4", "--k", "2", "--steps", "2", "--base-url", url, "--out", f"{folder}/run"]
        command = [sys.executable, "-m", "evals", "run", "aime_style", *flags]
        began = time.perf_counter()
        process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not arrived.wait(60):
            raise RuntimeError("no request came")
        took = time.perf_counter() - began
        family = [process, *process.children(recursive=True)]
        times = [each.cpu_times() for each in family]
        process.kill()
        process.wait()
    return {"CPU s": sum(each.user + each.system for each in times), "s": took}


@contextmanager
def server(arrived: threading.Event) -> Iterator[str]:
    """A model server that never answers a chat call."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"data": [{"id": "slow", "max_model_len": 100_000}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            if self.path.endswith("/chat/completions"):
                arrived.set()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/v1"
        running.shutdown()
