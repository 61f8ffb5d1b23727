"""A fake OpenAI server: real HTTP on loopback in a thread of its own, deterministic replies, faults on a script."""

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web


def boxed_digit(body: dict[str, Any]) -> str:
    """A reply that depends on nothing but the request: its answer is one of three numbers."""
    canonical = json.dumps([body["messages"], body.get("seed")], sort_keys=True)
    number = hashlib.sha256(canonical.encode()).digest()[0] % 3
    return f"I think that it is \\boxed{{{number}}}."


@dataclass
class Trouble:
    """What happens instead of a proper reply."""

    status: int = 200
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    reset: bool = False


def message(text: str | None, **more: Any) -> str:
    """The body of a reply with this text; `more` goes into the message."""
    choice = {"message": {"role": "assistant", "content": text, **more}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice]})


class FakeServer:
    """Serves until it is left. `requests` are the bodies of all chat calls, in order of arrival."""

    def __init__(self, models: tuple[str, ...] = ("fake",), context: int | None = 100_000) -> None:
        self.models = models
        self.context = context
        self.reply: Callable[[dict[str, Any]], str] = boxed_digit
        self.finish_reason: Callable[[dict[str, Any]], str] = lambda body: "stop"
        self.script: list[Trouble | None] = []
        self.trouble: Callable[[dict[str, Any]], Trouble | None] = lambda body: None
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.hanging = threading.Event()
        self.query_script: list[int] = []  # statuses of the next calls to anything but chat
        self.usage = True
        self.tokenizes = True
        self.required_key: str | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application(client_max_size=1 << 30)
        app.add_routes(
            [
                web.post("/v1/chat/completions", self._chat),
                web.get("/v1/models", self._models),
                web.post("/tokenize", self._tokenize),
                web.get("/health", self._health),
            ]
        )
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        """Also for connections that came in the very moment of stopping."""
        server = self._runner.server
        await self._deafen()
        await self._runner.cleanup()
        coming = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(coming, timeout=1) if coming else None
        for connection in server.connections if server else ():
            connection.force_close()
        await asyncio.sleep(0.01)  # the transports close in the turns of the loop that follow

    async def _deafen(self) -> None:
        """Accept no further connection: one that is accepted just before its listener closes would never be closed."""
        for site in self._runner.sites:
            for listener in site._server.sockets:  # type: ignore[attr-defined]
                self._loop.remove_reader(listener.fileno())
        for _ in range(3):  # turns, in which what was accepted becomes a connection
            await asyncio.sleep(0)

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _models(self, request: web.Request) -> web.Response:
        if self.query_script:
            return web.Response(status=self.query_script.pop(0))
        if self.required_key and request.headers.get("Authorization") != f"Bearer {self.required_key}":
            sent = request.headers.get("Authorization", "")
            return web.json_response({"error": {"message": f"wrong key: {sent}"}}, status=401)
        entries = [{"id": name, "object": "model", "max_model_len": self.context} for name in self.models]
        return web.json_response({"object": "list", "data": entries})

    async def _tokenize(self, request: web.Request) -> web.Response:
        if self.query_script:
            return web.Response(status=self.query_script.pop(0))
        if not self.tokenizes:
            return web.Response(status=404)
        body = await request.json()
        return web.json_response({"count": sum(len(message["content"]) for message in body["messages"])})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            trouble = (self.script.pop(0) if self.script else None) or self.trouble(body)
            return await self._answer(request, body, trouble)
        finally:
            self.in_flight -= 1

    async def _answer(self, request: web.Request, body: dict[str, Any], trouble: Trouble | None) -> web.StreamResponse:
        if trouble is None:
            return web.json_response(self._completion(body))
        if trouble.hang:
            self.hanging.set()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 60)
        if trouble.reset:
            request.transport.abort()  # type: ignore[union-attr]
        return web.Response(status=trouble.status, text=trouble.body or "", headers=trouble.headers)

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        text = self.reply(body)
        prompt = sum(len(str(message.get("content"))) for message in body["messages"])
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": len(text),
            "total_tokens": prompt + len(text),
            "prompt_tokens_details": {"cached_tokens": prompt // 2},
        }
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": self.finish_reason(body)}
        return {"model": body["model"], "choices": [choice], **({"usage": usage} if self.usage else {})}
