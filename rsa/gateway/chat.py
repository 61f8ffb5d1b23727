"""Answers a chat request: by RSA, or by passing it on; as one reply, or as a stream."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rsa.chain import Chain
from rsa.endpoint import Client
from rsa.endpoint.faults import Fault, read_usage
from rsa.errors import RSAError
from rsa.gateway.admission import Admission
from rsa.gateway.asks import PassedOn, understood
from rsa.gateway.config import GatewayConfig
from rsa.gateway.eventstream import EventStream
from rsa.gateway.feed import Feed, while_connected
from rsa.gateway.meters import Meters
from rsa.gateway.problems import ApiError, problem_of
from rsa.gateway.replies import Chunks, completion
from rsa.gateway.runs import Run, Runs
from rsa.gateway.upstream import Upstream
from rsa.gateway.wire import read_request
from rsa.gateway.work import Piece, Work
from rsa.prompts import Prompts
from rsa.session import Session

__all__ = ["Chat"]

_CLIENT_GONE = 499
_END = "[DONE]"


class Chat:
    """All that chat requests share."""

    def __init__(self, config: GatewayConfig, upstream: Upstream) -> None:
        self.config = config
        self.upstream = upstream
        self.runs = Runs(config.runs.seconds, config.runs.number)
        self.meters = Meters()
        limits = config.limits
        self.admission = Admission(limits.requests, limits.queue, limits.per_key)
        self._prompts = Prompts(config.prompts)

    async def reply(self, request: Request, content: bytes, owner: str) -> Response:
        """The reply to a request with this body. Raises an `ApiError` for what can be told before anything is sent."""
        wanted, body = read_request(content)
        session = await self._session()
        task = understood(wanted, body, self.config, session.client.endpoint.model or "")
        if isinstance(task, PassedOn):
            return await self._passed_on(request, task, session.client, owner)
        run = Run(task, owner)
        if task.stream:
            return await self._streamed(request, lambda tell: self._stream_run(run, session, tell), run.headers)
        chains = await while_connected(request, self._answered(run, session, lambda _: None))
        return JSONResponse(completion(run, chains), headers=run.headers)

    async def _session(self) -> Session:
        try:
            async with asyncio.timeout(self.config.limits.seconds):
                return await self.upstream.session()
        except RSAError as error:
            raise problem_of(error) from error
        except TimeoutError:
            raise ApiError(
                504, "the model server does not answer: is it busy starting? try again", "upstream_slow"
            ) from None

    async def _answered(self, run: Run, session: Session, tell: Callable[[Piece], None]) -> tuple[Chain, ...]:
        """The chains that answer, once there is a place for the work."""
        config = self.config
        async with self._metered(run.ask.label), self.admission.place(run.owner):
            self.runs.keep(run)
            try:
                work = Work(run, session, self._prompts, config.defaults.on_overflow, config.limits.seconds, tell)
                chains = await work.answer()
                run.chosen = tuple(chain.place for chain in chains)
                run.status = "done"
            except (ApiError, RSAError) as error:
                run.status, run.error = "failed", str(error)
                raise
            finally:
                run.status = "cancelled" if run.status == "running" else run.status
                self.runs.keep(run)
                self.meters.run(run)
        return chains

    @asynccontextmanager
    async def _metered(self, plan: str) -> AsyncIterator[None]:
        """Count a request by how it ends; what goes wrong becomes an `ApiError`."""
        plan = plan.partition("(")[0]
        began, status = time.monotonic(), 200
        try:
            yield
        except ApiError as error:
            status = error.status
            raise
        except (RSAError, Fault) as error:
            problem = problem_of(error)
            status = problem.status
            raise problem from error
        except asyncio.CancelledError:
            status = _CLIENT_GONE
            raise
        finally:
            self.meters.requests.labels(plan, str(status)).inc()
            self.meters.seconds.labels(plan).observe(time.monotonic() - began)

    async def _stream_run(self, run: Run, session: Session, tell: Callable[[str], None]) -> None:
        chunks = Chunks(run)
        begun = False

        def hear(piece: Piece) -> None:
            nonlocal begun
            if piece.progress and not self.config.stream.progress:
                return
            if not begun:
                tell(chunks.begin())
                begun = True
            tell(chunks.piece(piece))

        for text in chunks.end(await self._answered(run, session, hear)):
            tell(text)

    async def _streamed(
        self, request: Request, work: Callable[[Callable[[str], None]], Coroutine[None, None, None]], headers: dict[str, str]
    ) -> Response:
        """A stream that begins when there is something to say; until then whatever goes wrong has a status of its own."""
        feed: Feed[str] = Feed(work)
        keep_alive = self.config.stream.keep_alive
        try:
            await while_connected(request, feed.first(keep_alive))
        except BaseException:
            await feed.close()
            raise
        return EventStream(feed, keep_alive, headers)

    async def _passed_on(self, request: Request, task: PassedOn, client: Client, owner: str) -> Response:
        headers = {"X-RSA-Plan": "plain", **({"X-RSA-Note": task.why} if task.why else {})}
        if task.stream:
            return await self._streamed(request, lambda tell: self._stream_passed(task, client, owner, tell), headers)
        text = await while_connected(request, self._plain(task, client, owner))
        return Response(text, media_type="application/json", headers=headers)

    async def _plain(self, task: PassedOn, client: Client, owner: str) -> str:
        async with self._place(owner), client.passed_on(task.body) as passage:
            text = await passage.text()
        self._count_usage(text)
        return text

    async def _stream_passed(self, task: PassedOn, client: Client, owner: str, tell: Callable[[str], None]) -> None:
        async with self._place(owner), client.passed_on(task.body) as passage, aclosing(passage.events()) as events:
            async for data in events:
                if data != _END:
                    tell(data)
                    self._count_usage(data)

    @asynccontextmanager
    async def _place(self, owner: str) -> AsyncIterator[None]:
        """A place for what is passed on, with the time limit."""
        seconds = self.config.limits.seconds
        async with self._metered("plain"), self.admission.place(owner):
            try:
                async with asyncio.timeout(seconds):
                    yield
            except TimeoutError:
                message = f"the time limit of {seconds:g} seconds is over: ask for less (max_tokens)"
                raise ApiError(504, message, "time_limit") from None

    def _count_usage(self, text: str) -> None:
        if '"usage"' not in text:
            return
        try:
            reply = json.loads(text)
        except (ValueError, RecursionError):
            return
        self.meters.used(read_usage(reply.get("usage") if isinstance(reply, dict) else None))
