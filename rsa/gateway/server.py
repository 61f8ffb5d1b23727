"""Runs the server until it is told to stop, and lets what is in progress end."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from rsa.endpoint import Endpoint
from rsa.errors import EndpointUnreachable, ServerFailed, UsageError
from rsa.gateway.app import create_app
from rsa.gateway.config import GatewayConfig
from rsa.gateway.keys import Guard, read_keys
from rsa.gateway.upstream import Upstream
from rsa.secrets import key_in
from rsa.serving import serve

__all__ = ["listen"]


class _Signals:
    """SIGTERM and Ctrl-C: they end the start, and let what is in progress end where the server runs already. Then a second
    Ctrl-C does not wait for that.
    """

    def __init__(self) -> None:
        self.server: uvicorn.Server | None = None
        self._starting = asyncio.current_task()
        self._told: signal.Signals | None = None

    @contextmanager
    def heeded(self, note: Callable[[str], None]) -> Iterator[None]:
        """For the length of the block, which they leave without an error."""
        loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            loop.add_signal_handler(number, self._end, number)
        try:
            yield
        except asyncio.CancelledError:
            if self._told is None:
                raise
            note(f"{self._told.name} came before it listened: nothing was served")
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _end(self, number: signal.Signals) -> None:
        if self.server:
            self.server.handle_exit(number, None)
        elif self._starting and self._told is None:
            self._told = number
            self._starting.cancel()


class _Server(uvicorn.Server):
    """Says when it listens, and leaves signals to `_Signals`."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except OSError as error:  # somebody took the port since
            await self.lifespan.shutdown()
            raise _unusable(self.config.host, self.config.port, error) from error
        self._on_start()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def listen(config: GatewayConfig, note: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C, also while it starts. `note` is told where, and what is to be known.

    Raises `UsageError` for a port that is in use, keys that are not there and a model server that refuses, and
    `ServerFailed` if the one that was started does not start, or ends by itself.
    """
    guard = Guard(read_keys(config.keys))
    key = key_in(config.upstream.api_key_env, "upstream.api_key_env")
    signals = _Signals()
    with signals.heeded(note), _socket(config.host, config.port) as listener:
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with _endpoint(config, key, note, ended) as upstream:
            try:
                await _greet(upstream, note)
                server = _server(config, create_app(config, upstream, guard), listener, note)
                ended.add_done_callback(lambda _: setattr(server, "should_exit", True))
                signals.server = server
                await server.serve(sockets=[listener])
            finally:
                await upstream.close()
        if ended.done():
            raise ServerFailed(ended.result())


def _server(config: GatewayConfig, app: Starlette, listener: socket.socket, note: Callable[[str], None]) -> _Server:
    host, port = listener.getsockname()[:2]
    settings = uvicorn.Config(
        app,
        host,
        port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=config.limits.drain,
        lifespan="on",
    )
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    page = f"; a page to try it is at {url}/" if config.page else ""
    return _Server(settings, lambda: note(f"listening on {url}/v1{page}"))


@asynccontextmanager
async def _endpoint(
    config: GatewayConfig, key: str | None, note: Callable[[str], None], ended: "asyncio.Future[str]"
) -> AsyncIterator[Upstream]:
    """The running model server, or one that is started and ended with this one. If it ends by itself, `ended` says so."""
    if config.serve is None:
        yield Upstream(_described(config, config.upstream.base_url or "", config.upstream.model, key))
        return
    engine = config.serve.build(config.upstream.model)
    note(f"starting {engine.name}; its log is {config.serve.log}")
    async with serve(engine, Path(config.serve.log), ended.set_result) as url:
        upstream = Upstream(_described(config, url, engine.served_name, key))
        ended.add_done_callback(lambda _: upstream.end(EndpointUnreachable("it has ended, and this server ends with it")))
        yield upstream


def _described(config: GatewayConfig, url: str, model: str | None, key: str | None) -> Endpoint:
    return config.upstream.endpoint(url, model, key)


async def _greet(upstream: Upstream, note: Callable[[str], None]) -> None:
    """A model server that is not there yet may come; one that refuses will not think better of it."""
    try:
        session = await upstream.session()
    except EndpointUnreachable as error:
        note(f"{error} Requests get 503 until it is.")
    else:
        note(f"answering for {session.client.endpoint.model} at {upstream.endpoint.base_url}")


def _socket(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise UsageError(f"host {host!r} cannot be used: {error.strerror}") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _unusable(host, port, error) from error
    return listener


def _unusable(host: str, port: int, error: OSError) -> UsageError:
    return UsageError(f"port {port} of {host} cannot be used ({error.strerror}): choose another (--port)")
