"""What a call costs the caller: our endpoint beside the official client, httpx and aiohttp, at so many calls in flight.

Servers that answer at once with 4k-token replies stand in processes of their own. Every client runs in a fresh process,
with one call a worker to warm up unless it streams; its CPU time is what counts, so that it hardly matters who else uses the
machine. Memory is the peak of the whole process. It takes about eight minutes. `FULL=1` adds, once each, 4,096 in flight and
streams at 256 and more, in half an hour. docs/performance.md says what is left of our time.
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
from typing import Any, Literal

from tests.bench.rows import Goal, Row, Unavailable, paired

REPLY = 16_000  # bytes, about 4k tokens
QUESTION = "How many primes are there below 100?"
CANDIDATES = (
    QUESTION + "\nCandidate:\n" + 'We set x = 3, so that "f(x)" has the value 12, and then:\n' * 1100
)  # 4 x 4k tokens
SERVERS = 2
REPEATS = int(os.environ.get("REPEATS", "5"))
HTTPX_UP_TO = 256  # in flight; what a call costs it grows with that number
STREAMS_UP_TO = 1024  # in flight, of the official client, for which 4,096 would take half an hour
Call = Callable[[str], Awaitable[str]]
Connect = Callable[[str, int, bool], AbstractAsyncContextManager[Call]]


@dataclass(frozen=True)
class Setting:
    in_flight: int
    kind: Literal["plain", "long", "streamed"] = "plain"

    @property
    def name(self) -> str:
        return (
            f"{self.in_flight:,} in flight"
            + {"plain": "", "long": ", prompts of 64 KB", "streamed": ", streamed"}[self.kind]
        )

    def calls(self, client: str) -> int:
        least = {"openai": 1024, "httpx": 1024}.get(client, 4096)
        return max(least // 16, self.in_flight) if self.kind == "streamed" else max(least, 2 * self.in_flight)

    def measures(self, client: str) -> bool:
        """Whether a client is done with it within minutes."""
        most = {"httpx": HTTPX_UP_TO, "openai": STREAMS_UP_TO if self.kind == "streamed" else self.in_flight}
        return self.in_flight <= most.get(client, self.in_flight)


@dataclass(frozen=True)
class Cost:
    """What calls took. `cpu` is in ms a call, `memory` in MB."""

    cpu: float
    rate: float
    memory: float


SETTINGS = [Setting(32), Setting(256), Setting(1024), Setting(256, "long"), Setting(32, "streamed")]
ONCE = [Setting(4096), Setting(256, "streamed"), Setting(1024, "streamed"), Setting(4096, "streamed")]


def measure() -> Iterator[Row]:
    missing = [name for name in ("openai", "httpx") if find_spec(name) is None]
    if missing:
        raise Unavailable(
            f"{' and '.join(missing)} not installed: make bench installs what is measured, or pip install '.[bench]'"
        )
    with servers() as url:
        for setting in [*SETTINGS, *(ONCE if os.environ.get("FULL") else ())]:
            clients = [name for name in CLIENTS if setting.measures(name)]
            repeats = range(1 if setting in ONCE else REPEATS)
            orders = [random.Random(repeat).sample(clients, len(clients)) for repeat in repeats]
            runs = [{name: costs(name, setting, url) for name in order} for order in orders]
            for baseline in clients[1:]:
                goal = Goal(3.0, "at least") if baseline == "openai" else None
                yield row(setting, baseline, runs, lambda cost: 1000 / cost.cpu, "calls/s and core", goal)
            for baseline in clients[1:]:
                goal = Goal(300, of="ours") if setting == Setting(1024) else None
                yield row(setting, baseline, runs, lambda cost: cost.memory, "MB at most", goal)


def row(
    setting: Setting,
    baseline: str,
    runs: list[dict[str, Cost]],
    value: Callable[[Cost], float],
    unit: str,
    goal: Goal | None,
) -> Row:
    both = [[each[name] for each in runs] for name in ("rsa", baseline)]
    ours, theirs = ([value(cost) for cost in costs] for costs in both)
    more = {
        "cpu_ms_a_call": [round(median(cost.cpu for cost in costs), 3) for costs in both],
        "calls_a_second": [round(median(cost.rate for cost in costs)) for costs in both],
    }
    return paired(setting.name, baseline, ours, theirs, unit, goal, **more)


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
    arguments = [client, str(setting.in_flight), str(setting.calls(client)), url, setting.kind]
    command = [sys.executable, "-m", "tests.bench.client", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Cost(**json.loads(done.stdout))


async def drive(client: str, in_flight: int, calls: int, url: str, kind: str) -> Cost:
    left, streamed = calls, kind == "streamed"
    prompt = CANDIDATES if kind == "long" else QUESTION
    url = url.replace("/v1", "/stream/v1") if streamed else url

    async def work(call: Call) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            text = await call(prompt)
            if not text.endswith("\\boxed{12}."):
                raise RuntimeError(f"a reply is not what was sent: {text[-80:]!r}")

    async with CLIENTS[client](url, in_flight, streamed) as call:
        if not streamed:
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


def piece_of(line: str) -> str:
    """The text that a line of a stream brings."""
    data = line.removeprefix("data: ").strip()
    return json.loads(data)["choices"][0]["delta"].get("content", "") if data and data != "[DONE]" else ""


@asynccontextmanager
async def with_rsa(url: str, in_flight: int, streamed: bool) -> AsyncIterator[Call]:
    import rsa  # noqa: PLC0415 - each process shall hold only the client that it measures

    sampling = rsa.Sampling(max_tokens=4096)
    listener = (lambda text, reasoning: None) if streamed else None
    async with rsa.Endpoint(url, "instant", max_concurrency=in_flight, concurrency="fixed").connect() as client:

        async def call(prompt: str) -> str:
            return (await client.complete([{"role": "user", "content": prompt}], sampling, 7, listener=listener)).text

        yield call


@asynccontextmanager
async def with_openai(url: str, in_flight: int, streamed: bool) -> AsyncIterator[Call]:
    """As it comes: its pool has 1,000 connections and keeps 100 of them."""
    from openai import AsyncOpenAI  # noqa: PLC0415

    async with AsyncOpenAI(api_key="EMPTY", base_url=url, max_retries=0, timeout=1800) as client:

        async def call(prompt: str) -> str:
            if streamed:
                chunks = await client.chat.completions.create(**body_of(prompt), stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])
            completion = await client.chat.completions.create(**body_of(prompt))
            return completion.choices[0].message.content or ""

        yield call


@asynccontextmanager
async def with_httpx(url: str, in_flight: int, streamed: bool) -> AsyncIterator[Call]:
    import httpx  # noqa: PLC0415

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=1800) as client:

        async def call(prompt: str) -> str:
            if streamed:
                async with client.stream("POST", f"{url}/chat/completions", json=body_of(prompt)) as response:
                    return "".join([piece_of(line) async for line in response.aiter_lines()])
            response = await client.post(f"{url}/chat/completions", json=body_of(prompt))
            response.raise_for_status()
            return str(response.json()["choices"][0]["message"]["content"])

        yield call


@asynccontextmanager
async def with_aiohttp(url: str, in_flight: int, streamed: bool) -> AsyncIterator[Call]:
    import aiohttp  # noqa: PLC0415

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call(prompt: str) -> str:
            async with session.post(f"{url}/chat/completions", json=body_of(prompt)) as response:
                response.raise_for_status()
                if streamed:
                    return "".join([piece_of(line.decode()) async for line in response.content])
                return str((await response.json())["choices"][0]["message"]["content"])

        yield call


CLIENTS: dict[str, Connect] = {"rsa": with_rsa, "openai": with_openai, "httpx": with_httpx, "aiohttp": with_aiohttp}


if __name__ == "__main__":
    name, in_flight, calls, url, kind = sys.argv[1:]
    cost = asyncio.run(drive(name, int(in_flight), int(calls), url, kind))
    sys.stdout.write(json.dumps(vars(cost)))
