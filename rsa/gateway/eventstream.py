"""Server-sent events to a client, with comments where nothing is said for long; ends all work when the client goes away."""

import asyncio
import json
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rsa.errors import RSAError
from rsa.gateway.feed import Feed, gone
from rsa.gateway.problems import ApiError, problem_of, shutting_down

__all__ = ["EventStream"]

_END = "data: [DONE]\n\n"


class EventStream(Response):
    """Sends the texts that a feed tells, each as the data of an event, then `[DONE]`. An error is an event too."""

    media_type = "text/event-stream"

    def __init__(self, feed: Feed[str], keep_alive: float, headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._feed = feed
        self._keep_alive = keep_alive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Send it all."""
        watch = asyncio.ensure_future(gone(receive))
        pump = asyncio.ensure_future(self._pump(send))
        try:
            await asyncio.wait([watch, pump], return_when=asyncio.FIRST_COMPLETED)
            if pump.done():
                pump.result()
        except asyncio.CancelledError:
            pump.cancel()
            await _say(send, _told(shutting_down()))
            await _say(send, _END, more=False)
        finally:
            watch.cancel()
            pump.cancel()
            await asyncio.gather(watch, pump, return_exceptions=True)
            await self._feed.close()

    async def _pump(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while (text := await self._next()) is not None:
            await _say(send, text)
        await _say(send, _END, more=False)

    async def _next(self) -> str | None:
        """What is to be sent next; None at the end."""
        try:
            text = await self._feed.next(self._keep_alive)
        except TimeoutError:
            return ": keep-alive\n\n"
        except ApiError as error:
            return self._failed(error)
        except RSAError as error:
            return self._failed(problem_of(error))
        return None if text is None else f"data: {text}\n\n"

    def _failed(self, error: ApiError) -> str:
        self._feed = Feed(_nothing)
        return _told(error)


async def _say(send: Send, text: str, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


def _told(error: ApiError) -> str:
    return f"data: {json.dumps(error.body())}\n\n"


async def _nothing(_: object) -> None:
    return
