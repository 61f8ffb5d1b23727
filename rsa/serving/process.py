"""The life of a server process: start, wait until it is healthy, stop."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from rsa.errors import Incomplete, ServerFailed, UsageError
from rsa.serving import keeper
from rsa.serving.engines import Engine

__all__ = ["log_tail", "serve"]

_POLL_SECONDS = 0.25
_STOP_SECONDS = 3 * keeper.GRACE_SECONDS
_SHOWN_LINES = 20


@asynccontextmanager
async def serve(engine: Engine, log: Path, on_end: Callable[[str], None] | None = None) -> AsyncIterator[str]:
    """Start a server, wait until it is healthy, and give its base URL; it is gone when the block is left.

    Its output goes to the file `log`. It also ends when this process dies in any way, SIGKILL included. Should it end by
    itself while the block lasts, `on_end` is called with what is known of that.
    Raises `UsageError` if it cannot be started here (package missing, port in use), and `ServerFailed` with the log's
    last lines if it ends or does not become healthy within `engine.startup_timeout` seconds.
    """
    port = _free_port(engine.port)
    command = await asyncio.to_thread(engine.command, port)
    environment = await asyncio.to_thread(engine.environment)
    process = _start(command, environment, log)
    try:
        await _wait_until_healthy(engine, process, port, log)
        watching = asyncio.ensure_future(_watch(engine, process, log, on_end or (lambda _: None)))
        try:
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            watching.cancel()
    finally:
        if process.stdin:
            process.stdin.close()  # the keeper ends the server
        await asyncio.to_thread(_wait_or_kill, process)


def _start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    try:
        output = log.open("ab")
    except OSError as error:
        raise Incomplete(f"{log} cannot be written ({error.strerror}): make space, then try again") from error
    with output:
        return subprocess.Popen(
            [sys.executable, keeper.__file__, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )


async def _watch(engine: Engine, process: subprocess.Popen[bytes], log: Path, on_end: Callable[[str], None]) -> None:
    while process.poll() is None:  # noqa: ASYNC110 - nobody sets an event when a process ends
        await asyncio.sleep(_POLL_SECONDS)
    on_end(f"{engine.name} ended with exit code {process.returncode} while it was needed.{log_tail(log)}")


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # the keeper hangs; the server's own death signal ends the server
        process.wait()


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"serve.port: port {port} cannot be used ({error.strerror}): choose another, or 0 for any free one"
            ) from error
        return int(probe.getsockname()[1])


async def _wait_until_healthy(engine: Engine, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + engine.startup_timeout
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise ServerFailed(
                    f"{engine.name} ended with exit code {process.returncode} before it was ready.{log_tail(log)}"
                )
            try:
                async with session.get(f"http://127.0.0.1:{port}/health") as response:
                    if response.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(_POLL_SECONDS)
    raise ServerFailed(
        f"{engine.name} was not ready after {engine.startup_timeout:g} s (serve.startup_timeout).{log_tail(log)}"
    )


def log_tail(log: Path) -> str:
    """The last lines of a server's log, to end an error message with."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            lines = [line.rstrip() for line in deque(file, _SHOWN_LINES)]
    except OSError:
        return f" Its log {log} cannot be read."
    shown = "\n".join(f"  | {line}" for line in lines)
    return f" The last lines of {log}:\n{shown}"
