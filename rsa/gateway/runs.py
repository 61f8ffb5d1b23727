"""The lineage of answers, kept for a while: every chain with its text and its parents."""

import json
import secrets
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from rsa.chain import Chain, Usage
from rsa.demand import answering, needed
from rsa.endpoint import Message, Sampling
from rsa.gateway import config
from rsa.gateway.asks import Ask
from rsa.gateway.problems import without_addresses
from rsa.plan import Place
from rsa.selection import accepts

__all__ = ["Run", "Runs"]

_TURN, _PLANNED, _CHAIN, _POINTER = 300, 200, 1000, 8  # bytes of memory, besides texts


@dataclass(slots=True)
class Run:
    """One question at work, or answered.

    `owner` is whose key asked, `chains` are in the order in which they were finished, `under_way` are the places of those
    that are being made, `chosen` those of the chains that answered. `answering` are the slots of the last population in the
    order in which they stand in line to answer, where only what they descend from is made; None where every chain is.
    `stopped` says why the work ended early, `note` what else is to be known of the answers, and `size` is about how many
    bytes of memory its question, plan and chains take.
    """

    ask: Ask
    owner: str
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    created: float = field(default_factory=time.time)
    status: str = "running"
    chains: list[Chain] = field(default_factory=list)
    under_way: set[Place] = field(default_factory=set)
    chosen: tuple[Place, ...] = ()
    stopped: str | None = None
    note: str | None = None
    error: str | None = None
    size: int = field(init=False)
    answering: tuple[int, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        ask, plan = self.ask, self.ask.plan
        self.answering = answering(plan, "answer" if ask.choices == 1 else "population", ask.select)
        turns = sum(_TURN + _size(json.dumps(message, ensure_ascii=False)) for message in self._messages)
        self.size = turns + sum(_PLANNED + _POINTER * len(chain.line) for chain in plan)

    @property
    def path(self) -> str:
        """Where it can be fetched."""
        return f"/v1/rsa/runs/{self.id}"

    @property
    def headers(self) -> dict[str, str]:
        """What a reply's headers say of it."""
        plan = self.ask.plan
        headers = {"X-RSA-Plan": self.ask.label, "X-RSA-Seed": str(plan.seed), "X-RSA-Run": self.id}
        return {**headers, "X-RSA-Note": self.note} if self.note else headers

    @property
    def _messages(self) -> tuple[Message, ...]:
        return (*self.ask.question.before, {"role": "user", "content": self.ask.question.text})

    def add(self, chain: Chain) -> None:
        """Take a chain that is finished."""
        self.chains.append(chain)
        self.size += _CHAIN + sum(map(_size, (chain.text, chain.reasoning, chain.error)))

    def end(self) -> None:
        """Let go of what only its calls needed, which may be as long as a body."""
        if self.status == "running":
            self.status = "cancelled"
        self.ask = replace(self.ask, sampling=Sampling(), last={})

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
        if self.note:
            told["note"] = self.note
        return {**told, "stopped": self.stopped} if self.stopped else told

    def states(self) -> list[list[str]]:
        """How each chain of the plan is, by population and slot.

        `unneeded` (no chain that may answer descends from it), `waiting` (of a run that has ended: never made), `running`,
        or how it ended: `ok`, `truncated`, `dead`.
        """
        made = {chain.place: chain for chain in self.chains}
        dead = {place for place, chain in made.items() if chain.dead}
        plan = self.ask.plan
        wanted = {chain.place for chain in plan} if self.answering is None else needed(plan, self.answering, dead)

        def state(place: Place) -> str:
            if chain := made.get(place):
                return chain.status.value
            if place in self.under_way:
                return "running"
            return "waiting" if place in wanted else "unneeded"

        return [[state(chain.place) for chain in population] for population in plan.populations]

    def record(self, after: int | None = None) -> dict[str, Any]:
        """All of it, as `/v1/rsa/runs/ID` gives it.

        With `after`, only what may have changed for a reader who has that many chains: those that were finished later, in
        that order, and neither the messages nor the plan.
        """
        told = {
            "object": "rsa.run",
            "id": self.id,
            "created": int(self.created),
            "status": self.status,
            "error": self.error,
            "model": self.ask.model,
            **self.told(),
            "usage": self.usage(),
            "states": self.states(),
        }
        if after is not None:
            return {**told, "chains": [self._told(chain) for chain in self.chains[after:]]}
        ordered = sorted(self.chains, key=lambda chain: chain.place)
        return {**told, **self._planned(), "chains": [self._told(chain) for chain in ordered]}

    def _planned(self) -> dict[str, Any]:
        """What was fixed before the first chain. `parents` are those by population and slot if no chain dies."""
        populations = self.ask.plan.populations
        return {
            "kind": self.ask.question.kind.name,
            "messages": [dict(message) for message in self._messages],
            "populations": [len(population) for population in populations],
            "roles": [population[0].role.value for population in populations],
            "parents": [[list(chain.parents) for chain in population] for population in populations],
        }

    def _told(self, chain: Chain) -> dict[str, Any]:
        """A chain with its answer and the text under which that votes; a judging one with whether it accepts."""
        record = chain.to_record()
        if chain.error:
            record["error"] = without_addresses(chain.error)
        if chain.step in self.ask.plan.judging_steps:
            return {**record, "accepts": not chain.dead and accepts(chain.text)}
        kind = self.ask.question.kind
        answer = None if chain.dead else kind.extract(chain.text)
        return {**record, "answer": answer, "vote": None if answer is None else kind.equivalence.key(answer)}


def _size(text: str | None) -> int:
    return sys.getsizeof(text) if text else 0


class Runs:
    """The latest runs: no more than a number and a size together, none for longer than so many seconds after its beginning
    or end. The oldest go first, and be they still at work: that only means that they cannot be fetched.
    """

    def __init__(self, limits: config.Runs, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Run]] = OrderedDict()

    def keep(self, run: Run) -> None:
        """Keep a run from now on; where it is kept already, its time begins again."""
        self._kept[run.id] = (self._clock() + self._limits.seconds, run)
        self._kept.move_to_end(run.id)
        self._forget()

    def add(self, run: Run, chain: Chain) -> None:
        """Give a run a chain that is finished."""
        run.add(chain)
        self._forget()

    def find(self, name: str, owner: str) -> Run | None:
        """The run of that id, if this owner made it and it is still kept."""
        self._forget()
        _, run = self._kept.get(name, (0.0, None))
        return run if run is not None and run.owner == owner else None

    def _forget(self) -> None:
        now, size = self._clock(), sum(run.size for _, run in self._kept.values())
        while self._kept:
            ends, oldest = next(iter(self._kept.values()))
            if len(self._kept) <= self._limits.number and size <= self._limits.bytes and ends > now:
                return
            size -= oldest.size
            del self._kept[oldest.id]
