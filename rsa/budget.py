"""What a run, or one problem of it, may spend: tokens, calls, money, seconds.

A budget is hard. Before a call is sent its worst case (the prompt and all the new tokens that it may have) is reserved; when
it ends, the reservation is settled with what the server counted. A call whose worst case does not fit waits for those in
flight, which mostly take less; one that does not fit beside what is spent for good ends the budget. Time cannot be reserved:
after the last second no call is sent, and those in flight may end.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, fields

from rsa.chain import Usage
from rsa.errors import BudgetSpent, UsageError

__all__ = ["UNBOUNDED", "Account", "Amount", "Budget", "Prices", "Purse"]

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens. `cached` is for prompt tokens out of the server's cache, by default like the others."""

    prompt: float
    completion: float
    cached: float | None = None

    def __post_init__(self) -> None:
        if min(self.prompt, self.completion, self.cached or 0.0) < 0:
            raise UsageError("prices must not be negative")

    def of(self, usage: Usage) -> float:
        """What this usage costs in US dollars; what the server did not count costs nothing."""
        cached = usage.cached or 0
        price = self.prompt if self.cached is None else self.cached
        fresh = max(0, (usage.prompt or 0) - cached)
        return (fresh * self.prompt + cached * price + (usage.completion or 0) * self.completion) / _MILLION


@dataclass(frozen=True, slots=True)
class Amount:
    """Something spent. `tokens` are prompt and new tokens together, `calls` HTTP requests."""

    tokens: int = 0
    calls: int = 0
    usd: float = 0.0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.tokens + other.tokens, self.calls + other.calls, self.usd + other.usd)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.tokens - other.tokens, self.calls - other.calls, self.usd - other.usd)


@dataclass(frozen=True, slots=True)
class Budget:
    """Upper bounds; None does not bound. `usd` needs `prices`."""

    tokens: int | None = None
    calls: int | None = None
    usd: float | None = None
    seconds: float | None = None
    prices: Prices | None = None

    def __post_init__(self) -> None:
        for field in fields(self)[:4]:
            value = getattr(self, field.name)
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"a budget of {field.name} must be positive, not {value}")
            if field.name in ("tokens", "calls") and not isinstance(value, int | None):
                raise UsageError(f"a budget of {field.name} must be a whole number, not {value}")
        if self.usd is not None and self.prices is None:
            raise UsageError("a budget in usd needs the prices of the tokens: give them (prices.prompt, prices.completion)")

    @property
    def unlimited(self) -> bool:
        """Whether nothing is bounded."""
        return all(getattr(self, field.name) is None for field in fields(self)[:4])

    def amount(self, usage: Usage, calls: int) -> Amount:
        """What so many calls with this usage in all come to."""
        usd = self.prices.of(usage) if self.prices else 0.0
        return Amount((usage.prompt or 0) + (usage.completion or 0), calls, usd)

    def exceeded_by(self, amount: Amount) -> str | None:
        """The name of the first bound that an amount exceeds."""
        for name in ("tokens", "calls", "usd"):
            bound = getattr(self, name)
            if bound is not None and getattr(amount, name) > bound:
                return name
        return None


class Account:
    """A budget and what was spent of it. `of` says whose budget it is; `seconds` were spent before this moment."""

    def __init__(self, of: str, budget: Budget, spent: Amount | None = None, seconds: float = 0.0) -> None:
        self.of = of
        self.budget = budget
        self.spent = spent or Amount()
        self.exhausted: str | None = None
        self._reserved = Amount()
        self._deadline = math.inf if budget.seconds is None else time.monotonic() + budget.seconds - seconds
        self._settled = asyncio.Event()

    @property
    def seconds_left(self) -> float:
        """Seconds until the last call may be sent; infinite without a bound."""
        return self._deadline - time.monotonic()

    @contextmanager
    def deadline(self, act: Callable[[], None]) -> Iterator[None]:
        """Have a function called when the seconds are over, if that is within the block."""
        left = self.seconds_left
        timer = None if math.isinf(left) else asyncio.get_running_loop().call_later(max(0.0, left), act)
        try:
            yield
        finally:
            if timer:
                timer.cancel()

    def told(self) -> str | None:
        """Why nothing further may be sent; None if it may."""
        if self.exhausted is None and self.seconds_left <= 0:
            return f"the budget of {self.of} is spent: {self.budget.seconds:g} seconds are over"
        return self.exhausted

    def fits(self, worst: Amount) -> bool:
        """Whether a call may be sent now. Raises `BudgetSpent` if it may never be."""
        if self.seconds_left <= 0:
            self._spent(f"{self.budget.seconds:g} seconds are over")
        if not self.budget.exceeded_by(self.spent + self._reserved + worst):
            return True
        if name := self.budget.exceeded_by(self.spent + worst):  # what is spent never comes back
            used, bound, more = (_said(name, getattr(each, name)) for each in (self.spent, self.budget, worst))
            unit = "" if name == "usd" else f" {name}"
            self._spent(f"{used} of {bound}{unit} are used, and the next call may take {more}")
        return False

    def _spent(self, reason: str) -> None:
        self.exhausted = f"the budget of {self.of} is spent: {reason}"
        raise BudgetSpent(self.exhausted)

    def reserve(self, worst: Amount) -> None:
        """Set the worst case of a call aside."""
        self._reserved += worst

    def settle(self, worst: Amount, actual: Amount) -> None:
        """Book what a call took, and give back what it did not take."""
        self._reserved = self._reserved - worst if self._reserved.calls > 1 else Amount()  # cents must not pile up
        self.spent += actual
        self._settled.set()
        self._settled = asyncio.Event()

    async def change(self) -> None:
        """Wait until something is settled, or the time is over."""
        limit = self.seconds_left
        try:
            await asyncio.wait_for(self._settled.wait(), None if limit == math.inf else max(0.0, limit))
        except TimeoutError:
            return


def _said(name: str, amount: float) -> str:
    return f"${amount:,.4g}" if name == "usd" else f"{amount:,}"


class Bill:
    """What a call takes, as whoever makes it finds out: nothing as long as it is not sent.

    `usage` None says that it was answered by a server that does not count; it is then booked at its worst case.
    """

    def __init__(self) -> None:
        self.sent = False
        self.usage: Usage | None = Usage()


class Purse:
    """Pays the calls of one chain from one or more accounts, such as that of the run and that of the problem."""

    def __init__(self, accounts: Sequence[Account] = ()) -> None:
        self._accounts = [account for account in accounts if not account.budget.unlimited]

    @property
    def counts_tokens(self) -> bool:
        """Whether it matters how many tokens a call takes."""
        return any(account.budget.tokens or account.budget.usd for account in self._accounts)

    @asynccontextmanager
    async def call(self, prompt: int, completion: int) -> AsyncIterator[Bill]:
        """Pay one call of at most so many tokens. Raises `BudgetSpent` before it is sent if an account does not allow it."""
        worst = Usage(prompt, None, completion)
        accounts = [(account, account.budget.amount(worst, 1)) for account in self._accounts]
        while blocked := next((account for account, most in accounts if not account.fits(most)), None):
            await blocked.change()
        for account, most in accounts:
            account.reserve(most)
        bill = Bill()
        try:
            yield bill
        finally:
            for account, most in accounts:
                actual = most if bill.usage is None else account.budget.amount(bill.usage, int(bill.sent))
                account.settle(most, actual)


UNBOUNDED = Purse()
"""Pays everything and counts nothing."""
