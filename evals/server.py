"""The model server of a run: one that is running, or one that is started for the run and ended with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from evals.display import Display
from evals.preparation import Preparation, api_key
from rsa.endpoint import Client, Endpoint
from rsa.errors import EndpointUnreachable, UsageError
from rsa.serving import serve
from rsa.session import Session, open_session

__all__ = ["open_server"]


@asynccontextmanager
async def open_server(run: Preparation, display: Display) -> AsyncIterator[Session]:
    """The server of a run, ready. Should one that was started end early, the calls to it are wound up.

    Raises `UsageError` if it cannot be reached or does not have the model.
    """
    ended = asyncio.get_running_loop().create_future()
    async with _endpoint(run, display, ended) as endpoint, _session(endpoint) as session:
        ended.add_done_callback(lambda future: _server_ended(session.client, future))
        yield session


@asynccontextmanager
async def _endpoint(run: Preparation, display: Display, ended: asyncio.Future[str]) -> AsyncIterator[Endpoint]:
    """The running server, or one that is started for the run. Should that end early, `ended` gets what is known of it."""
    config = run.config
    model, key = run.model or config.endpoint.model, api_key(config.endpoint.api_key_env)
    if config.serve is None:
        yield config.endpoint.build(config.endpoint.base_url or "", model, key)
        return
    engine = config.serve.build(model if config.serve.model else config.endpoint.model)
    display.note(f"Starting {engine.name}; its log is {run.directory.server_log}")
    async with serve(engine, run.directory.server_log, ended.set_result) as base_url:
        yield config.endpoint.build(base_url, engine.served_name, key)


def _server_ended(client: Client, ended: asyncio.Future[str]) -> None:
    if not ended.cancelled():
        client.wind_down(EndpointUnreachable(ended.result()))


@asynccontextmanager
async def _session(endpoint: Endpoint) -> AsyncIterator[Session]:
    async with AsyncExitStack() as stack:
        try:
            session = await stack.enter_async_context(open_session(endpoint))
        except EndpointUnreachable as error:
            raise UsageError(str(error)) from error  # before the first chain a dead server is a mistake, not an accident
        yield session
