"""Gets a prompt to the model: fitted to the context window before it is sent, and again if the server finds it too long."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from rsa.budget import Purse
from rsa.chain import Usage
from rsa.endpoint import Completion, Listener, LiveClient, Messages, Sampling, content_bytes
from rsa.errors import CallFailed, ContextOverflow
from rsa.overflow import Draft, Fitted, Room, Unfit, fit
from rsa.tokens import TokenCounter

__all__ = ["Delivery", "Expense"]

_MOST_REFUSALS = 8
_AFTER_REFUSAL = 0.75  # of a refused prompt, where it is not known how much is too much: a tenth of it after eight
_LONGER_CONTEXT = "or serve the model with a longer context"
_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "fail": f"lower max_tokens or k, set on_overflow, {_LONGER_CONTEXT}",
        "shrink_k": f"lower max_tokens, set on_overflow to tail or summarize, {_LONGER_CONTEXT}",
    }
)


@dataclass(slots=True)
class Expense:
    """What all calls for one chain took so far, and who pays them."""

    purse: Purse
    attempts: int = 0
    usage: Usage = field(default_factory=Usage)

    def add(self, attempts: int, usage: Usage | None) -> None:
        """Count a call that has ended, well or not."""
        self.attempts += attempts
        self.usage = self.usage + (usage or Usage())


@dataclass(frozen=True, slots=True)
class Delivery:
    """How prompts reach the model of a run. `context` is its window in tokens; it and `counter` may be unknown.

    `session` names what the calls belong to, for a router between here and several servers.
    """

    client: LiveClient
    sampling: Sampling
    context: int | None
    counter: TokenCounter | None
    session: str | None = None

    async def __call__(
        self, draft: Draft, rule: str, seed: int, expense: Expense, listener: Listener | None = None
    ) -> tuple[Fitted, Completion]:
        """The prompt that was sent in the end, and the reply to it. Every call is added to `expense`.

        Where the room is not known, or nobody counted, the server may refuse a prompt as too long; it is then shortened by
        the rule and sent again, a bounded number of times. Raises `ContextOverflow` if no prompt fits that the rule allows,
        and otherwise what `LiveClient.complete` raises.
        """
        fitted = await self._fitted(draft, rule)
        refusals = 0
        while True:
            try:
                completion = await self.client.complete(
                    fitted.messages, self.sampling, seed, expense.purse, listener, self.session
                )
            except CallFailed as error:
                expense.add(error.attempts, error.usage)
                refusals += 1
                if not isinstance(error, ContextOverflow):
                    raise
                fitted = await self._shorter(draft, rule, fitted.messages, error, refusals)
            else:
                expense.add(completion.attempts, completion.usage)
                return fitted, completion

    @property
    def _room(self) -> int | None:
        return None if self.context is None else self.context - (self.sampling.max_tokens or 0)

    async def _fitted(self, draft: Draft, rule: str) -> Fitted:
        if self._room is None or self.counter is None:
            return Fitted(draft.write(draft.candidates), len(draft.candidates))
        try:
            return await fit(rule, draft, Room(self._room, self.counter))
        except Unfit as unfit:
            shortened = f"shortened as far as {rule} goes, " if draft.candidates and rule != "fail" else ""
            raise ContextOverflow(
                f"{shortened}the prompt has {unfit.size} tokens and may be answered with {self.sampling.max_tokens} more, "
                f"but the context window holds {self.context}: {_advice(rule, draft)}"
            ) from None

    async def _shorter(self, draft: Draft, rule: str, refused: Messages, error: ContextOverflow, refusals: int) -> Fitted:
        """A shorter prompt than the one that the server refused. Raises the refusal if there is none to be tried."""
        final = ContextOverflow(f"{error}: {_advice(rule, draft)}", status=error.status)
        if rule == "fail" or not draft.candidates or refusals > _MOST_REFUSALS:
            raise final
        try:
            return await fit(rule, draft, await self._room_after(refused))
        except Unfit:
            raise final from None

    async def _room_after(self, refused: Messages) -> Room:
        """In tokens if they are counted now, else in bytes."""
        size = await self.counter(refused) if self.counter else None
        if size is None or self.counter is None:
            return Room(int(content_bytes(refused) * _AFTER_REFUSAL), _count_bytes)
        if self._room is not None and size > self._room:  # it could not be counted before
            return Room(self._room, self.counter)
        return Room(int(size * _AFTER_REFUSAL), self.counter)


async def _count_bytes(messages: Messages) -> int:
    return content_bytes(messages)


def _advice(rule: str, draft: Draft) -> str:
    return _ADVICE.get(rule if draft.candidates else "", f"lower max_tokens, {_LONGER_CONTEXT}")
