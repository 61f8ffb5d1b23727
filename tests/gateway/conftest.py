from collections.abc import Iterator

import pytest

from tests.gateway.running import Gateway, StreamingServer, running_gateway


@pytest.fixture(scope="module")
def shared_upstream() -> Iterator[StreamingServer]:
    with StreamingServer() as server:
        yield server


@pytest.fixture
def upstream(shared_upstream: StreamingServer) -> StreamingServer:
    """As it is when it is new."""
    fresh = StreamingServer()
    for name in ("reply", "finish_reason", "trouble", "usage", "hold", "breaks"):
        setattr(shared_upstream, name, getattr(fresh, name))
    fresh._loop.close()
    for name in ("requests", "headers", "streamed", "script"):
        getattr(shared_upstream, name).clear()
    shared_upstream.hanging.clear()
    shared_upstream.left.clear()
    return shared_upstream


@pytest.fixture(scope="module")
def shared_gateway(shared_upstream: StreamingServer) -> Iterator[Gateway]:
    with running_gateway(shared_upstream.url) as running:
        yield running


@pytest.fixture
def gateway(shared_gateway: Gateway, upstream: StreamingServer) -> Gateway:
    """With the default settings, in front of an upstream that is as new."""
    return shared_gateway
