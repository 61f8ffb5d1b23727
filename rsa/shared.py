"""Results that several tasks want and one of them makes."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Shared"]

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class Shared(Generic[KeyT, ValueT]):
    """Whoever asks first makes a result; who asks for the same while it is made, or later, gets it too.

    The `most` results last asked for are kept. Where the one who makes it fails or is cancelled, the next one tries anew, so
    that nobody has to bear the exception of another.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._results: OrderedDict[KeyT, asyncio.Future[ValueT]] = OrderedDict()

    async def get(self, key: KeyT, make: Callable[[], Awaitable[ValueT]]) -> ValueT:
        """The result for a key, made by `make` if it is not known. Raises what `make` raises."""
        while future := self._results.get(key):
            self._results.move_to_end(key)
            await asyncio.wait([future])  # neither ends with the other when one is cancelled
            if not future.cancelled():
                return future.result()
        future = asyncio.get_running_loop().create_future()
        self._keep(key, future)
        try:
            future.set_result(await make())
        finally:
            if not future.done():  # whoever makes it has failed or was cancelled
                if self._results.get(key) is future:
                    del self._results[key]
                future.cancel()
        return future.result()

    def _keep(self, key: KeyT, future: asyncio.Future[ValueT]) -> None:
        self._results[key] = future
        if len(self._results) > self._most:
            self._results.popitem(last=False)
