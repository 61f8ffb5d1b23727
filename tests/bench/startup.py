"""CPU seconds until a command says its help, and until `rsa-eval run` has sent its first request.

The baseline is a Python that does nothing. CPU time is that of the process and of all that it has started, user and system,
so that it hardly matters who else uses the machine; it takes half a minute.
"""

import json
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
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


def measure() -> Iterator[Row]:
    """`ours` and `theirs` are CPU seconds."""
    for name, (arguments, goal) in COMMANDS.items():
        yield _row(name, lambda arguments=arguments: ended(arguments), goal)
    yield _row(FIRST, first_request, Goal(1.0, of="ours"))


def _row(name: str, seconds: Callable[[], float], goal: Goal | None) -> Row:
    seconds()  # so that all is compiled, and read from the disk
    pairs = [(seconds(), ended(["-c", "pass"])) for _ in range(REPEATS)]
    ours, theirs = zip(*pairs, strict=True)
    return paired(name, "python -c pass", ours, theirs, "CPU s", goal)


def ended(arguments: list[str]) -> float:
    """What a Python takes until it ends."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_request() -> float:
    """What a run, with all that it has started, has taken by the time that its first chat call arrives."""
    arrived = threading.Event()
    with tempfile.TemporaryDirectory() as folder, server(arrived) as url:
        flags = ["--n", "4", "--k", "2", "--steps", "2", "--base-url", url, "--out", f"{folder}/run"]
        command = [sys.executable, "-m", "evals", "run", "aime_style", *flags]
        process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not arrived.wait(60):
            raise RuntimeError("no request came")
        family = [process, *process.children(recursive=True)]
        times = [each.cpu_times() for each in family]
        process.kill()
        process.wait()
    return sum(each.user + each.system for each in times)


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
