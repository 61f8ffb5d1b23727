"""The model server behind: one session for all requests, opened when it is first needed and there."""

import asyncio
import time
from contextlib import AsyncExitStack

from rsa.endpoint import Endpoint
from rsa.errors import RSAError
from rsa.session import Session, open_session

__all__ = ["Upstream"]


class Upstream:
    """Opens the session once. As long as the model server is not there, a request tries anew, and those that came meanwhile
    share what comes of it.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._session: Session | None = None
        self._over: RSAError | None = None
        self._failed: tuple[float, RSAError] | None = None  # the latest attempt to open it, and when it ended

    async def session(self) -> Session:
        """The session. Raises `EndpointUnreachable` if nobody answers, `EndpointRefused` if the model is not there."""
        came = time.monotonic()
        async with self._opening:
            if self._over:
                raise self._over
            if self._session is None:
                self._session = await self._opened(came)
            return self._session

    async def _opened(self, came: float) -> Session:
        if self._failed and self._failed[0] > came:
            raise self._failed[1]
        try:
            return await self._stack.enter_async_context(open_session(self.endpoint))
        except RSAError as error:
            self._failed = time.monotonic(), error
            raise

    @property
    def up(self) -> bool:
        """Whether it was there when last asked."""
        return self._session is not None and not self._session.client.gone and self._over is None

    @property
    def in_flight(self) -> int:
        """Calls on their way."""
        return self._session.client.gate.in_flight if self._session else 0

    def end(self, reason: RSAError) -> None:
        """The server has ended for good: what waits for it and what comes gets the reason."""
        self._over = reason
        if self._session:
            self._session.client.wind_down(reason)

    async def close(self) -> None:
        """Close every connection."""
        await self._stack.aclose()
