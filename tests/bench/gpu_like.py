"""A model server with the clock of a GPU: a decode step takes the same time for one sequence as for all.

It speaks OpenAI's API over real HTTP, computes nothing, and goes by the clock of its event loop (`tests.bench.virtual`). At
most `slots` sequences decode; the others wait in line, first come, first served, as does one whose prompt and reply find no
room in the KV cache, so that nothing is ever preempted. A step makes one token of every running sequence and takes `step`
seconds, plus `prefill` seconds for each prompt token of the sequences that begin with it and whose block of 16 is not in the
prefix cache. A reply is `latency` seconds on its way, so the call after it comes that much later. Four bytes are a token,
and a reply has `max_tokens` of them: `ignore_eos` is meant.
"""

import asyncio
import hashlib
import heapq
import json
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

BLOCK = 16  # tokens
TOKEN = 4  # bytes


@dataclass(frozen=True)
class Settings:
    """Times are in seconds, `kv` is in tokens."""

    slots: int = 64
    step: float = 0.002
    prefill: float = 0.0
    kv: int = 1_000_000
    latency: float = 0.0


@dataclass
class Stats:
    """What was done. `seconds` go from the first call to the end of the last step; `slot_seconds` over `slots * seconds` is
    the occupancy."""

    seconds: float = 0.0
    slot_seconds: float = 0.0
    prefill_seconds: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    new_tokens: int = 0
    longest_queue: int = 0


@dataclass(frozen=True, slots=True)
class Sequence:
    """One call: its prompt's whole blocks by their chained hashes, its lengths in tokens, and where its reply goes."""

    blocks: tuple[int, ...]
    prompt: int
    new: int
    seed: int
    reply: Callable[[bytes], None]

    @property
    def size(self) -> int:
        """The blocks that it fills."""
        return -(-(self.prompt + self.new) // BLOCK)


class Cache:
    """Blocks in use, and prompt blocks that nobody uses and that stay until their room is needed, oldest first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._users: dict[int, int] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()
        self._private = 0

    def take(self, sequence: Sequence) -> int | None:
        """Make room for a sequence; gives how many of its first blocks were there, None where there is no room."""
        hits = 0
        for block in sequence.blocks:
            if block not in self._users and block not in self._idle:
                break
            hits += 1
        held = sum(block in self._users for block in sequence.blocks)
        if len(self._users) + self._private + sequence.size - held > self._capacity:
            return None
        for block in sequence.blocks:
            self._idle.pop(block, None)
            self._users[block] = self._users.get(block, 0) + 1
        self._private += sequence.size - len(sequence.blocks)
        while self._idle and len(self._users) + self._private + len(self._idle) > self._capacity:
            self._idle.popitem(last=False)
        return hits

    def release(self, sequence: Sequence) -> None:
        self._private -= sequence.size - len(sequence.blocks)
        for block in reversed(sequence.blocks):  # a chain goes from its end, or its rest would be of no use
            self._users[block] -= 1
            if not self._users[block]:
                del self._users[block]
                self._idle[block] = None


class Engine:
    """The clock: sequences start and end only where one step follows another."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stats = Stats()
        self.waiting: deque[Sequence] = deque()
        self.running: list[tuple[int, int, Sequence]] = []
        self._loop = asyncio.get_running_loop()
        self._cache = Cache(settings.kv // BLOCK)
        self._steps = self._started = 0
        self._first: float | None = None
        self._busy = False

    def submit(self, sequence: Sequence) -> None:
        if self._first is None:
            self._first = self._loop.time()
        self.waiting.append(sequence)
        self.stats.longest_queue = max(self.stats.longest_queue, len(self.waiting))
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._step)  # calls that come together begin together

    def _step(self) -> None:
        fresh = self._admit()
        if not self.running:
            if self.waiting:
                raise RuntimeError("a sequence is larger than the whole cache")
            self._busy = False
            return
        prefill = fresh * self.settings.prefill
        length = self.settings.step + prefill
        self.stats.prefill_seconds += prefill
        self.stats.slot_seconds += length * len(self.running)
        self._steps += 1
        self._loop.call_later(length, self._end)

    def _end(self) -> None:
        while self.running and self.running[0][0] <= self._steps:
            _, _, sequence = heapq.heappop(self.running)
            self._cache.release(sequence)
            self.stats.new_tokens += sequence.new
            self._loop.call_later(self.settings.latency, sequence.reply, _reply(sequence))
        self.stats.seconds = self._loop.time() - (self._first or 0.0)
        self._step()

    def _admit(self) -> int:
        """Start what there is room for; gives the prompt tokens to compute."""
        fresh = 0
        while self.waiting and len(self.running) < self.settings.slots:
            sequence = self.waiting[0]
            hits = self._cache.take(sequence)
            if hits is None:
                break
            self.waiting.popleft()
            self._started += 1
            heapq.heappush(self.running, (self._steps + sequence.new, self._started, sequence))
            self.stats.prompt_tokens += sequence.prompt
            self.stats.cached_tokens += hits * BLOCK
            fresh += sequence.prompt - hits * BLOCK
        return fresh


def _reply(sequence: Sequence) -> bytes:
    text = hashlib.shake_128(f"{sequence.seed} {sequence.blocks}".encode()).hexdigest(sequence.new * TOKEN // 2)
    usage = {"prompt_tokens": sequence.prompt, "completion_tokens": sequence.new}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "length"}
    return json.dumps({"model": "gpu-like", "choices": [choice], "usage": usage}).encode()


def sequence_of(body: dict[str, Any], reply: Callable[[bytes], None]) -> Sequence:
    prompt = "\n".join(f"<{message['role']}>{message['content']}" for message in body["messages"]).encode()
    size, blocks, before = BLOCK * TOKEN, [], 0
    for start in range(0, len(prompt) - size + 1, size):
        before = hash((before, prompt[start : start + size]))
        blocks.append(before)
    return Sequence(tuple(blocks), -(-len(prompt) // TOKEN), int(body["max_tokens"]), int(body.get("seed") or 0), reply)


class Connection(asyncio.Protocol):
    """HTTP as far as a client of a model server needs it."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._server.answer(head.split(b" ", 2)[1].decode(), rest[:length], self._send)

    def _send(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)


class Server:
    """Routes; made in a running loop."""

    def __init__(self, settings: Settings) -> None:
        self._engine = Engine(settings)
        self.stats = self._engine.stats

    def answer(self, path: str, body: bytes, reply: Callable[[bytes], None]) -> None:
        if path.endswith("/chat/completions"):
            self._engine.submit(sequence_of(json.loads(body), reply))
        elif path.endswith("/models"):
            reply(json.dumps({"data": [{"id": "gpu-like", "max_model_len": 1_000_000}]}).encode())
        else:
            reply(json.dumps({"error": f"no page {path}"}).encode())


@asynccontextmanager
async def gpu_like(settings: Settings) -> AsyncIterator[tuple[str, Stats]]:
    """A server for the length of the block: its address, and what it has done."""
    model = Server(settings)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(model), "127.0.0.1", 0, backlog=4096)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", model.stats
