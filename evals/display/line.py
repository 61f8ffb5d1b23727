"""Everything in one line, for where there is no terminal and for the end of a strategy."""

from evals.display.moment import Moment
from evals.display.progress import Progress, Step
from evals.display.words import clock, load, rate, state, summed, time_left

__all__ = ["line"]

_GAP = "  "


def line(moment: Moment, width: int, *, final: bool = False) -> str:
    """Where a strategy is at this moment. What does not fit into the width is left out, the least important first."""
    progress, vitals, now = moment.progress, moment.vitals, moment.now
    whole = progress.whole()
    number, step = _front(progress)
    right = "" if step.accuracy is None else f" {100 * step.accuracy:.1f} % right"
    spent = max((each.share for each in vitals.budget), default=None)
    facts = [  # in the order in which they are shown, each with how much it matters
        (9, clock(now - progress.began)),
        (8, f"step {number}: {step.done:,}/{step.planned:,}{right}"),
        (7, f"{whole.done:,}/{whole.planned:,} chains"),
        (1, f"{whole.complete:,}/{whole.populations:,} populations"),
        (5, _mean(progress, now) if final else rate(progress, now)),
        (3, None if final or vitals.gone or vitals.stopping else load(vitals)),
        (2, summed(whole, vitals)),
        (4, None if spent is None else f"{100 * spent:.0f} % of budget"),
        (6, None if final else state(vitals, moment.gone_for) or time_left(progress, vitals, now)),
    ]
    return _fitted([(weight, fact) for weight, fact in facts if fact], width)


def _front(progress: Progress) -> tuple[int, Step]:
    """The latest step that has chains."""
    return max((pair for pair in progress.steps.items() if pair[1].done), default=next(iter(progress.steps.items())))


def _mean(progress: Progress, now: float) -> str | None:
    rates = progress.rates(now)
    return f"{rates[1]:,.0f} tokens/s" if rates else None


def _fitted(facts: list[tuple[int, str]], width: int) -> str:
    while len(facts) > 1 and len(_GAP.join(fact for _, fact in facts)) > width:
        facts.remove(min(facts))
    return _GAP.join(fact for _, fact in facts)[:width]
