"""The policy as an endpoint of our engine, and what an RSA evaluation says of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import rsa
from evals.train.training.data import TrainingRow
from rsa.endpoint import CallableEndpoint, Completion
from rsa.errors import CallFailed

__all__ = ["Evaluation", "Policy", "Reply", "Sampler"]

_BLANKS = 3  # how often a blank reply is asked for again, as rsa-eval does
_NO_LIMIT = 1e9  # seconds: a batch takes as long as it takes, and no reply of it may be thrown away for that


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of the policy; `whole` unless it was cut at the token limit."""

    text: str
    whole: bool


Sampler = Callable[[Sequence[list[dict[str, str]]]], list[Reply]]
"""Samples one reply to each of many conversations. Blocks."""


class Policy:
    """A sampler as an async function of the kind that `rsa.run` takes. Calls that come together are answered together.

    Temperature, length and seed are the sampler's own. It blocks the event loop, in which nothing else goes on.
    """

    def __init__(self, sample: Sampler) -> None:
        self._sample = sample
        self._waiting: list[list[dict[str, str]]] = []
        self._answering: asyncio.Task[list[Reply]] | None = None

    async def __call__(self, messages: list[dict[str, str]], sampling: rsa.Sampling) -> Completion:  # noqa: ARG002
        """A reply that is not blank. Raises `CallFailed` where the policy gives none, and what the sampler raises."""
        for _ in range(_BLANKS):
            reply = await self._reply(messages)
            if reply.text.strip():
                return Completion(reply.text, "stop" if reply.whole else "length")
        raise CallFailed(f"the policy gave {_BLANKS} blank replies")

    async def _reply(self, messages: list[dict[str, str]]) -> Reply:
        place = len(self._waiting)
        self._waiting.append(messages)
        if self._answering is None or place == 0:
            self._answering = asyncio.ensure_future(self._answers())
        return (await self._answering)[place]

    async def _answers(self) -> list[Reply]:
        """The replies to all calls that wait, once no further one joins them."""
        seen = 0
        while seen < len(self._waiting):
            seen = len(self._waiting)
            for _ in range(8):  # more turns of the loop than there are between a reply and the calls that read it
                await asyncio.sleep(0)
        asked, self._waiting = self._waiting, []
        return self._sample(asked)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well a policy does with a strategy on some problems, by the verdicts of the training's own reward."""

    rows: Sequence[TrainingRow]
    strategy: rsa.Strategy
    prompts: str
    compaction: str
    seed: int
    at_a_time: int
    reward: Callable[[Sequence[str], Sequence[str]], Sequence[float | None]]

    def of(self, sample: Sampler) -> dict[str, float]:
        """Accuracy (mean over the population) and coverage (any member right) of the first and the last step.

        Chains that died and verdicts that could not be had count neither as right nor as wrong.
        """
        results = asyncio.run(self._results(sample))
        steps = len(self.strategy.plan(self.seed, "").populations)
        metrics: dict[str, float] = {}
        for step in sorted({1, steps}):
            members = [[c for c in result if c.step == step and not c.dead] for result in results]
            metrics |= self._metrics(members, step)
        return metrics

    async def _results(self, sample: Sampler) -> list[tuple[rsa.Chain, ...]]:
        """The chains of every row, in their order; none where the question failed. Kinds are asked one after the other."""
        policy = CallableEndpoint(Policy(sample), model="policy", max_concurrency=self.at_a_time, timeout=_NO_LIMIT)
        found: dict[int, tuple[rsa.Chain, ...]] = {}
        for kind in {row.question.kind.name: row.question.kind for row in self.rows}.values():
            mine = [place for place, row in enumerate(self.rows) if row.question.kind is kind]
            asked = [self.rows[place].question.asked(self.rows[place].question.text) for place in mine]
            results = await rsa.arun(
                asked,
                policy,
                self.strategy,
                seed=self.seed,
                kind=kind,
                need="population",
                prompts=self.prompts,
                compaction=self.compaction,
            )
            chains = (result.chains if isinstance(result, rsa.Result) else () for result in results)
            found |= dict(zip(mine, chains, strict=True))
        return [found[place] for place in range(len(self.rows))]

    def _metrics(self, members: Sequence[Sequence[rsa.Chain]], step: int) -> dict[str, float]:
        truths = [row.truth for row, chains in zip(self.rows, members, strict=True) for _ in chains]
        verdicts = iter(self.reward(truths, [chain.text for chains in members for chain in chains]))
        judged = [[v for _ in chains if (v := next(verdicts)) is not None] for chains in members]
        known = [each for each in judged if each]
        if not known:
            return {}
        return {
            f"accuracy_step_{step}": fmean(fmean(each) for each in known),
            f"coverage_step_{step}": fmean(max(each) for each in known),
        }
