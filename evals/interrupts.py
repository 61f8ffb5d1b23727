"""Ctrl-C once: start no further chain. Twice, or SIGTERM: stop now. Either way the run can be resumed."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Interrupts"]


class Interrupts:
    """What the user asked for by signals.

    `graceful` says whether a first Ctrl-C may wait for chains in flight; the functions of `on_first` are called by it.
    """

    def __init__(self, *on_first: Callable[[], None]) -> None:
        self.graceful = False
        self.stopping = False
        self.on_first = list(on_first)

    def forgive(self) -> None:
        """Take back the cancellations that the signals asked for, once they have done their work."""
        task = asyncio.current_task()
        while task and task.cancelling():
            task.uncancel()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle SIGINT and SIGTERM for the running task until the block is left."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine always runs in a task

        def interrupted() -> None:
            if self.graceful and not self.stopping:
                self.stopping = True
                for react in self.on_first:
                    react()
            else:
                terminated()

        def terminated() -> None:
            self.stopping = True
            task.cancel()

        loop.add_signal_handler(signal.SIGINT, interrupted)
        loop.add_signal_handler(signal.SIGTERM, terminated)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            loop.remove_signal_handler(signal.SIGTERM)
