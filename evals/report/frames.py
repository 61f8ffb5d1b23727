"""The prompts of a problem's chains as they were sent, without a copy of every candidate in every prompt.

A prompt is kept as a frame, which is what its template says around the candidates, and as references to those. Each is
filled in here once and compared with the SHA-256 that its chain records: what a page shows is what was sent, or it says that
it cannot show it.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evals.preparation import Preparation
from evals.problems import Problem
from rsa.chain import Chain
from rsa.compaction import COMPACTIONS
from rsa.endpoint import Messages
from rsa.errors import UsageError
from rsa.generation import prompt_sha256, prompt_text
from rsa.overflow import shown
from rsa.plan import Place, Role

__all__ = ["PromptFrames", "delivered"]

Parts = list[str | int]
"""A text in pieces; a number stands for the candidate with that index."""
Frame = list[dict[str, Any]]
"""Messages with a role and `parts`."""


class PromptFrames:
    """The prompts of one problem of a run. `frames` are those that `of` refers to, in the order of their first use."""

    def __init__(self, run: Preparation, problem: Problem, roles: Mapping[Place, Role]) -> None:
        self.frames: list[Frame] = []
        self._question = problem.asked(run.config.sampling.system)
        self._prompts = run.prompts
        self._compaction = COMPACTIONS[run.config.compaction]
        self._roles = roles
        self._known: dict[tuple[Role, int], int] = {}

    def of(self, chain: Chain, parents: Sequence[Chain]) -> int | Frame | None:
        """The prompt of a chain that read `parents`: the index of its frame, the whole prompt where no frame gives it, or
        None where none was sent or what is recorded does not give what was sent."""
        role = self._roles[chain.place]
        if not chain.prompt_sha256 or bool(parents) == (role is Role.SAMPLE):
            return None
        candidates = [self._compaction(parent.text, parent.reasoning) for parent in parents]
        if chain.overflow is None:
            number = self._frame(role, len(candidates))
            filled = _filled(self.frames[number][-1]["parts"], candidates)
            if prompt_sha256(self._question.asked(filled)) == chain.prompt_sha256:
                return number
        try:
            messages = self._question.asked(self._written(role, shown(candidates, chain.overflow)))
        except (UsageError, LookupError, TypeError, ValueError):  # a template or a record that was edited
            return None
        return _whole(messages) if prompt_sha256(messages) == chain.prompt_sha256 else None

    def _frame(self, role: Role, number: int) -> int:
        if (role, number) not in self._known:
            self._known[role, number] = len(self.frames)
            name = hashlib.sha256(self._question.text.encode(errors="surrogatepass")).hexdigest()[:24]
            parts = _parts(self._written(role, [f"<{name}:{index}>" for index in range(number)]), name)
            frame = _whole(self._question.asked(""))
            frame[-1]["parts"] = parts
            self.frames.append(frame)
        return self._known[role, number]

    def _written(self, role: Role, candidates: Sequence[str]) -> str:
        return prompt_text(self._prompts, self._question, role, candidates)


def delivered(run: Preparation, chain: Chain) -> str | list[int] | None:
    """What prompts show of a chain: None for its text as it is, [start, end] for a part of it (in UTF-16 units, in which
    pages count), else another text."""
    text = COMPACTIONS[run.config.compaction](chain.text, chain.reasoning)
    if text == chain.text:
        return None
    start = chain.text.find(text)
    return [_units(chain.text[:start]), _units(chain.text[: start + len(text)])] if start >= 0 else text


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _parts(text: str, name: str) -> Parts:
    pieces = re.split(rf"<{name}:(\d+)>", text)
    parts: Parts = [int(piece) if number % 2 else piece for number, piece in enumerate(pieces)]
    return [part for part in parts if part != ""]


def _filled(parts: Parts, candidates: Sequence[str]) -> str:
    return "".join(candidates[part] if isinstance(part, int) else part for part in parts)


def _whole(messages: Messages) -> Frame:
    return [{key: value for key, value in message.items() if key != "content"} | _content(message) for message in messages]


def _content(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"parts": [message.get("content")]}
