"""Numbers as the display words them, and the one line that stands for everything where there is no terminal."""

import math
from collections.abc import Sequence

from evals.display.left import seconds_left
from evals.display.progress import Progress, Step
from evals.display.vitals import Spending, Vitals, spendings
from rsa.budget import Account

__all__ = ["budget", "clock", "load", "rate", "retried", "spent", "state", "summed", "time_left"]

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def clock(seconds: float) -> str:
    """A duration as 0:05, 12:34, 1:02:03."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def about(seconds: float) -> str:
    """A duration as coarsely as an estimate deserves."""
    if seconds < 10:
        return "under 10 s"
    if seconds < 95:
        return f"about {round(seconds / 10) * 10} s"
    minutes = round(seconds / 60)
    if minutes < 95:
        return f"about {minutes} min"
    hours, minutes = divmod(round(seconds / 600) * 10, 60)
    if hours < 48:
        return f"about {hours} h {minutes} min" if minutes else f"about {hours} h"
    return f"about {round(seconds / 86400)} days"


def time_left(progress: Progress, vitals: Vitals, now: float) -> str | None:
    """How long the rest takes, or how long the budget lasts if that is shorter; None while that cannot be said."""
    if vitals.gone or vitals.stopping:
        return None
    seconds = seconds_left(progress, vitals, now)
    if seconds is None or seconds == 0:
        return None
    lasts = min((each.lasts(now - progress.began) for each in vitals.budget), default=math.inf)
    return f"{about(lasts)} until the budget is spent" if lasts < seconds else f"{about(seconds)} left"


def short(number: float) -> str:
    """A number in some six characters: 9,999, 12.3k, 4.57M."""
    for unit, letter in _UNITS:
        if number >= max(unit, 1e4):
            scaled = number / unit
            return f"{scaled:,.{max(0, 3 - len(str(int(scaled))))}f}{letter}"
    return f"{number:,.0f}"


def rate(progress: Progress, now: float) -> str | None:
    """New tokens a second of late."""
    rates = progress.rates(now)
    return f"{rates[0]:,.0f} tokens/s" if rates else None


def load(vitals: Vitals) -> str:
    """The calls in flight and how many there may be."""
    return f"{vitals.in_flight} of {vitals.limit} in flight"


def summed(whole: Step, vitals: Vitals) -> str | None:
    """What went wrong, if anything did."""
    parts = [retried(vitals)] if vitals.retries else []
    parts += [f"{count:,} {name}" for count, name in ((whole.truncated, "truncated"), (whole.dead, "dead")) if count]
    return ", ".join(parts) or None


def retried(vitals: Vitals) -> str:
    """How many attempts beyond their first calls made."""
    return f"{vitals.retries:,} {'retry' if vitals.retries == 1 else 'retries'}"


def state(vitals: Vitals, gone_for: float) -> str | None:
    """What keeps the run from going on, if anything does."""
    if vitals.stopping:
        return f"stopping, {vitals.in_flight} in flight"
    return f"server gone for {clock(gone_for)} of {clock(vitals.patience)}" if vitals.gone else None


def budget(kinds: Sequence[Spending]) -> str | None:
    """What is spent of each bound."""
    return "  ".join(_spent_of(each) for each in kinds) or None


def _spent_of(each: Spending) -> str:
    if each.kind == "usd":
        digits = 0 if each.bound >= 1000 else 2 if each.bound >= 1 else 4
        return f"${each.spent:,.{digits}f}/${each.bound:,.{digits}f}"
    if each.kind == "seconds":
        return f"{clock(each.spent)}/{clock(each.bound)}"
    return f"{short(each.spent)}/{short(each.bound)} {each.kind}"


def spent(account: Account) -> str | None:
    """What a run with a budget spent in all, in exact numbers; None where it has no budget."""
    if account.budget.unlimited:
        return None
    bounds = {each.kind: each for each in spendings(account)}
    parts = []
    for kind in ("tokens", "calls"):
        of = f" of {bounds[kind].bound:,}" if kind in bounds else ""
        parts.append(f"{getattr(account.spent, kind):,}{of} {kind}")
    if account.budget.prices:
        of = f" of ${account.budget.usd:,.4g}" if account.budget.usd else ""
        parts.append(f"${account.spent.usd:,.4f}{of}")
    if "seconds" in bounds:
        parts.append(f"{bounds['seconds'].spent:,.0f} of {bounds['seconds'].bound:,.0f} seconds")
    return f"Spent: {', '.join(parts)}"
