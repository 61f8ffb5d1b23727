"""A server that misbehaves on schedule: real HTTP, deterministic replies, and a record of every attempt."""

import asyncio
import hashlib
import json
import re
import struct
import threading
import time
from asyncio import sleep  # its own, so that a test may hurry everybody else's
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from socket import SO_LINGER, SO_REUSEADDR, SOL_SOCKET, socket
from typing import Any

from aiohttp import web

from tests.chaos.faults import BLANK, HARMLESS, SLOW, STATUS, Kind, Schedule, flawless
from tests.fake_server import FakeServer

_CANDIDATE = re.compile(r"=== (?:Attempt \d+|Attempt|Solution) ===\n(.*?)\n=== End of", re.DOTALL)
_CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Attempt:
    """One request for a chat completion. `call` is the same for all attempts of one call."""

    call: str
    kind: Kind | None
    at: float
    body: dict[str, Any]

    @property
    def probe(self) -> bool:
        """Whether it only asked if the server is there."""
        return bool(self.body["messages"][-1]["content"] == "Hello")


class ChaosServer(FakeServer):
    """A fake server whose attempts go wrong as `schedule` says.

    A reply depends on the call alone: on the body of its first attempt, for a client asks for another seed after a blank
    reply. `delay` seconds are what a proper reply takes, `absence` how long it refuses connections. `strange` are texts that
    a prompt showed as candidates and that were never a proper reply. `before` is called with the number of each attempt.
    """

    def __init__(self, schedule: Schedule = flawless, delay: float = 0.0, absence: float = 0.2) -> None:
        super().__init__()
        self.schedule = schedule
        self.delay = delay
        self.absence = absence
        self.attempts: list[Attempt] = []
        self.strange: list[str] = []
        self.text_of: Callable[[str], str] = text_of
        self.before: Callable[[int], None] = lambda number: None
        self.echo: Callable[[web.Request], str] = lambda request: ""  # ends every error message
        self.redirect_to = "/v1/elsewhere"
        self._served: set[str] = set()
        self._seen: Counter[str] = Counter()
        self._moved: dict[str, str] = {}
        self._site: web.TCPSite | None = None
        self._held = socket()
        self._leaving: asyncio.Future[None] | None = None
        self._returning: asyncio.Task[None] | None = None

    def __exit__(self, *reason: object) -> None:
        if self._returning:
            self._loop.call_soon_threadsafe(self._returning.cancel)
        super().__exit__(*reason)
        self._held.close()

    @property
    def listening(self) -> bool:
        """Whether it takes connections."""
        return self._site is not None

    def go_away(self) -> None:
        """Refuse every connection, and break those that are there."""
        self._loop.call_soon_threadsafe(self._later, self._go_away())

    def come_back(self) -> None:
        """Listen again on the same port."""
        asyncio.run_coroutine_threadsafe(self._come_back(), self._loop).result()

    def forget(self) -> None:
        """Begin a new record, also of how often a call was seen."""
        self.attempts.clear()
        self.requests.clear()
        self.strange.clear()
        self._seen.clear()

    def faults(self) -> Counter[Kind]:
        """How many attempts were of each faulty kind."""
        return Counter(attempt.kind for attempt in self.attempts if attempt.kind and attempt.kind not in HARMLESS)

    def retries(self) -> list[float]:
        """For each attempt that was sent again, the seconds until then."""
        last: dict[str, Attempt] = {}
        waits = []
        for attempt in self.attempts:
            before = last.get(attempt.call)
            if before and before.kind and before.kind not in HARMLESS:
                waits.append(attempt.at - before.at)
            last[attempt.call] = attempt
        return waits

    async def _start(self) -> None:
        """The port is held without listening, so that nobody else takes it while the server is away."""
        self._held.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port = self._held.getsockname()[1]
        await super()._start()
        self._site = next(iter(self._runner.sites))  # type: ignore[assignment]

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        self._leaving = asyncio.ensure_future(work)

    async def _go_away(self) -> None:
        await self._close()
        for connection in self._runner.server.connections:  # type: ignore[union-attr]
            connection.force_close()

    async def _come_back(self) -> None:
        if self._leaving:
            await self._leaving  # the port is free only then
        if self._site is None:
            self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
            await self._site.start()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        call = self._call(body)
        kind = self.schedule(body, call, self._seen[call])
        self._seen[call] += 1
        self.attempts.append(Attempt(call, kind, time.monotonic(), body))
        self.requests.append(body)
        self._examine(body)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            self.before(len(self.attempts))
            return await self._respond(request, body, call, kind)
        finally:
            self.in_flight -= 1

    def _call(self, body: dict[str, Any]) -> str:
        digest = _digest(body)
        return self._moved.get(digest, digest)

    def _examine(self, body: dict[str, Any]) -> None:
        candidates = _CANDIDATE.findall(body["messages"][-1]["content"])
        self.strange += [candidate for candidate in candidates if candidate not in self._served]

    async def _respond(self, request: web.Request, body: dict[str, Any], call: str, kind: Kind | None) -> web.StreamResponse:
        if kind is None or kind in HARMLESS:
            await sleep(self.delay)
            return self._proper(body, call, kind)
        if kind in STATUS:
            return self._refusal(request, kind)
        if kind in BLANK:
            self._moved[_digest({**body, "seed": body["seed"] + 1})] = call
            return web.json_response(self._reply(body, "" if kind is Kind.EMPTY else None, "stop"))
        if kind is Kind.REDIRECT:
            return web.Response(status=307, headers={"Location": self.redirect_to + self.echo(request)})
        if kind is Kind.GONE:
            await self._leave_for_a_while()
        if kind in SLOW:
            return await self._slow(request, body, call, kind)
        if kind in (Kind.RESET, Kind.GONE, Kind.CUT, Kind.GARBAGE):
            await self._break(request, kind, json.dumps(self._reply(body, text_of(call), "stop")).encode())
        return self._unreadable(kind, json.dumps(self._reply(body, text_of(call), "stop")).encode())

    def _proper(self, body: dict[str, Any], call: str, kind: Kind | None) -> web.Response:
        text = self.text_of(call)
        self._served.add(text)
        reply = self._reply(body, text, "length" if kind is Kind.LENGTH else "stop")
        if kind is Kind.NO_USAGE:
            del reply["usage"]
        return web.Response(
            body=json.dumps(reply).encode(), content_type="text/plain" if kind is Kind.PLAIN else "application/json"
        )

    def _reply(self, body: dict[str, Any], text: str | None, finish_reason: str) -> dict[str, Any]:
        prompt, completion = (len(str(part)) for part in (body["messages"], text or ""))
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "prompt_tokens_details": {"cached_tokens": 1}}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
        return {"model": body["model"], "choices": [choice], "usage": usage}

    def _refusal(self, request: web.Request, kind: Kind) -> web.Response:
        status, message = STATUS[kind]
        waits = {Kind.RATE_SECONDS: "1", Kind.RATE_DATE: formatdate(time.time() + 1, usegmt=True)}
        headers = {"Retry-After": waits[kind]} if kind in waits else {}
        told = self.echo(request)
        if told:
            headers["X-Told"] = told
        return web.json_response({"error": {"message": f"{message} {told}".strip()}}, status=status, headers=headers)

    async def _slow(self, request: web.Request, body: dict[str, Any], call: str, kind: Kind) -> web.StreamResponse:
        """Until the client goes, or a minute has passed."""
        self.hanging.set()
        if kind is Kind.HANG:
            await sleep(60)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with suppress(ConnectionError):
            for byte in json.dumps(self._reply(body, text_of(call), "stop")).encode():
                await response.write(bytes([byte]))
                await sleep(0.05)
        return response

    async def _break(self, request: web.Request, kind: Kind, body: bytes) -> None:
        transport: asyncio.Transport = request.transport  # type: ignore[assignment]
        if kind is Kind.CUT:
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            transport.write(head.encode() + body[: len(body) // 2])
            await sleep(0.01)  # the half is on its way before the connection breaks
        if kind is Kind.GARBAGE:
            transport.write(_CHUNKED + b"no length\r\n" + body + b"\r\n0\r\n\r\n")
            await sleep(0.01)
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def _unreadable(self, kind: Kind, body: bytes) -> web.Response:
        if kind is Kind.HTML:
            return web.Response(text="<html><body>Welcome to the captive portal</body></html>", content_type="text/html")
        broken = {
            Kind.MALFORMED: b"{'choices': [}",
            Kind.CUT_JSON: body[: len(body) // 2],
            Kind.NOT_UTF8: body.replace(b"boxed", b"\xff\xfe boxed"),
        }
        return web.Response(body=broken.get(kind, b""), content_type="application/json")

    async def _close(self) -> None:
        if self._site:
            site, self._site = self._site, None
            await self._deafen()
            await site.stop()

    async def _leave_for_a_while(self) -> None:
        if self._site:
            await self._close()
            self._returning = asyncio.create_task(self._return_later())

    async def _return_later(self) -> None:
        await sleep(self.absence)
        await self._come_back()


def text_of(call: str) -> str:
    """The reply to a call: no two are the same, and the answer is one of three numbers."""
    return (
        f"Reasoning no. {call[:16]}, über alles:\n"
        + "so it goes on. " * (int(call[16:18], 16) // 16)
        + (f"The answer is \\boxed{{{int(call[:8], 16) % 3}}}.")
    )


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for what is bound to happen. Raises `AssertionError` if it does not."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        pause.wait(0.002)
