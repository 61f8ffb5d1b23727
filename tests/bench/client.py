"""What a call costs the caller: our endpoint beside the official client, httpx and aiohttp, at so many calls in flight.

Servers that answer at once with 4k-token replies stand in processes of their own. Every client runs in a fresh process,
with one call a worker to warm up; its CPU time is what counts, so that it hardly matters who else uses the machine. Memory
is the peak of the whole process. `FULL=1` adds 4,096 in flight; it takes about six minutes, and twice that with it.

What is left of our 0.24 ms a call at 256 in flight (py-spy): aiohttp 56 % and asyncio 9 %, reading the reply 14 %, writing
the body 3 %, and 18 % for our own gate, circuit, purse and retries, which is what plain aiohttp does not do.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

REPLY = 16_000  # bytes, about 4k tokens
QUESTION = "How many primes are there below 100?"
CANDIDATES = (
    QUESTION + "\nCandidate:\n" + 'We set x = 3, so that "f(x)" has the value 12, and then:\n' * 1100
)  # 4 x 4k tokens
SERVERS = 2
REPEATS = 5
SLOW = {"openai": 1024, "httpx": 1024}  # calls at least; ours and aiohttp make 4,096
HTTPX_UP_TO = 1024  # in flight; what a call costs it grows with that number
Call = Callable[[str], Awaitable[str]]
Connect = Callable[[str, int], AbstractAsyncContextManager[Call]]


@dataclass(frozen=True)
class Setting:
    in_flight: int
    prompt: str = QUESTION

    @property
    def name(self) -> str:
        return f"{self.in_flight:,} in flight" + (", prompts of 64 KB" if self.prompt != QUESTION else "")


@dataclass(frozen=True)
class Cost:
    """What calls took. `cpu` is in ms a call, `memory` in MB."""

    cpu: float
    rate: float
    memory: float


SETTINGS = [Setting(32), Setting(256), Setting(1024), Setting(256, CANDIDATES)]
if os.environ.get("FULL"):
    SETTINGS.append(Setting(4096))


def measure() -> Iterator[dict[str, Any]]:
    missing = [name for name in ("openai", "httpx") if find_spec(name) is None]
    if missing:
        raise SystemExit(
            f"{' and '.join(missing)} not installed: make bench installs what is measured, or pip install '.[bench]'"
        )
    with servers() as url:
        for setting in SETTINGS:
            clients = [name for name in CLIENTS if name != "httpx" or setting.in_flight <= HTTPX_UP_TO]
            orders = [random.Random(repeat).sample(clients, len(clients)) for repeat in range(REPEATS)]
            runs = [{name: costs(name, setting, url) for name in order} for order in orders]
            for baseline in clients[1:]:
                yield row(setting, baseline, runs, lambda cost: 1000 / cost.cpu, "calls/s and core")
            for baseline in clients[1:]:
                yield row(setting, baseline, runs, lambda cost: cost.memory, "MB at most")


def row(
    setting: Setting, baseline: str, runs: list[dict[str, Cost]], value: Callable[[Cost], float], unit: str
) -> dict[str, Any]:
    ours, theirs = [each["rsa"] for each in runs], [each[baseline] for each in runs]
    ratios = [value(a) / value(b) for a, b in zip(ours, theirs, strict=True)]
    return {
        "name": setting.name,
        "baseline": baseline,
        "ours": round(median(map(value, ours)), 1),
        "theirs": round(median(map(value, theirs)), 1),
        "unit": unit,
        "ratio": round(median(ratios), 2),
        "spread": [round(min(ratios), 2), round(max(ratios), 2)],
        "repeats": len(ratios),
        "cpu_ms_a_call": [round(median(cost.cpu for cost in costs), 3) for costs in (ours, theirs)],
        "calls_a_second": [round(median(cost.rate for cost in costs)) for costs in (ours, theirs)],
    }


@contextmanager
def servers() -> Iterator[str]:
    """Several processes behind one port, so that no client waits for them."""
    command, port = [sys.executable, "-m", "tests.bench.instant_server", str(REPLY)], ""
    with ExitStack() as stack:
        for _ in range(SERVERS):
            process = stack.enter_context(
                subprocess.Popen([*command, *filter(None, [port])], text=True, stdout=subprocess.PIPE)
            )
            stack.callback(process.kill)
            assert process.stdout
            port = process.stdout.readline().strip()
        yield f"http://127.0.0.1:{port}/v1"


def costs(client: str, setting: Setting, url: str) -> Cost:
    """What one client takes, in a process of its own."""
    calls = max(SLOW.get(client, 4096), 2 * setting.in_flight)
    arguments = [client, str(setting.in_flight), str(calls), url, "long" if setting.prompt != QUESTION else "short"]
    command = [sys.executable, "-m", "tests.bench.client", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Cost(**json.loads(done.stdout))


async def drive(client: str, in_flight: int, calls: int, url: str, prompt: str) -> Cost:
    left = calls

    async def work(call: Call) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            text = await call(prompt)
            if not text.endswith("\\boxed{12}."):
                raise RuntimeError(f"a reply is not what was sent: {text[-80:]!r}")

    async with CLIENTS[client](url, in_flight) as call:
        await asyncio.gather(*(call(prompt) for _ in range(in_flight)))
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(work(call) for _ in range(in_flight)))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(cpu / calls * 1e3, calls / wall, peak_memory())


def peak_memory() -> float:
    """MB of this process; `getrusage` would also count the program that it was before `exec`."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def body_of(prompt: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": "instant", "messages": messages, "temperature": 1.0, "top_p": 1.0, "max_tokens": 4096, "seed": 7}


@asynccontextmanager
async def with_rsa(url: str, in_flight: int) -> AsyncIterator[Call]:
    import rsa  # noqa: PLC0415 - each process shall hold only the client that it measures

    sampling = rsa.Sampling(max_tokens=4096)
    async with rsa.Endpoint(url, "instant", max_concurrency=in_flight, concurrency="fixed").connect() as client:

        async def call(prompt: str) -> str:
            return (await client.complete([{"role": "user", "content": prompt}], sampling, 7)).text

        yield call


@asynccontextmanager
async def with_openai(url: str, in_flight: int) -> AsyncIterator[Call]:
    """As it comes: its pool has 1,000 connections and keeps 100 of them."""
    from openai import AsyncOpenAI  # noqa: PLC0415

    async with AsyncOpenAI(api_key="EMPTY", base_url=url, max_retries=0, timeout=1800) as client:

        async def call(prompt: str) -> str:
            completion = await client.chat.completions.create(**body_of(prompt))
            return completion.choices[0].message.content or ""

        yield call


@asynccontextmanager
async def with_httpx(url: str, in_flight: int) -> AsyncIterator[Call]:
    import httpx  # noqa: PLC0415

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=1800) as client:

        async def call(prompt: str) -> str:
            response = await client.post(f"{url}/chat/completions", json=body_of(prompt))
            response.raise_for_status()
            return str(response.json()["choices"][0]["message"]["content"])

        yield call


@asynccontextmanager
async def with_aiohttp(url: str, in_flight: int) -> AsyncIterator[Call]:
    import aiohttp  # noqa: PLC0415

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call(prompt: str) -> str:
            async with session.post(f"{url}/chat/completions", json=body_of(prompt)) as response:
                response.raise_for_status()
                return str((await response.json())["choices"][0]["message"]["content"])

        yield call


CLIENTS: dict[str, Connect] = {"rsa": with_rsa, "openai": with_openai, "httpx": with_httpx, "aiohttp": with_aiohttp}


if __name__ == "__main__":
    name, in_flight, calls, url, kind = sys.argv[1:]
    cost = asyncio.run(drive(name, int(in_flight), int(calls), url, CANDIDATES if kind == "long" else QUESTION))
    sys.stdout.write(json.dumps(vars(cost)))
