"""Answers a chat request: by RSA, or by passing it on; as one reply, or as a stream."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rsa.chain import Chain
from rsa.errors import RSAError
from rsa.gateway.admission import Admission
from rsa.gateway.asks import PassedOn, understood
from rsa.gateway.config import GatewayConfig
from rsa.gateway.eventstream import EventStream
from rsa.gateway.feed import Feed, while_connected
from rsa.gateway.meters import Meters
from rsa.gateway.passing import Passing
from rsa.gateway.problems import ApiError, problem_of, without_addresses
from rsa.gateway.replies import Chunks, completion
from rsa.gateway.runs import Run, Runs
from rsa.gateway.upstream import Upstream
from rsa.gateway.wire import read_request
from rsa.gateway.work import Piece, Work
from rsa.prompts import Prompts
from rsa.session import Session

__all__ = ["Chat"]

_LOG = logging.getLogger("rsa.gateway")
_CLIENT_GONE = 499
_OF_SERVERS = 500
ValueT = TypeVar("ValueT")


class Chat:
    """All that chat requests share."""

    def __init__(self, config: GatewayConfig, upstream: Upstream) -> None:
        self.config = config
        self.upstream = upstream
        self.runs = Runs(config.runs)
        self.meters = Meters()
        limits = config.limits
        self.admission = Admission(limits.requests, limits.queue, limits.per_key)
        self._prompts = Prompts(config.prompts)

    async def reply(self, request: Request, content: bytes, owner: str) -> Response:
        """The reply to a request with this body. Raises an `ApiError` for what can be told before anything is sent."""
        wanted, body = read_request(content)
        session = await self.session()
        task = understood(wanted, body, self.config, session.client.endpoint.model or "")
        if isinstance(task, PassedOn):
            return await self._passed_on(request, Passing(task, session.client, self.meters), owner)
        run = Run(task, owner)
        if task.stream:
            return await self._streamed(request, lambda tell: self._stream_run(run, session, tell), run.headers)
        chains = await while_connected(request, self._answered(run, session, lambda _: None))
        return JSONResponse(completion(run, chains), headers=run.headers)

    async def session(self) -> Session:
        """The session to the model server. Raises an `ApiError` where there is none, or not in time."""
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
        config, deadline = self.config, self._deadline()
        async with self._metered(run.ask.label), self.admission.place(run.owner, deadline):
            self.runs.keep(run)
            try:
                work = Work(run, session, self._prompts, config, deadline, partial(self.runs.add, run), tell)
                chains = await work.answer()
                run.chosen = tuple(chain.place for chain in chains)
                run.status = "done"
            except (ApiError, RSAError) as error:
                run.status, run.error = "failed", without_addresses(str(error))
                raise
            finally:
                run.end()
                self.runs.keep(run)
                self.meters.run(run)
        return chains

    def _deadline(self) -> float:
        """When a request that begins now must have ended, the time that it waits for a place included."""
        return asyncio.get_running_loop().time() + self.config.limits.seconds

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
        except RSAError as error:
            problem = problem_of(error)
            status = problem.status
            if status >= _OF_SERVERS:
                _LOG.warning("a request for %s failed with %d: %s", plan, status, error)
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

    async def _passed_on(self, request: Request, passing: Passing, owner: str) -> Response:
        headers = passing.task.headers
        if passing.task.stream:
            return await self._streamed(request, lambda tell: self._in_place(lambda: passing.streamed(tell), owner), headers)
        text = await while_connected(request, self._in_place(passing.whole, owner))
        return Response(text, media_type="application/json", headers=headers)

    async def _in_place(self, work: Callable[[], Coroutine[Any, Any, ValueT]], owner: str) -> ValueT:
        """What is passed on, once there is a place for it, within the time limit."""
        deadline = self._deadline()
        async with self._metered("plain"), self.admission.place(owner, deadline):
            try:
                async with asyncio.timeout_at(deadline):
                    return await work()
            except TimeoutError:
                message = f"the time limit of {self.config.limits.seconds:g} seconds is over: ask for less (max_tokens)"
                raise ApiError(504, message, "time_limit") from None
