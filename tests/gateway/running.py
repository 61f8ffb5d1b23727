"""A gateway in a thread of this process, an upstream that can stream, and the plainest of clients."""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from aiohttp import web

from rsa.gateway.app import create_app
from rsa.gateway.config import GatewayConfig
from rsa.gateway.keys import Guard, read_keys
from rsa.gateway.upstream import Upstream
from tests.fake_server import FakeServer, Trouble

QUESTION = [{"role": "user", "content": "What is 6 times 7?"}]
SMALL = {"n": 3, "k": 2, "steps": 2}


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for what happens in another thread or process."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


class StreamingServer(FakeServer):
    """Also streams, a word at a time. `hold` is waited for before the last word, `breaks` breaks off there."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.hold: threading.Event | None = None
        self.breaks = False
        self.streamed: list[dict[str, Any]] = []
        self.left = threading.Event()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        try:
            return await super()._chat(request)
        except asyncio.CancelledError:
            self.left.set()
            raise

    async def _answer(self, request: web.Request, body: dict[str, Any], trouble: Trouble | None) -> web.StreamResponse:
        if trouble or not body.get("stream"):
            return await super()._answer(request, body, trouble)
        self.streamed.append(body)
        reply = self._completion(body)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        *words, last = reply["choices"][0]["message"]["content"].split(" ")
        for word in words:
            await self._event(response, {"choices": [{"index": 0, "delta": {"content": f"{word} "}}]})
        while self.hold and not self.hold.is_set():  # noqa: ASYNC110 - it is set in another thread
            await asyncio.sleep(0.005)
        if self.breaks:
            request.transport.abort()  # type: ignore[union-attr]
            return response
        await self._event(response, {"choices": [{"index": 0, "delta": {"content": last}, "finish_reason": None}]})
        await self._event(response, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if self.usage:
            await self._event(response, {"choices": [], "usage": reply["usage"]})
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _event(self, response: web.StreamResponse, content: dict[str, Any]) -> None:
        await response.write(f"data: {json.dumps({'model': 'fake', **content})}\n\n".encode())


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def events(self) -> list[Any]:
        """The events of a stream, without its end."""
        data = [line[6:] for line in self.text.splitlines() if line.startswith("data: ")]
        assert data[-1] == "[DONE]"
        return [json.loads(text) for text in data[:-1]]


@dataclass
class Gateway:
    port: int
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        connection = self.connection()
        content = body if isinstance(body, bytes | None) else json.dumps(body)
        try:
            connection.request(method, path, content, {**self.headers, **headers})
            response = connection.getresponse()
            got = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, got, response.read().decode())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.request("GET", path, **headers)

    def chat(self, body: dict[str, Any] | bytes | None = None, **fields: Any) -> Reply:
        if body is None:
            body = {"model": "fake", "messages": QUESTION, "rsa": SMALL, **fields}
        return self.request("POST", "/v1/chat/completions", body)


class _Quiet(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def running_gateway(base_url: str, **settings: Any) -> Iterator[Gateway]:
    """A gateway in front of a server, with these settings by section."""
    upstream = {"base_url": base_url, "retries": 0, "patience": 0.0, "max_concurrency": 64, **settings.pop("upstream", {})}
    config = GatewayConfig.model_validate({"upstream": upstream, "port": 0, **settings})
    started = threading.Event()
    box: dict[str, Any] = {}

    async def serve() -> None:
        described = config.upstream.endpoint(base_url, config.upstream.model, None)
        app = create_app(config, Upstream(described), Guard(read_keys(config.keys)))
        server = _Quiet(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=2, lifespan="on"))
        box["server"] = server
        running = asyncio.ensure_future(server.serve())
        while not server.started and not running.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        box["port"] = server.servers[0].sockets[0].getsockname()[1]
        started.set()
        await running

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(20)
    try:
        yield Gateway(box["port"])
    finally:
        box["server"].should_exit = True
        thread.join(20)
        assert not thread.is_alive()
