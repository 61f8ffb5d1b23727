"""A finished chain: one generation with its place, its parents, its text and what it cost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from rsa.errors import UsageError
from rsa.plan import Place

__all__ = ["Chain", "Status", "Usage"]

_OPTIONAL = ("reasoning", "error", "overflow", "origin")  # left out of a record where they are None


class Status(StrEnum):
    """How a chain ended."""

    OK = "ok"
    TRUNCATED = "truncated"
    """Cut by the token limit. A legitimate candidate."""
    DEAD = "dead"
    """Its call failed for good. Never a candidate, never a vote, never a wrong answer."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them; None where it did not say. `cached` tokens are part of `prompt`."""

    prompt: int | None = None
    cached: int | None = None
    completion: int | None = None

    def __add__(self, other: "Usage") -> "Usage":
        def add(a: int | None, b: int | None) -> int | None:
            return b if a is None else a if b is None else a + b

        return Usage(add(self.prompt, other.prompt), add(self.cached, other.cached), add(self.completion, other.completion))

    @staticmethod
    def total(usages: Iterable["Usage"]) -> "Usage":
        """The sum; a field is None only if no part says it."""
        return sum(usages, Usage())


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain of a run. `parents` are the slots of step - 1 that its prompt showed, in prompt order.

    `text` is the answer text, `reasoning` what the server kept apart as thinking. `started` and `ended` are seconds since
    the epoch; `attempts` counts HTTP requests. `overflow` says what was done to a prompt that did not fit the context
    window, as `rsa.overflow` describes it; None if nothing was. `usage` and `attempts` include what that cost. `origin`
    names the strategy in whose run the chain was generated, where that was another one with the same chain; None else.
    """

    problem: str
    repeat: int
    strategy: str
    step: int
    slot: int
    parents: tuple[int, ...]
    model: str
    seed: int
    prompt_sha256: str
    text: str
    finish_reason: str
    status: Status
    usage: Usage = field(default_factory=Usage)
    started: float = 0.0
    ended: float = 0.0
    attempts: int = 0
    reasoning: str | None = None
    error: str | None = None
    overflow: Mapping[str, Any] | None = field(default=None, hash=False)
    origin: str | None = None

    @property
    def place(self) -> Place:
        """(step, slot)."""
        return self.step, self.slot

    @property
    def dead(self) -> bool:
        """Whether its call failed for good."""
        return self.status is Status.DEAD

    def to_record(self) -> dict[str, Any]:
        """The JSON object of one line of `chains.jsonl`."""
        record = {f.name: getattr(self, f.name) for f in fields(self)}
        record["parents"] = list(self.parents)
        record["status"] = self.status.value
        record["usage"] = {
            "prompt": self.usage.prompt,
            "cached": self.usage.cached,
            "completion": self.usage.completion,
        }
        return {name: value for name, value in record.items() if value is not None or name not in _OPTIONAL}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Chain":
        """The chain of a record. Raises `UsageError` if it is not one."""
        try:
            known = {f.name: record[f.name] for f in fields(cls) if f.name in record}
            known["parents"] = tuple(known["parents"])
            known["status"] = Status(known["status"])
            known["usage"] = Usage(**known["usage"])
            chain = cls(**known)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"not a chain record: {error!r}") from error
        whole_numbers = (chain.repeat, chain.step, chain.slot, chain.seed, chain.attempts)
        if not all(isinstance(number, int) for number in whole_numbers) or not isinstance(chain.text, str):
            raise UsageError("not a chain record: a number or the text is of another type")
        if not isinstance(chain.overflow, dict | None):
            raise UsageError("not a chain record: overflow is not an object")
        return chain
