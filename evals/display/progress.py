"""How far a strategy is: chains and populations by step, and tokens over time. Pure: time is told."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass

from evals.display.outset import Outset
from evals.scoring import Verdict
from evals.stats import Group
from rsa.chain import Chain, Status

__all__ = ["Progress", "Step"]

_RECENT_SECONDS = (30.0, 600.0)  # as long as a chain takes on average, within these bounds
_BUCKET_SECONDS = 0.5


@dataclass(slots=True)
class Step:
    """The chains of one step.

    `finished` of them were made since the strategy began here; `seconds` sums up what they took, `squares` its squares.
    """

    planned: int = 0
    populations: int = 0
    done: int = 0
    complete: int = 0
    judged: int = 0
    right: int = 0
    truncated: int = 0
    dead: int = 0
    finished: int = 0
    seconds: float = 0.0
    squares: float = 0.0

    @property
    def left(self) -> int:
        """Chains that are not done."""
        return self.planned - self.done

    @property
    def accuracy(self) -> float | None:
        """The share of right ones among the judged ones; None where none is judged."""
        return self.right / self.judged if self.judged else None

    @classmethod
    def total(cls, steps: Iterable["Step"]) -> "Step":
        """The sum of steps, without the verdicts: the accuracies of several steps have no sense together."""
        whole = cls()
        for step in steps:
            whole.planned += step.planned
            whole.populations += step.populations
            whole.done += step.done
            whole.complete += step.complete
            whole.truncated += step.truncated
            whole.dead += step.dead
            whole.finished += step.finished
            whole.seconds += step.seconds
            whole.squares += step.squares
        return whole


class Progress:
    """Counts what a strategy makes from `began` on. Chains that were recorded before are done, but say nothing of speed."""

    def __init__(self, outset: Outset, began: float) -> None:
        self.began = began
        self.tokens = 0
        self.uncounted = 0  # chains of whose tokens the server told nothing
        self.steps = {
            step: Step(size * outset.populations, outset.populations, judged=outset.judged.get(step, 0))
            for step, size in outset.sizes.items()
        }
        self.sizes = outset.sizes
        self.groups: dict[Group, Counter[int]] = {}  # that have chains: how many of each step
        self._recent: deque[tuple[float, int]] = deque()
        for number, step in self.steps.items():
            step.right = outset.right.get(number, 0)
        for (group, number), counts in outset.recorded.items():
            self._add(group, number, counts.total(), counts[Status.TRUNCATED], counts[Status.DEAD])

    def take(self, chain: Chain, now: float) -> None:
        """Take a chain that is finished now."""
        self._add((chain.problem, chain.repeat), chain.step, 1, chain.status is Status.TRUNCATED, chain.dead)
        step = self.steps[chain.step]
        step.finished += 1
        seconds = max(0.0, chain.ended - chain.started)
        step.seconds += seconds
        step.squares += seconds * seconds
        tokens = chain.usage.completion
        if tokens is None:
            self.uncounted += not chain.dead
            return
        self.tokens += tokens
        bucket = now - now % _BUCKET_SECONDS
        if self._recent and self._recent[-1][0] == bucket:
            tokens += self._recent.pop()[1]
        self._recent.append((bucket, tokens))
        while self._recent[0][0] < now - _RECENT_SECONDS[1]:
            self._recent.popleft()

    def judge(self, chain: Chain, verdict: Verdict) -> None:
        """Take a verdict on a chain."""
        step = self.steps[chain.step]
        step.judged += 1
        step.right += verdict.solved

    def _add(self, group: Group, number: int, chains: int, truncated: int, dead: int) -> None:
        step = self.steps[number]
        step.done += chains
        step.truncated += truncated
        step.dead += dead
        if group not in self.groups:
            self.groups[group] = Counter()
        done = self.groups[group]
        done[number] += chains
        step.complete += done[number] == self.sizes[number]

    def whole(self) -> Step:
        """All steps together."""
        return Step.total(self.steps.values())

    def rates(self, now: float) -> tuple[float, float] | None:
        """New tokens a second: of late, and on average since the beginning. None where they are not known.

        A reply's tokens are known when it ends, so of late is not shorter than a chain.
        """
        elapsed = now - self.began
        if elapsed <= 0 or not self.tokens:
            return None
        whole = self.whole()
        shortest, longest = _RECENT_SECONDS
        window = max(shortest, min(longest, whole.seconds / whole.finished))
        recent = sum(tokens for bucket, tokens in self._recent if bucket >= now - window)
        return recent / max(_BUCKET_SECONDS, min(window, elapsed)), self.tokens / elapsed
