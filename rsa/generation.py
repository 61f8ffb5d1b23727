"""From a chain's place in the plan to its text: render the prompt, check that it fits, call the model.

This is what the scheduler calls for each chain. A failed call becomes a dead chain here; what stops the whole run passes.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rsa.chain import Chain, Status, Usage
from rsa.compaction import Compaction
from rsa.endpoint import Client, Completion, Message, Messages, Sampling
from rsa.errors import CallFailed, ContextOverflow
from rsa.kinds import Kind
from rsa.plan import Plan, PlannedChain, Role
from rsa.prompts import Prompts
from rsa.tokens import TokenCounter, surely_fits

__all__ = ["Generation", "Question", "prompt_sha256", "template_for"]


@dataclass(frozen=True, slots=True)
class Question:
    """One problem as the model sees it. `before` are messages that stand before the question, such as a system message."""

    text: str
    kind: Kind
    before: tuple[Message, ...] = ()


def prompt_sha256(messages: Messages) -> str:
    """The identity of a prompt: SHA-256 of its messages as canonical JSON."""
    canonical = json.dumps(
        [dict(message) for message in messages], ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode("utf-8", errors="surrogatepass")).hexdigest()


def template_for(role: Role, candidates: int) -> str:
    """The prompt file for a chain that reads so many candidates."""
    return "verify" if role is Role.VERIFY else "aggregate" if candidates > 1 else "refine"


@dataclass(frozen=True, slots=True)
class Generation:
    """Everything that turns a planned chain into a finished one, the same for all chains of a run."""

    client: Client
    prompts: Prompts
    sampling: Sampling
    compaction: Compaction
    strategy: str
    context: int | None = None
    counter: TokenCounter | None = None

    def messages(self, question: Question, planned: PlannedChain, parents: Sequence[Chain]) -> Messages:
        """The prompt of a chain: the plain question, or the question with its parents as candidates."""
        text = question.text
        if planned.role is not Role.SAMPLE:
            template = template_for(planned.role, len(parents))
            candidates = [self.compaction(parent.text, parent.reasoning) for parent in parents]
            text = self.prompts.render(template, text, candidates, question.kind)
        return (*question.before, {"role": "user", "content": text})

    async def __call__(self, question: Question, plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain:
        """The finished chain, dead if its call failed for good or if all its parents are dead."""
        started = time.time()
        seed = plan.key(planned.step, planned.slot, "generate").request_seed()
        slots = tuple(parent.slot for parent in parents)

        def finished(completion: Completion, status: Status, sha256: str, error: str | None = None) -> Chain:
            return Chain(
                problem=plan.problem,
                repeat=plan.repeat,
                strategy=self.strategy,
                step=planned.step,
                slot=planned.slot,
                parents=slots,
                model=completion.model or self.client.endpoint.model or "",
                seed=completion.seed,
                prompt_sha256=sha256,
                text=completion.text,
                finish_reason=completion.finish_reason,
                status=status,
                usage=completion.usage,
                started=started,
                ended=time.time(),
                attempts=completion.attempts,
                reasoning=completion.reasoning,
                error=error,
            )

        def dead(sha256: str, error: CallFailed) -> Chain:
            nothing = Completion("", "error", None, error.usage or Usage(), seed=seed, attempts=error.attempts)
            return finished(nothing, Status.DEAD, sha256, str(error))

        if planned.role is not Role.SAMPLE and not parents:
            return dead("", CallFailed("all chains that it could have read are dead"))
        messages = self.messages(question, planned, parents)
        sha256 = prompt_sha256(messages)
        try:
            await self._check_fit(messages)
            completion = await self.client.complete(messages, self.sampling, seed)
        except CallFailed as error:
            return dead(sha256, error)
        status = Status.TRUNCATED if completion.finish_reason == "length" else Status.OK
        return finished(completion, status, sha256)

    async def _check_fit(self, messages: Messages) -> None:
        room = None if self.context is None else self.context - (self.sampling.max_tokens or 0)
        if room is None or self.counter is None or surely_fits(messages, room):
            return
        count = await self.counter(messages)
        if count is not None and count > room:
            raise ContextOverflow(
                f"the prompt has {count} tokens and may be answered with {self.sampling.max_tokens} more, but the context "
                f"window holds {self.context}: lower max_tokens or k, or serve the model with a longer context"
            )
