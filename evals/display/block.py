"""The live block: a row a step, and below it speed, time and budget. Lines that fit, in an order that does not move."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from evals.display.moment import Moment
from evals.display.progress import Step
from evals.display.words import budget, clock, load, rate, retried, state, time_left

__all__ = ["block"]

_WIDEST = 79  # no wider, so that the lines stand when a terminal shrinks to 80
_BAR = (8, 24)
_GAP = "  "
_LEAST_ROWS = 8  # in fewer the steps are left out


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    show: Callable[[Step], str]
    rank: int  # those with the highest go first where it is narrow
    widest: Callable[[Step], int] = lambda _: 0

    def width(self, whole: Step) -> int:
        return max(len(self.name), self.widest(whole))


def _counted(done: int, planned: int) -> str:
    return f"{done:,}/{planned:,}"


def _percent(step: Step) -> str:
    return "" if step.accuracy is None else f"{100 * step.accuracy:.1f} %"


_COLUMNS = (
    _Column("chains", lambda s: _counted(s.done, s.planned), 0, lambda w: len(_counted(w.planned, w.planned))),
    _Column(
        "populations",
        lambda s: _counted(s.complete, s.populations),
        3,
        lambda w: len(_counted(w.populations, w.populations)),
    ),
    _Column("right", _percent, 1, lambda _: len("100.0 %")),
    _Column("truncated", lambda s: f"{s.truncated:,}", 4),
    _Column("dead", lambda s: f"{s.dead:,}", 2),
)


def block(moment: Moment, width: int, height: int, *, plain: bool = False) -> list[Text]:
    """The lines, none longer than `width` or more than `height` - 1. `plain` keeps to ASCII."""
    width = max(1, min(width - 1, _WIDEST))
    below = [Text(each) for each in _below(moment)]
    above = [Text(moment.title, style="bold")] if moment.title else []
    if height < _LEAST_ROWS + len(below):
        lines = below[: max(1, height - 1)]
    else:
        rows = _folded(list(moment.progress.steps.items()), height - len(above) - len(below) - 3)
        lines = [*above, *_table(rows, moment.progress.whole(), width, plain), *below]
    for each in lines:
        each.truncate(width, overflow="crop")
    return lines


def _below(moment: Moment) -> list[str]:
    progress, vitals, now = moment.progress, moment.vitals, moment.now
    rates = progress.rates(now)
    mean = f"(mean {rates[1]:,.0f})" if rates else None
    speed = " ".join(filter(None, (rate(progress, now), mean)))
    status = state(vitals, moment.gone_for) or time_left(progress, vitals, now)
    lines = [
        _GAP.join(filter(None, (speed, load(vitals), retried(vitals)))),
        _GAP.join(filter(None, (f"{clock(now - progress.began)} elapsed", status))),
    ]
    spent = budget(vitals.budget)
    return [*lines, f"Spent {spent}"] if spent else lines


def _folded(steps: Sequence[tuple[int, Step]], room: int) -> list[tuple[str, Step]]:
    """A row a step; where there is no room for all, those that are done are one row, and those that come last another."""
    room = max(2, room)
    rows = [(str(number), step) for number, step in steps]
    if len(rows) > room:
        finished = next((at for at, (_, step) in enumerate(rows) if step.left), len(rows))
        rows = _joined(rows, 0, min(finished, len(rows) - room + 1))
    if len(rows) > room:
        rows = _joined(rows, room - 1, len(rows))
    return rows


def _joined(rows: list[tuple[str, Step]], begin: int, end: int) -> list[tuple[str, Step]]:
    if end - begin < 2:
        return rows
    label = f"{rows[begin][0].split('-')[0]}-{rows[end - 1][0].split('-')[-1]}"
    return [*rows[:begin], (label, Step.total(step for _, step in rows[begin:end])), *rows[end:]]


def _table(rows: Sequence[tuple[str, Step]], whole: Step, width: int, plain: bool) -> Iterable[Text]:
    labels = max(len(label) for label in ("step", *(label for label, _ in rows)))
    columns = list(_COLUMNS)
    while len(columns) > 1 and labels + sum(len(_GAP) + each.width(whole) for each in columns) > width:
        columns.remove(max(columns, key=lambda each: each.rank))
    spare = width - labels - sum(len(_GAP) + each.width(whole) for each in columns) - len(_GAP)
    bar = 0 if spare < _BAR[0] else min(spare, _BAR[1])

    def row(label: str, step: Step | None, style: str = "") -> Text:
        cells = [(each.name if step is None else each.show(step)).rjust(each.width(whole)) for each in columns]
        line = Text(label.rjust(labels), style=style)
        if bar:
            line.append(_GAP)
            line.append_text(_bar(step, bar, plain) if step else Text(" " * bar))
        return line.append(_GAP + _GAP.join(cells))

    yield row("step", None, "dim")
    yield from (row(label, step) for label, step in rows)
    if len(rows) > 1:
        yield row("all", whole)


def _bar(step: Step, width: int, plain: bool) -> Text:
    full = width * step.done // max(1, step.planned)
    done, left = ("#", "-") if plain else ("━", "╌")
    bar = Text(done * full, style="green" if not step.left else "cyan")
    return bar.append(left * (width - full), style="dim")
