"""How far a run is, in words: `step 2 of 3, 5 of 8 chains, 4 agree on 42`."""

from collections import Counter
from collections.abc import Iterable

from rsa.chain import Chain
from rsa.demand import needed
from rsa.kinds import Kind
from rsa.plan import Place, Plan

__all__ = ["Progress"]

_LONGEST_ANSWER = 60


class Progress:
    """Is told of chains as they are finished. `answering` is the line of those that may answer, None if all are made."""

    def __init__(self, plan: Plan, kind: Kind, answering: tuple[int, ...] | None) -> None:
        self._plan = plan
        self._kind = kind
        self._answering = answering
        self._made: dict[Place, Chain] = {}

    def add(self, chain: Chain) -> str:
        """Take a chain; what is to be said now."""
        self._made[chain.place] = chain
        wanted = self._wanted()
        open_steps = [step for step, slot in wanted if (step, slot) not in self._made]
        step = min(open_steps, default=self._plan.steps)
        members = [slot for at, slot in wanted if at == step]
        living = [made for made in self._made.values() if made.step == step]
        text = f"step {step} of {self._plan.steps}, {len(living)} of {len(members)} chains"
        return text + self._agreement(made for made in living if not made.dead)

    def _wanted(self) -> set[Place]:
        if self._answering is None:
            return {planned.place for planned in self._plan}
        return needed(self._plan, self._answering, {place for place, chain in self._made.items() if chain.dead})

    def _agreement(self, chains: Iterable[Chain]) -> str:
        found = (self._kind.extract(chain.text) for chain in chains)
        votes = Counter(self._kind.equivalence.key(answer) for answer in found if answer is not None)
        answer, count = max(votes.items(), key=lambda vote: vote[1], default=("", 0))
        shown = " ".join(answer.split())
        if count < 2 or len(shown) > _LONGEST_ANSWER:
            return ""
        return f", {count} agree on {shown}"
