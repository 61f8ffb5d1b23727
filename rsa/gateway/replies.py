"""Replies and chunks as OpenAI writes them, with what RSA adds: an `rsa` field and the whole usage."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rsa.chain import Chain
from rsa.gateway.runs import Run
from rsa.gateway.work import Piece

__all__ = ["Chunks", "completion"]


def completion(run: Run, chains: Sequence[Chain]) -> dict[str, Any]:
    """The reply of a run that these chains answer."""
    choices = [
        {"index": index, "message": _message(chain), "logprobs": None, "finish_reason": chain.finish_reason}
        for index, chain in enumerate(chains)
    ]
    return {**_head(run, "chat.completion"), "choices": choices, "usage": run.usage(), "rsa": run.told()}


def _message(chain: Chain) -> dict[str, Any]:
    message = {"role": "assistant", "content": chain.text, "refusal": None}
    return {**message, "reasoning_content": chain.reasoning} if chain.reasoning else message


def _head(run: Run, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{run.id}", "object": kind, "created": int(run.created), "model": run.ask.model}


class Chunks:
    """The chunks of a streamed run, each as the JSON text of its event."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._usage: Mapping[str, Any] = {"usage": None} if run.ask.include_usage else {}

    def begin(self) -> str:
        """Who speaks."""
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, piece: Piece) -> str:
        """A piece of the answer, or of what is told as reasoning."""
        delta = {"content": piece.text} if piece.text else {}
        reasoning = f"{piece.progress}\n" if piece.progress else piece.reasoning
        return self._chunk({**delta, "reasoning_content": reasoning} if reasoning else delta)

    def end(self, chains: Sequence[Chain]) -> list[str]:
        """What comes after the text: why each answer ends, further answers, the usage where it is asked for."""
        first, *others = chains
        chunks = [
            self._chunk({"role": "assistant", "content": chain.text}, index=index) for index, chain in enumerate(others, 1)
        ]
        chunks += [self._chunk({}, index=index, finish=chain.finish_reason) for index, chain in enumerate([first, *others])]
        last = {**_head(self._run, "chat.completion.chunk"), "choices": [], "rsa": self._run.told()}
        if self._run.ask.include_usage:
            chunks.append(json.dumps({**last, "usage": self._run.usage()}))
        return chunks

    def _chunk(self, delta: Mapping[str, Any], index: int = 0, finish: str | None = None) -> str:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        told = {"rsa": self._run.told()} if finish else {}
        return json.dumps({**_head(self._run, "chat.completion.chunk"), "choices": [choice], **told, **self._usage})
