"""The budgets of a run: one account for all of it, one for each repeat of each problem, resumed from what is recorded."""

from collections.abc import Iterable

from evals.config import RunConfig
from evals.index import ChainIndex
from evals.stats import Group, busy_seconds
from rsa.budget import Account, Budget, Purse
from rsa.chain import Chain, Usage

__all__ = ["Accounts"]


class Accounts:
    """Who pays for the calls of a run. `max_tokens` is what a chain counts that its server did not count."""

    def __init__(self, config: RunConfig, index: ChainIndex, max_tokens: int) -> None:
        self._index = index
        self._max_tokens = max_tokens
        self._each = config.budget.problem.build(config.prices)
        self._problems: dict[Group, Account] = {}
        budget = config.budget.build(config.prices)
        recorded = () if budget.unlimited else (chain for group in index.groups for chain in index.outline(group).values())
        self.whole = _account("the run", budget, recorded, self._max_tokens)

    @property
    def over(self) -> bool:
        """Whether nothing further may be sent."""
        return self.whole.exhausted is not None or self.whole.seconds_left <= 0

    def purse(self, group: Group) -> Purse:
        """What pays the calls for one repeat of a problem."""
        if self._each.unlimited:
            return Purse([self.whole])
        if group not in self._problems:
            problem, repeat = group
            of = f"problem {problem}" + (f", repeat {repeat}" if repeat else "")
            self._problems[group] = _account(of, self._each, self._index.outline(group).values(), self._max_tokens)
        return Purse([self.whole, self._problems[group]])

    def told(self) -> str | None:
        """Why the run is short of chains, if a budget is the reason."""
        if self.over:
            return self.whole.exhausted or f"the budget of the run is spent: {self.whole.budget.seconds:g} seconds are over"
        spent = [account.exhausted for account in self._problems.values() if account.exhausted]
        return f"{len(spent)} problems have spent their budgets; one is: {spent[0]}" if spent else None


def _account(of: str, budget: Budget, recorded: Iterable[Chain], max_tokens: int) -> Account:
    if budget.unlimited:
        return Account(of, budget)
    chains = list(recorded)
    uncounted = sum(not chain.dead and chain.usage.completion is None for chain in chains)
    usage = Usage.total(chain.usage for chain in chains) + Usage(completion=uncounted * max_tokens)
    spent = budget.amount(usage, sum(chain.attempts for chain in chains))
    return Account(of, budget, spent, busy_seconds((chain.started, chain.ended) for chain in chains))
