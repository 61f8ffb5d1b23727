"""End-to-end rewards: a rollout is a whole small RSA tree, and what its last population achieves is credited to all of it.

The sequences for one problem stand side by side: tree after tree, and in a tree chain after chain, in the order of its plan.
With the same reward for all chains of a tree, the leave-one-out baseline over these sequences is that over trees but for a
constant factor, `chains * (trees - 1) / (chains * trees - 1)`, which acts like a slightly lower learning rate.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from rsa.compaction import Compaction
from rsa.generation import Question, prompt_text
from rsa.plan import Place, Plan, PlannedChain, Role
from rsa.prompts import Prompts
from rsa.strategies import RSA

__all__ = ["Forest", "Tree", "credited"]

Conversation = list[dict[str, str]]
ReplyT = TypeVar("ReplyT")


@dataclass(frozen=True, slots=True)
class Tree:
    """One rollout of a question: which chain reads which."""

    question: Question
    plan: Plan


@dataclass(frozen=True, slots=True)
class Forest:
    """Grows the trees of a batch together, a population at a time.

    As in the engine a chain reads what `compact` leaves of a candidate, and no blank ones; one that has nothing to read is
    asked the plain question.
    """

    strategy: RSA
    prompts: Prompts
    compact: Compaction
    seed: int

    def plant(self, questions: Sequence[Question], step: int) -> list[Tree]:
        """The trees of a batch of questions, in which each stands once for each of its trees; other draws at each step."""
        return [
            Tree(question, self.strategy.plan(self.seed, f"{question.text}#{number}", step))
            for number, question in enumerate(questions)
        ]

    def grow(
        self, trees: Sequence[Tree], ask: Callable[[list[Conversation]], Sequence[ReplyT]], text: Callable[[ReplyT], str]
    ) -> list[ReplyT]:
        """The replies of all chains, tree after tree. `ask` answers many conversations at a time."""
        grown: list[dict[Place, ReplyT]] = [{} for _ in trees]
        for step in range(1, self.strategy.steps + 1):
            wanted = list(self._population(trees, step))
            conversations = [self._asked(trees[number], planned, grown[number], text) for number, planned in wanted]
            for (number, planned), reply in zip(wanted, ask(conversations), strict=True):
                grown[number][planned.place] = reply
        return [made[planned.place] for tree, made in zip(trees, grown, strict=True) for planned in tree.plan]

    @staticmethod
    def _population(trees: Sequence[Tree], step: int) -> Iterator[tuple[int, PlannedChain]]:
        for number, tree in enumerate(trees):
            for planned in tree.plan.populations[step - 1]:
                yield number, planned

    def _asked(
        self, tree: Tree, planned: PlannedChain, made: dict[Place, ReplyT], text: Callable[[ReplyT], str]
    ) -> Conversation:
        written = [text(made[planned.step - 1, slot]) for slot in planned.parents]
        read = [self.compact(each, None) for each in written if each.strip()]
        role = planned.role if read else Role.SAMPLE
        return [dict(turn) for turn in tree.question.asked(prompt_text(self.prompts, tree.question, role, read))]


def credited(last: Sequence[float | None], strategy: RSA) -> list[float | None]:
    """The reward of every chain, from the verdicts on the last populations of the trees, one tree after the other.

    A verdict that could not be had does not count; where a tree has none at all its chains have no reward.
    """
    rewards: list[float | None] = []
    for start in range(0, len(last), strategy.n):
        known = [verdict for verdict in last[start : start + strategy.n] if verdict is not None]
        rewards += [fmean(known) if known else None] * (strategy.n * strategy.steps)
    return rewards
