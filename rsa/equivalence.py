"""Which answers are the same, and which of them wins a vote.

Answers of one class vote together. Two answers are in one class if their keys are equal, if `same` says so of the two keys,
or if a chain of such pairs links them: the transitive closure makes an equivalence of any comparison, in whatever order the
answers come. A missing answer never votes.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ["AS_TEXT", "Ballot", "Equivalence", "vote"]


@dataclass(frozen=True, slots=True)
class Equivalence:
    """When answers of one problem are the same.

    `key` gives the form in which two spellings of one answer are the same text. `same`, if there is one, is asked about two
    different keys, once a pair, always in alphabetical order.
    """

    key: Callable[[str], str]
    same: Callable[[str, str], bool] | None = None

    def classes(self, answers: Iterable[str]) -> dict[str, str]:
        """Each answer with the name of its class: the alphabetically first key in it."""
        keys = {answer: self.key(answer) for answer in answers}
        named: dict[str, str] = {}
        for key in sorted(set(keys.values())):
            joined = {first for first in set(named.values()) if self._linked(key, first, named)}
            first = min(joined, default=key)
            named = {other: first if name in joined else name for other, name in named.items()}
            named[key] = first
        return {answer: named[key] for answer, key in keys.items()}

    def _linked(self, key: str, first: str, named: dict[str, str]) -> bool:
        """Whether a key is the same as any member of the class that `first` names."""
        if self.same is None:
            return False
        members = (other for other, name in named.items() if name == first)
        return any(self.same(other, key) for other in members)


AS_TEXT = Equivalence(str.strip)
"""The same text apart from white space around it: boards that differ in the order of their lines are different answers."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """One chain's voice. `finished` is false for a chain that was cut by the token limit."""

    slot: int
    answer: str | None
    finished: bool = True


def vote(ballots: Iterable[Ballot], equivalence: Equivalence) -> Ballot | None:
    """The ballot that speaks for the winning class; None if nobody gave an answer.

    The class with the most votes wins; among equals the one with more finished chains; then the one that the lowest slot
    voted for. Its most frequent key speaks for it, and of that the lowest slot.
    """
    cast = [(ballot.slot, ballot.answer, ballot) for ballot in ballots if ballot.answer is not None]
    cast.sort(key=lambda each: each[0])
    if not cast:
        return None
    classes = equivalence.classes(answer for _, answer, _ in cast)
    winner = _most_frequent((classes[answer], ballot) for _, answer, ballot in cast)
    ours = [(equivalence.key(answer), ballot) for _, answer, ballot in cast if classes[answer] == winner]
    key = _most_frequent(ours)
    return next(ballot for own, ballot in ours if own == key)


def _most_frequent(votes: Iterable[tuple[str, Ballot]]) -> str:
    """The choice with the most votes, then the most finished chains, then the lowest slot. `votes` come by slot."""
    counts: Counter[str] = Counter()
    finished: Counter[str] = Counter()
    for choice, ballot in votes:
        counts[choice] += 1
        finished[choice] += ballot.finished
    return max(counts, key=lambda choice: (counts[choice], finished[choice]))  # of equals the first inserted
