"""A real server for the tests of a file, started and stopped by our own code."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rsa.serving import Engine, serve


@contextmanager
def running_server(engine: Engine, folder: Path) -> Iterator[str]:
    """The server's URL while the block lasts."""
    loop = asyncio.new_event_loop()
    serving = serve(engine, folder / "server.log")
    try:
        yield loop.run_until_complete(serving.__aenter__())
        loop.run_until_complete(serving.__aexit__(None, None, None))
    finally:
        loop.close()
