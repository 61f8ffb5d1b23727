import asyncio
from types import SimpleNamespace

import pytest

from rsa.endpoint.retrying import Waiting


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only while somebody waits."""
    now = [1000.0]

    async def sleep(waiting: Waiting, seconds: float) -> None:
        waiting.check()
        now[0] += seconds
        await asyncio.sleep(0)
        waiting.check()

    monkeypatch.setattr(Waiting, "sleep", sleep)
    monkeypatch.setattr("rsa.endpoint.circuit.time", SimpleNamespace(monotonic=lambda: now[0]))  # the loops keep theirs
    return now
