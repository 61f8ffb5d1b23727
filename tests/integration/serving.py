"""Real servers for the tests, started and stopped by our own code."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rsa.serving import VLLM, Engine, serve

VLLM_CONTEXT = 4096


def tiny_model(folder: Path) -> str:
    """A tiny random model, made on the spot where PyTorch is."""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-m", "tests.integration.tiny_model", str(folder)], cwd=root, check=True)
    return str(folder)


def tiny_vllm(model: str) -> Engine:
    """vLLM with such a model."""
    return VLLM(model, context=VLLM_CONTEXT, args=("--dtype", "float32"))


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
