"""The lineage of answers, kept for a while: every chain with its text and its parents."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rsa.chain import Chain, Usage
from rsa.gateway.asks import Ask
from rsa.plan import Place

__all__ = ["Run", "Runs"]


@dataclass(slots=True)
class Run:
    """One question at work, or answered. `owner` is whose key asked; `chosen` are the places of the chains that answered."""

    ask: Ask
    owner: str
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    created: float = field(default_factory=time.time)
    status: str = "running"
    chains: list[Chain] = field(default_factory=list)
    chosen: tuple[Place, ...] = ()
    stopped: str | None = None
    error: str | None = None

    @property
    def path(self) -> str:
        """Where it can be fetched."""
        return f"/v1/rsa/runs/{self.id}"

    @property
    def headers(self) -> dict[str, str]:
        """What a reply's headers say of it."""
        plan = self.ask.plan
        return {"X-RSA-Plan": self.ask.label, "X-RSA-Seed": str(plan.seed), "X-RSA-Run": self.id}

    def usage(self) -> dict[str, Any]:
        """What all its chains took, as a reply tells it. Tokens that the server did not count are 0 and not `counted`."""
        total = Usage.total(chain.usage for chain in self.chains)
        prompt, completion = total.prompt or 0, total.completion or 0
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": total.cached or 0},
            "rsa_details": {
                "calls": sum(chain.attempts for chain in self.chains),
                "chains": len(self.chains),
                "dead_chains": sum(chain.dead for chain in self.chains),
                "counted": all(chain.usage.completion is not None for chain in self.chains if not chain.dead),
            },
        }

    def told(self) -> dict[str, Any]:
        """The `rsa` field of a reply."""
        told = {
            "run": self.id,
            "lineage": self.path,
            "plan": self.ask.label,
            "seed": self.ask.plan.seed,
            "select": self.ask.select,
            "chosen": [list(place) for place in self.chosen],
        }
        return {**told, "stopped": self.stopped} if self.stopped else told

    def record(self) -> dict[str, Any]:
        """All of it, as `/v1/rsa/runs/ID` gives it."""
        messages = [*self.ask.question.before, {"role": "user", "content": self.ask.question.text}]
        return {
            "object": "rsa.run",
            "id": self.id,
            "created": int(self.created),
            "status": self.status,
            "error": self.error,
            "model": self.ask.model,
            **self.told(),
            "kind": self.ask.question.kind.name,
            "messages": [dict(message) for message in messages],
            "populations": [len(population) for population in self.ask.plan.populations],
            "usage": self.usage(),
            "chains": [chain.to_record() for chain in sorted(self.chains, key=lambda chain: chain.place)],
        }


class Runs:
    """The latest runs, no more than a number and none for longer than so many seconds after its beginning or end."""

    def __init__(self, seconds: float, number: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._number = number
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Run]] = OrderedDict()

    def keep(self, run: Run) -> None:
        """Keep a run from now on; where it is kept already, its time begins again."""
        self._kept[run.id] = (self._clock() + self._seconds, run)
        self._kept.move_to_end(run.id)
        self._forget()

    def find(self, name: str, owner: str) -> Run | None:
        """The run of that id, if this owner made it and it is still kept."""
        self._forget()
        _, run = self._kept.get(name, (0.0, None))
        return run if run is not None and run.owner == owner else None

    def _forget(self) -> None:
        now = self._clock()
        while self._kept:
            oldest = next(iter(self._kept))
            if len(self._kept) <= self._number and self._kept[oldest][0] > now:
                return
            del self._kept[oldest]
