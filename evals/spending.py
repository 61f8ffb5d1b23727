"""The budgets of a run: one account for all of it, one for each repeat of each problem.

What was spent before is known from the recorded chains. Calls of which no chain came (given up, or of dead chains that were
taken back) are in `spending.json`, which a run with a budget writes when it ends; the larger sum of the two counts.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from evals.config import RunConfig
from evals.directory import write_whole
from evals.index import ChainIndex
from evals.stats import Group, busy_seconds
from rsa.budget import Account, Amount, Budget, Purse
from rsa.chain import Chain, Usage
from rsa.errors import UsageError

__all__ = ["Accounts"]

Owner = Group | None
"""Whose account it is: that of a repeat of a problem, or None for the run's."""


class Accounts:
    """Who pays for the calls of a run. `max_tokens` is what a chain counts that its server did not count."""

    def __init__(self, config: RunConfig, index: ChainIndex, max_tokens: int, path: Path) -> None:
        """Raises `UsageError` if the file at `path` is there and is not one of `spending.json`."""
        self._index = index
        self._max_tokens = max_tokens
        self._path = path
        self._before = _read(path)
        self._each = config.budget.problem.build(config.prices)
        self._problems: dict[Group, Account] = {}
        budget = config.budget.build(config.prices)
        recorded = () if budget.unlimited else (chain for group in index.groups for chain in index.outline(group).values())
        self.whole = self._account(None, "the run", budget, recorded)

    @property
    def over(self) -> bool:
        """Whether nothing further may be sent."""
        return self.whole.told() is not None

    def purse(self, group: Group) -> Purse:
        """What pays the calls for one repeat of a problem."""
        if self._each.unlimited:
            return Purse([self.whole])
        if group not in self._problems:
            problem, repeat = group
            of = f"problem {problem}" + (f", repeat {repeat}" if repeat else "")
            self._problems[group] = self._account(group, of, self._each, self._index.outline(group).values())
        return Purse([self.whole, self._problems[group]])

    def told(self) -> str | None:
        """Why the run is short of chains, if a budget is the reason."""
        if self.over:
            return self.whole.told()
        spent = [told for account in self._problems.values() if (told := account.told())]
        return f"{len(spent)} problems have spent their budgets; one is: {spent[0]}" if spent else None

    def save(self) -> None:
        """Write what was spent. Raises `Incomplete` if the disk does not take it."""
        accounts: list[tuple[Owner, Account]] = [(None, self.whole), *self._problems.items()]
        if all(account.budget.unlimited for _, account in accounts):
            return
        spent = self._before | {owner: account.spent for owner, account in accounts}
        rows = [{"owner": owner, **asdict(amount)} for owner, amount in spent.items()]
        write_whole(self._path, json.dumps(rows, indent=1) + "\n")

    def _account(self, owner: Owner, of: str, budget: Budget, recorded: Iterable[Chain]) -> Account:
        if budget.unlimited:
            return Account(of, budget)
        chains = list(recorded)
        uncounted = sum(not chain.dead and chain.usage.completion is None for chain in chains)
        usage = Usage.total(chain.usage for chain in chains) + Usage(completion=uncounted * self._max_tokens)
        spent = budget.amount(usage, sum(chain.attempts for chain in chains))
        before = self._before.get(owner, Amount())
        most = Amount(max(spent.tokens, before.tokens), max(spent.calls, before.calls), max(spent.usd, before.usd))
        return Account(of, budget, most, busy_seconds((chain.started, chain.ended) for chain in chains))


def _read(path: Path) -> dict[Owner, Amount]:
    if not path.is_file():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {
            tuple(row["owner"]) if row["owner"] else None: Amount(row["tokens"], row["calls"], row["usd"]) for row in rows
        }
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{path} cannot be read as what the run has spent ({error}): restore it, or remove it") from error
