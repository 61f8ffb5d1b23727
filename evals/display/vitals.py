"""What the display asks a run for whenever it draws: the calls in flight, the state of the server, the budget."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from rsa.budget import Account
from rsa.endpoint import Client

__all__ = ["Spending", "Vitals", "vitals"]

_KINDS = ("tokens", "calls", "usd")


@dataclass(frozen=True, slots=True)
class Spending:
    """How much of one bound is spent, and was `before` the strategy began. `kind` is tokens, calls, usd or seconds."""

    kind: str
    spent: float
    bound: float
    before: float = 0.0

    @property
    def share(self) -> float:
        """The share that is spent."""
        return self.spent / self.bound

    def lasts(self, elapsed: float) -> float:
        """How many seconds more it lasts if it goes on as it did in the seconds elapsed since the strategy began."""
        spent = self.spent - self.before
        return max(0.0, self.bound - self.spent) * elapsed / spent if spent > 0 else math.inf


@dataclass(frozen=True, slots=True)
class Vitals:
    """A run at one moment. `waited` are the seconds for which the server was gone, `patience` those for which it may be."""

    in_flight: int = 0
    limit: int = 0
    retries: int = 0
    gone: bool = False
    waited: float = 0.0
    patience: float = 0.0
    stopping: bool = False
    budget: tuple[Spending, ...] = ()

    def since(self, before: "Vitals") -> "Vitals":
        """The same without what was counted before; an endpoint may serve several strategies, one after the other."""
        spent = {each.kind: each.spent for each in before.budget}
        budget = tuple(replace(each, before=spent.get(each.kind, 0.0)) for each in self.budget)
        return replace(self, retries=self.retries - before.retries, waited=self.waited - before.waited, budget=budget)


def vitals(client: Client, account: Account, stopping: Callable[[], bool]) -> Vitals:
    """The vitals at this moment of a run that uses this client and pays from this account."""
    return Vitals(
        client.gate.in_flight,
        client.gate.now,
        client.retries,
        client.gone,
        client.seconds_waited,
        client.endpoint.patience,
        stopping(),
        spendings(account),
    )


def spendings(account: Account) -> tuple[Spending, ...]:
    """What is spent of every bound of a budget."""
    budget = account.budget
    kinds = [Spending(kind, getattr(account.spent, kind), getattr(budget, kind)) for kind in _KINDS if getattr(budget, kind)]
    if budget.seconds:
        kinds.append(Spending("seconds", min(budget.seconds, budget.seconds - account.seconds_left), budget.seconds))
    return tuple(kinds)
