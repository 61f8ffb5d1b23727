"""A finished run as a workload: the prompts, lengths and times that it recorded."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from evals.simulation.memory import Segment
from evals.simulation.replica import Call
from evals.simulation.workload import Length
from rsa.chain import Chain
from rsa.compaction import Compaction
from rsa.plan import Place, Plan, PlannedChain

__all__ = ["Entry", "Recorded"]

Group = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded chain: its tokens, the slots that it read, and its times in seconds since the epoch."""

    problem: str
    repeat: int
    step: int
    slot: int
    prompt: int
    length: Length
    parents: tuple[int, ...]
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """A workload with recorded lengths. Only plans of which every chain is recorded belong to it."""

    entries: Mapping[Group, Mapping[Place, Entry]]
    planned: Sequence[Plan] = field(repr=False)

    @classmethod
    def of_chains(cls, chains: Iterable[Chain], plans: Iterable[Plan], compaction: Compaction) -> "Recorded":
        """What the chains of a run say, in the order of their plans. Chains without token counts, that died or were taken
        over from another run are as if they were not there."""
        entries: defaultdict[Group, dict[Place, Entry]] = defaultdict(dict)
        for chain in chains:
            if entry := _entry(chain, compaction):
                entries[chain.problem, chain.repeat][chain.place] = entry
        whole = [plan for plan in plans if len(entries[plan.problem, plan.repeat]) == len(plan)]
        return cls({(plan.problem, plan.repeat): entries[plan.problem, plan.repeat] for plan in whole}, whole)

    def __iter__(self) -> Iterator[Entry]:
        """All entries in the order of their starts."""
        return iter(sorted((each for group in self.entries.values() for each in group.values()), key=lambda e: e.started))

    @property
    def seconds(self) -> float:
        """From the first start to the last end, without the time in which nothing was on its way."""
        took, until = 0.0, 0.0
        for entry in self:
            took += max(0.0, entry.ended - max(entry.started, until))
            until = max(until, entry.ended)
        return took

    def plans(self) -> Iterator[Plan]:
        """The plans."""
        return iter(self.planned)

    def of(self, plan: Plan) -> Callable[[PlannedChain, Sequence[int]], Call]:
        """What makes the calls of one plan, from a chain and the slots that it reads."""
        entries = self.entries[plan.problem, plan.repeat]
        return lambda chain, parents: self._call(entries[chain.place], parents)

    def call(self, entry: Entry) -> Call:
        """The call that a chain was."""
        return self._call(entry, entry.parents)

    def lengths(self) -> dict[str, dict[int, list[Length]]]:
        """The lengths by problem and step."""
        found: defaultdict[str, defaultdict[int, list[Length]]] = defaultdict(lambda: defaultdict(list))
        for entry in self:
            found[entry.problem][entry.step].append(entry.length)
        return {problem: dict(steps) for problem, steps in found.items()}

    def _call(self, entry: Entry, parents: Sequence[int]) -> Call:
        """Its parents' tokens as recorded, and in front of them what else its prompt had."""
        group = self.entries[entry.problem, entry.repeat]
        shown = [group[entry.step - 1, slot].length.shown for slot in parents]
        first = Segment((entry.problem, len(shown)), max(1, entry.prompt - sum(shown)))
        parts = [
            Segment((entry.problem, entry.repeat, entry.step, *parents[:number]), tokens)
            for number, tokens in enumerate(shown, 1)
        ]
        return Call((first, *parts), entry.length.new, (entry.problem, entry.repeat))


def _entry(chain: Chain, compaction: Compaction) -> Entry | None:
    prompt, new = chain.usage.prompt, chain.usage.completion
    if chain.dead or chain.origin is not None or not prompt or not new:
        return None
    written = len(chain.text) + len(chain.reasoning or "")
    share = len(compaction(chain.text, chain.reasoning)) / written if written else 0.0
    length = Length(new, round(new * min(1.0, share)))
    return Entry(
        chain.problem, chain.repeat, chain.step, chain.slot, prompt, length, chain.parents, chain.started, chain.ended
    )
