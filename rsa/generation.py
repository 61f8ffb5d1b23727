"""From a chain's place in the plan to its text: render the prompt, see that it fits, call the model.

This is what the scheduler calls for each chain. A failed call becomes a dead chain here; what stops the whole run passes.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from rsa.budget import UNBOUNDED, Purse
from rsa.chain import Chain, Status
from rsa.compaction import Compaction
from rsa.delivery import Delivery, Expense
from rsa.encoding import json_bytes
from rsa.endpoint import Completion, Listener, LiveClient, Message, Messages, Sampling
from rsa.errors import CallFailed
from rsa.kinds import Kind
from rsa.overflow import Draft, Fitted, shown
from rsa.plan import Plan, PlannedChain, Role
from rsa.prompts import Prompts
from rsa.shared import Shared
from rsa.tokens import TokenCounter

__all__ = ["Generation", "Question", "prompt_sha256", "prompt_text", "template_for"]

_MOST_SUMMARIES = 512  # more than the candidates of the problems that are usually open


@dataclass(frozen=True, slots=True)
class Question:
    """One problem as the model sees it. `before` are messages that stand before the question, such as a system message."""

    text: str
    kind: Kind
    before: tuple[Message, ...] = ()

    def asked(self, text: str) -> Messages:
        """The conversation that ends with this text, in the place of the question."""
        return (*self.before, {"role": "user", "content": text})


def prompt_sha256(messages: Messages) -> str:
    """The identity of a prompt: SHA-256 of its messages as canonical JSON."""
    return hashlib.sha256(json_bytes(_in_order(messages), "surrogatepass")).hexdigest()


def _in_order(value: Any) -> Any:
    """A JSON value with the keys of its objects sorted."""
    if isinstance(value, Mapping):
        return {key: _in_order(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_in_order(each) for each in value]
    return value


def template_for(role: Role, candidates: int) -> str:
    """The prompt file for a chain that reads so many candidates."""
    return "verify" if role is Role.VERIFY else "aggregate" if candidates > 1 else "refine"


def prompt_text(prompts: Prompts, question: Question, role: Role, candidates: Sequence[str]) -> str:
    """What the user's turn says in the prompt of a chain: the plain question, or it with candidates."""
    if role is Role.SAMPLE:
        return question.text
    return prompts.render(template_for(role, len(candidates)), question.text, candidates, question.kind)


@dataclass(frozen=True, slots=True)
class Generation:
    """Everything that turns a planned chain into a finished one, the same for all chains of a run.

    `on_overflow` names the rule of `rsa.overflow.OVERFLOWS` for prompts that are too long for the context window. `own` are
    fields of the requests for chains, and not of those for summaries. `on_failure` is told why a chain is dead.
    """

    client: LiveClient
    prompts: Prompts
    sampling: Sampling
    compaction: Compaction
    strategy: str
    context: int | None = None
    counter: TokenCounter | None = None
    on_overflow: str = "fail"
    own: Mapping[str, Any] = field(default_factory=dict)
    on_failure: Callable[[PlannedChain, CallFailed], None] = lambda _, __: None
    _summaries: Shared[tuple[Any, ...], str | None] = field(
        default_factory=lambda: Shared(_MOST_SUMMARIES), init=False, repr=False, compare=False
    )

    def messages(
        self,
        question: Question,
        planned: PlannedChain,
        parents: Sequence[Chain],
        overflow: Mapping[str, Any] | None = None,
    ) -> Messages:
        """The prompt of a chain: the plain question, or the question with its parents as candidates.

        With the parents and the `overflow` that a chain records it is the prompt that was sent.
        """
        return self._written(question, planned.role, shown(self._candidates(parents), overflow))

    async def __call__(
        self,
        question: Question,
        plan: Plan,
        planned: PlannedChain,
        parents: Sequence[Chain],
        purse: Purse = UNBOUNDED,
        listener: Listener | None = None,
    ) -> Chain:
        """The finished chain, dead if its call failed for good or if all its parents are dead.

        `purse` pays its calls, and `listener` is told its text while it is written.
        """
        chain, expense = self._unmade(plan, planned, parents), Expense(purse)
        if planned.role is not Role.SAMPLE and not parents:
            return replace(chain, ended=time.time(), error="all chains that it could have read are dead")

        async def condense(index: int) -> str | None:
            parent = parents[index]
            name = (plan.problem, plan.repeat, *parent.place)
            return await self._summaries.get(name, partial(self._summary, question, plan, parent, expense))

        draft = Draft(self._candidates(parents), partial(self._written, question, planned.role), condense)
        try:
            deliver = self._delivery(plan.session(planned.step), self.own)
            fitted, completion = await deliver(draft, self.on_overflow, chain.seed, expense, listener)
        except CallFailed as error:
            self.on_failure(planned, error)
            sha256 = prompt_sha256(draft.write(draft.candidates))
            made = replace(chain, prompt_sha256=sha256, error=str(error))
        else:
            made = _finished(chain, fitted, completion)
        return replace(made, ended=time.time(), attempts=expense.attempts, usage=expense.usage)

    def _unmade(self, plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain:
        """The chain as it is if nothing comes of it."""
        return Chain(
            problem=plan.problem,
            repeat=plan.repeat,
            strategy=self.strategy,
            step=planned.step,
            slot=planned.slot,
            parents=tuple(parent.slot for parent in parents),
            model=self.client.model,
            seed=plan.key(planned.step, planned.slot, "generate").request_seed(),
            prompt_sha256="",
            text="",
            finish_reason="error",
            status=Status.DEAD,
            started=time.time(),
        )

    async def _summary(self, question: Question, plan: Plan, parent: Chain, expense: Expense) -> str | None:
        """A candidate in the model's own shorter words; blank where they were cut off, None where the call failed."""

        def write(candidates: Sequence[str]) -> Messages:
            return question.asked(self.prompts.render("summarize", question.text, candidates, question.kind))

        seed = plan.key(parent.step, parent.slot, "summarize").request_seed()
        deliver = self._delivery(plan.session(parent.step))
        try:
            _, completion = await deliver(Draft(self._candidates([parent]), write), "tail", seed, expense)
        except CallFailed:
            return None
        if completion.finish_reason == "length":
            return ""
        return self.compaction(completion.text, completion.reasoning).strip()

    def _candidates(self, parents: Sequence[Chain]) -> list[str]:
        return [self.compaction(parent.text, parent.reasoning) for parent in parents]

    def _written(self, question: Question, role: Role, candidates: Sequence[str]) -> Messages:
        return question.asked(prompt_text(self.prompts, question, role, candidates))

    def _delivery(self, session: str, own: Mapping[str, Any] = MappingProxyType({})) -> Delivery:
        sampling = replace(self.sampling, extra={**self.sampling.extra, **own}) if own else self.sampling
        return Delivery(self.client, sampling, self.context, self.counter, session)


def _finished(chain: Chain, fitted: Fitted, completion: Completion) -> Chain:
    """A chain with its reply to the prompt that was sent."""
    return replace(
        chain,
        parents=chain.parents[: fitted.shown],
        model=completion.model or chain.model,
        seed=completion.seed,
        prompt_sha256=prompt_sha256(fitted.messages),
        text=completion.text,
        finish_reason=completion.finish_reason,
        status=Status.TRUNCATED if completion.finish_reason == "length" else Status.OK,
        reasoning=completion.reasoning,
        overflow=fitted.overflow,
    )
