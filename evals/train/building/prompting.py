"""The two prompts of a training set: the plain question, and the question with candidates.

Both are what the engine sends: a plain prompt is that of step 1, an aggregation prompt that of step 2 of
`rsa(n=N,k=K,steps=2)` under the same seed, with the same draws, order and compaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evals.problems import Problem
from evals.train.building.config import BuildConfig
from rsa.chain import Chain
from rsa.compaction import COMPACTIONS
from rsa.endpoint import Messages
from rsa.generation import prompt_text
from rsa.ordering import ordered
from rsa.plan import PlannedChain, Role
from rsa.prompts import Prompts
from rsa.strategies import RSA

__all__ = ["Prompting"]


@dataclass(frozen=True, slots=True)
class Prompting:
    """How prompts are made, the same for a whole training set."""

    prompts: Prompts
    strategy: RSA
    seed: int = 0
    order: str = "draw"
    compaction: str = "answer"
    system: str | None = None

    @classmethod
    def of(cls, config: BuildConfig) -> "Prompting":
        """That of a configuration. Raises `UsageError` for prompts that are not there."""
        strategy = RSA(config.n, config.k, steps=2)
        system = config.sampling.system
        return cls(Prompts(config.prompts), strategy, config.seed, config.candidate_order, config.compaction, system)

    def draws(self, problem: str) -> tuple[PlannedChain, ...]:
        """Which candidates each of the N aggregation prompts of a problem reads."""
        return ordered(self.strategy.plan(self.seed, problem), self.order).populations[1]

    def shown(self, draw: PlannedChain, candidates: Mapping[int, Chain]) -> tuple[int, ...]:
        """The slots of the candidates of a draw in prompt order; for a missing one the next in line stands in.

        Empty where there are not k of them: the engine would show fewer, but a training set has one K.
        """
        living = [slot for slot in draw.line if slot in candidates]
        return draw.in_prompt_order(living[: draw.wanted]) if len(living) >= draw.wanted else ()

    def text(self, chain: Chain) -> str:
        """What of a candidate a prompt shows."""
        return COMPACTIONS[self.compaction](chain.text, chain.reasoning)

    def plain(self, problem: Problem) -> Messages:
        """The prompt of the plain question."""
        return problem.asked(self.system).asked(problem.question)

    def aggregation(self, problem: Problem, candidates: Sequence[str]) -> Messages:
        """The prompt of the question with candidates."""
        question = problem.asked(self.system)
        return question.asked(prompt_text(self.prompts, question, Role.AGGREGATE, candidates))
