"""An event loop whose clock runs faster, so that waiting costs no time: what is measured in seconds passes in a fiftieth."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar
from unittest import mock

from rsa.endpoint import transport

HASTE = 50
ResultT = TypeVar("ResultT")


class _Selector(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout / HASTE if timeout else timeout)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__(_Selector())

    def time(self) -> float:
        return super().time() * HASTE


def hurried(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine to its end on a fast clock. Time limits run on it too, but for that of connecting.

    A connection that a busy machine takes a fifth of a second for would else be none.
    """
    patient = mock.patch.object(transport, "CONNECT_SECONDS", transport.CONNECT_SECONDS * HASTE)
    with patient, asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work)
