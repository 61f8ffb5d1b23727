"""A model server that answers every chat call at once with the same long reply. Its own work is as small as asyncio allows.

`python -m tests.bench.instant_server BYTES` prints the port that it listens on; with a port behind it, it shares the
connections of those that listen there. Under `/stream/v1` the reply is a stream of events with four bytes each.
"""

import asyncio
import json
import sys

SENTENCE = 'We set x = 3, so that "f(x)" has the value 12, and then:\n'
TOKEN = 4  # bytes
MODELS = json.dumps({"data": [{"id": "instant", "max_model_len": 1_000_000}]}).encode()


def reply(length: int) -> bytes:
    """A completion whose text is about `length` bytes long."""
    text = SENTENCE * (length // len(SENTENCE)) + "The answer is \\boxed{12}."
    usage = {"prompt_tokens": length, "completion_tokens": length // 4}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"model": "instant", "choices": [choice], "usage": usage}).encode()


def stream(length: int) -> bytes:
    """The same as events, one for each token."""
    text = json.loads(reply(length))["choices"][0]["message"]["content"]

    def event(delta: dict[str, str], finish_reason: str | None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "instant", "choices": [choice]}
        return f"data: {json.dumps(chunk)}\n\n"

    pieces = [event({"content": text[at : at + TOKEN]}, None) for at in range(0, len(text), TOKEN)]
    return "".join([*pieces, event({}, "stop"), "data: [DONE]\n\n"]).encode()


def response(body: bytes, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Instant(asyncio.Protocol):
    """Reads requests one after the other; looks at nothing but their path and length."""

    def __init__(self, chat: bytes, streamed: bytes, models: bytes) -> None:
        self._chat = self._answer = chat
        self._streamed = streamed
        self._models = models
        self._head = b""
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        while data:
            if self._left:
                taken = min(self._left, len(data))
                self._left -= taken
                data = data[taken:]
                if not self._left:
                    self._transport.write(self._answer)
                continue
            head, found, data = (self._head + data).partition(b"\r\n\r\n")
            self._head = b"" if found else head
            if found and head.startswith(b"GET"):
                self._transport.write(self._models)
            elif found:
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                self._left = int(length)
                self._answer = self._streamed if head.startswith(b"POST /stream/") else self._chat


async def serve(length: int, port: int = 0) -> None:
    chat, models = response(reply(length)), response(MODELS)
    streamed = response(stream(length), "text/event-stream")
    server = await asyncio.get_running_loop().create_server(
        lambda: Instant(chat, streamed, models), "127.0.0.1", port, reuse_port=True, backlog=4096
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
