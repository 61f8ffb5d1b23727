"""The pages of the server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rsa.errors import RSAError
from rsa.gateway.asks import model_names
from rsa.gateway.chat import Chat
from rsa.gateway.config import GatewayConfig
from rsa.gateway.feed import Gone
from rsa.gateway.keys import Guard
from rsa.gateway.page import offer, trial_page
from rsa.gateway.problems import ApiError, problem_of, shutting_down
from rsa.gateway.upstream import Upstream

__all__ = ["create_app"]

Page = Callable[[Request], Awaitable[Response]]
_CLIENT_GONE = 499  # nobody reads it
_WRONG_METHOD = 405
_HEALTH_SECONDS = 5
_MOST_DIGITS = 10


def create_app(config: GatewayConfig, upstream: Upstream, guard: Guard) -> Starlette:
    """The server as an ASGI application; the session to the model server is closed when it is shut down."""
    pages = _Pages(config, upstream, guard)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await upstream.close()

    routes = [
        Route("/v1/chat/completions", _told(pages.chat), methods=["POST"]),
        Route("/v1/models", _told(pages.models)),
        Route("/v1/models/{name:path}", _told(pages.model)),
        Route("/v1/rsa/runs/{run}", _told(pages.run)),
        Route("/v1/rsa/offer", _told(pages.offer)),
        Route("/health", _told(pages.health)),
        Route("/metrics", _told(pages.metrics)),
        *([Route("/", trial_page())] if config.page else []),
    ]
    shown = ["X-RSA-Plan", "X-RSA-Seed", "X-RSA-Run", "X-RSA-Note"]
    cors = Middleware(
        CORSMiddleware,
        allow_origins=config.cors,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=shown,
    )
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[cors] if config.cors else [],
        exception_handlers={HTTPException: _http_error, Exception: _own_fault},
    )
    app.router.redirect_slashes = False  # a redirect would repeat whatever host the request names
    return app


def _told(page: Page) -> Page:
    """The page, with what goes wrong told in OpenAI's shape."""

    async def told(request: Request) -> Response:
        try:
            return await page(request)
        except ApiError as error:
            return error.response()
        except RSAError as error:
            return problem_of(error).response()
        except Gone:
            return Response(status_code=_CLIENT_GONE)
        except asyncio.CancelledError:
            return shutting_down().response()

    return told


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    told = {404: f"there is no page {request.url.path}", 405: f"{request.url.path} does not take {request.method}"}
    offered = "POST /v1/chat/completions, GET /v1/models, /v1/rsa/runs/ID, /v1/rsa/offer, /health and /metrics"
    code = "wrong_method" if status == _WRONG_METHOD else "unknown_url"
    response = ApiError(status, f"{told.get(status, str(error))}: this server has {offered}", code).response()
    response.headers.update(getattr(error, "headers", None) or {})  # `Allow`
    return response


async def _own_fault(_: Request, __: Exception) -> Response:
    return ApiError(500, "this server failed; its log says why", "failed").response()


def _not_of_a_strange_page(request: Request) -> None:
    """A browser lets any page post a text; for JSON it asks first whether the page's origin may, which `cors` decides."""
    if "origin" in request.headers and not request.headers.get("content-type", "").startswith("application/json"):
        raise ApiError(415, "a web page must send it as JSON: set Content-Type: application/json", "not_json")


def _number(request: Request, name: str) -> int | None:
    """A parameter of the address; None where it is not there."""
    given = request.query_params.get(name)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < _MOST_DIGITS):
        raise ApiError(400, f"{name} must be a whole number from 0 (given: {given!r:.100})", "invalid_value", param=name)
    return int(given)


class _Pages:
    def __init__(self, config: GatewayConfig, upstream: Upstream, guard: Guard) -> None:
        self._config = config
        self._guard = guard
        self._chat = chat = Chat(config, upstream)
        meters, admission = chat.meters, chat.admission
        meters.gauge("rsa_requests_working", "Requests that are being answered.", lambda: admission.working)
        meters.gauge("rsa_requests_waiting", "Requests that wait for a place.", lambda: len(admission.waiting))
        meters.gauge("rsa_upstream_in_flight", "Calls to the model server on their way.", lambda: upstream.in_flight)
        meters.gauge("rsa_upstream_up", "Whether the model server was there when last asked.", lambda: upstream.up)

    async def chat(self, request: Request) -> Response:
        owner = self._guard.owner(request.headers)
        _not_of_a_strange_page(request)
        return await self._chat.reply(request, await self._body(request), owner)

    async def _body(self, request: Request) -> bytes:
        most = self._config.limits.body_bytes
        too_long = ApiError(413, f"the body is longer than {most} bytes: send less", "body_too_long")
        if int(request.headers.get("content-length") or 0) > most:
            raise too_long
        content, seconds = bytearray(), self._config.limits.seconds
        try:
            async with asyncio.timeout(seconds):
                async for piece in request.stream():
                    content += piece
                    if len(content) > most:
                        raise too_long
        except TimeoutError:
            message = f"the body did not come within {seconds:g} seconds: send it faster"
            raise ApiError(408, message, "body_too_slow") from None
        except ClientDisconnect:
            raise Gone from None
        return bytes(content)

    async def models(self, request: Request) -> Response:
        self._guard.owner(request.headers)
        return JSONResponse({"object": "list", "data": [self._entry(name) for name in await self._names()]})

    async def model(self, request: Request) -> Response:
        self._guard.owner(request.headers)
        name, names = request.path_params["name"], await self._names()
        if name not in names:
            raise ApiError(404, f"there is no model {name!r} (valid: {', '.join(names)})", "model_not_found", param="model")
        return JSONResponse(self._entry(name))

    async def _names(self) -> tuple[str, ...]:
        return model_names((await self._chat.session()).client.model)

    def _entry(self, name: str) -> dict[str, object]:
        return {"id": name, "object": "model", "created": 0, "owned_by": "rsa-serve"}

    async def run(self, request: Request) -> Response:
        owner = self._guard.owner(request.headers)
        name = request.path_params["run"]
        if run := self._chat.runs.find(name, owner):
            return JSONResponse(run.record(_number(request, "after")))
        kept = self._config.runs
        message = (
            f"there is no run {name!r}: the latest {kept.number} are kept, for {kept.seconds:g} seconds and as long as "
            f"they have no more than {kept.bytes:,} bytes together"
        )
        raise ApiError(404, message, "run_not_found")

    async def offer(self, request: Request) -> Response:
        self._guard.owner(request.headers)
        return JSONResponse(offer(self._config))

    async def health(self, request: Request) -> Response:
        """Asks the model server too: without it this one is of no use."""
        if self._config.keys.health:
            self._guard.owner(request.headers)
        try:
            async with asyncio.timeout(_HEALTH_SECONDS):
                client = (await self._chat.session()).client
                await client.models()
        except TimeoutError:
            raise ApiError(503, f"the model server says nothing for {_HEALTH_SECONDS} s", "upstream_slow") from None
        return JSONResponse({"status": "ok", "model": client.model})

    async def metrics(self, request: Request) -> Response:
        if self._config.keys.metrics:
            self._guard.owner(request.headers)
        return Response(self._chat.meters.page(), media_type=CONTENT_TYPE_LATEST)
