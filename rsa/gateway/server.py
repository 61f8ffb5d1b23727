"""Runs the server until it is told to stop, and lets what is in progress end."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
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


class _Server(uvicorn.Server):
    """Ends with exit code 0 after SIGTERM or Ctrl-C; a second Ctrl-C does not wait for what is in progress."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_start()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, partial(self.handle_exit, number, None))
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


async def listen(config: GatewayConfig, note: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C. `note` is told where, and what is to be known.

    Raises `UsageError` for a port that is in use, keys that are not there and a model server that refuses, and
    `ServerFailed` if the one that was started does not start, or ends by itself.
    """
    guard = Guard(read_keys(config.keys))
    key = key_in(config.upstream.api_key_env, "upstream.api_key_env")
    with _socket(config.host, config.port) as listener:
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with _endpoint(config, key, note, ended) as upstream:
            try:
                await _greet(upstream, note)
                server = _server(config, create_app(config, upstream, guard), listener, note)
                ended.add_done_callback(lambda _: setattr(server, "should_exit", True))
                await server.serve(sockets=[listener])
            finally:
                await upstream.close()
    if ended.done():
        raise ServerFailed(ended.result())


def _server(config: GatewayConfig, app: Starlette, listener: socket.socket, note: Callable[[str], None]) -> _Server:
    settings = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=config.limits.drain,
        lifespan="on",
    )
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"
    return _Server(settings, lambda: note(f"listening on {url}"))


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
        raise UsageError(f"port {port} of {host} cannot be used ({error.strerror}): choose another (--port)") from error
    return listener
