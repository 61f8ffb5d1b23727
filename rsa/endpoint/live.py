"""What a run needs of a model that is ready for calls, whatever is behind it."""

from typing import Protocol

from rsa.budget import UNBOUNDED, Purse
from rsa.endpoint.gate import Gate
from rsa.endpoint.types import Completion, Listener, Messages, Sampling
from rsa.errors import RSAError

__all__ = ["LiveClient"]


class LiveClient(Protocol):
    """A model that is ready: a server (`Client`) or a function (`CallableClient`). `gate` bounds the calls in flight."""

    @property
    def model(self) -> str:
        """The model's name, as it is recorded with its chains."""

    @property
    def gate(self) -> Gate:
        """How many calls may be in flight, and are."""

    async def complete(
        self,
        messages: Messages,
        sampling: Sampling,
        seed: int,
        purse: Purse = UNBOUNDED,
        listener: Listener | None = None,
        session: str | None = None,
    ) -> Completion:
        """One reply. `purse` pays every attempt, and `listener` is told the reply, in pieces where they are to be had.

        `session` names what the call belongs to, for a router between here and several servers.

        Raises `CallFailed` where only this call failed, `ContextOverflow` where its prompt is too long, `CallAbandoned` (or
        `BudgetSpent`) where it is not made. Whatever else it raises stops the run.
        """

    async def count_tokens(self, messages: Messages) -> int | None:
        """The length of a prompt in tokens; None where nobody can say."""

    def wind_down(self, reason: RSAError | None = None) -> None:
        """Send nothing further. Calls in flight go on; those that wait end with the reason, by default a `CallAbandoned`."""
