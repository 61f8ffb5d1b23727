"""Three displays: one keeps a block on a terminal up to date, one writes a line from time to time, one is silent."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from evals.console import PatientConsole
from evals.display.block import block
from evals.display.line import line
from evals.display.moment import Moment
from evals.display.outset import Outset
from evals.display.progress import Progress
from evals.display.vitals import Vitals
from evals.scoring import Verdict
from rsa.chain import Chain

__all__ = ["Display", "make_display"]

Clock = Callable[[], float]
"""Gives seconds that only ever grow."""

_WIDTH = 100  # of a line
_DRAW_SECONDS = 0.25
_LINE_SECONDS = (5.0, 60.0)  # a sixtieth of the time elapsed, within these bounds
_UNCHANGED = 3  # times as long where nothing has finished
_GONE_SECONDS = 5.0  # shorter outages are not worth a line


class Display(Protocol):
    """Shows the progress of a run, or of several one after the other."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def begin(self, outset: Outset, look: Callable[[], Vitals], title: str | None = None) -> None:
        """Begin to show a strategy. `look` is asked for its vitals whenever something is shown."""

    def chain(self, chain: Chain) -> None:
        """Take a finished chain."""

    def judged(self, chain: Chain, verdict: Verdict) -> None:
        """Take a verdict on a chain."""

    def beat(self) -> None:
        """Show what there is to show by now. To be called some four times a second."""

    def end(self) -> None:
        """Show the strategy for the last time."""

    def note(self, text: str) -> None:
        """Show a line."""


class _Silent:
    """Shows nothing, for `--json`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    def begin(self, outset: Outset, look: Callable[[], Vitals], title: str | None = None) -> None:
        """Nothing is shown."""

    def chain(self, chain: Chain) -> None:
        """Nothing is shown."""

    def judged(self, chain: Chain, verdict: Verdict) -> None:
        """Nothing is shown."""

    def beat(self) -> None:
        """Nothing is shown."""

    def end(self) -> None:
        """Nothing is shown."""

    def note(self, text: str) -> None:
        """Nothing is shown."""


class _Lines(_Silent):
    """A line every few seconds at most, the rarer the longer it takes, and one at the end."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._progress: Progress | None = None
        self._look: Callable[[], Vitals] = Vitals
        self._before = Vitals()
        self._gone_since: float | None = None
        self._told_gone = False
        self._shown = 0.0
        self._shown_done = 0
        self._title: str | None = None

    def begin(self, outset: Outset, look: Callable[[], Vitals], title: str | None = None) -> None:
        self.end()
        self._progress = Progress(outset, self._clock())
        self._look, self._title, self._before = look, title, look()
        self._gone_since, self._told_gone = None, False
        whole = self._progress.whole()
        self._shown, self._shown_done = self._clock(), whole.done
        self._entitle()
        if whole.done:
            self.note(f"{whole.done:,} of {whole.planned:,} chains are recorded already")

    def chain(self, chain: Chain) -> None:
        if self._progress:
            self._progress.take(chain, self._clock())

    def judged(self, chain: Chain, verdict: Verdict) -> None:
        if self._progress:
            self._progress.judge(chain, verdict)

    def beat(self) -> None:
        if self._progress:
            moment = self._moment(self._progress)
            self._tell_outage(moment)
            self._show(moment)

    def end(self) -> None:
        if self._progress:
            progress, self._progress = self._progress, None
            self.note(line(self._moment(progress), self._width, final=True))

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @property
    def _width(self) -> int:
        return min(_WIDTH, self._console.width) if self._console.is_terminal else _WIDTH

    def _entitle(self) -> None:
        if self._title:
            self.note(self._title)

    def _moment(self, progress: Progress) -> Moment:
        """How it is now. What the client counted before this strategy began is not its own."""
        vitals, now = self._look(), self._clock()
        if not vitals.gone:
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = now
        gone_for = 0.0 if self._gone_since is None else now - self._gone_since
        return Moment(progress, vitals.since(self._before), now, gone_for, self._title)

    def _tell_outage(self, moment: Moment) -> None:
        if moment.vitals.gone and not self._told_gone and moment.gone_for >= _GONE_SECONDS:
            self._told_gone = True
            self.note(f"The server does not answer: waiting up to {moment.vitals.patience:g} s for it")
        elif self._told_gone and not moment.vitals.gone:
            self._told_gone = False
            self.note("The server is back")

    def _show(self, moment: Moment) -> None:
        done = moment.progress.whole().done
        least, most = _LINE_SECONDS
        pause = max(least, min(most, (moment.now - moment.progress.began) / 60))
        if moment.now - self._shown >= pause * (1 if done != self._shown_done else _UNCHANGED):
            self._shown, self._shown_done = moment.now, done
            self.note(line(moment, self._width))


class _Block(_Lines):
    """A block at the bottom of the terminal, drawn anew four times a second at most; at the end one line is left of it."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        super().__init__(console, clock)
        self._live: Live | None = None
        self._drawn: Sequence[Text] = ()
        self._columns = 0

    def begin(self, outset: Outset, look: Callable[[], Vitals], title: str | None = None) -> None:
        super().begin(outset, look, title)
        self._live = Live(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._columns, self._drawn = self._console.width, ()
        self._live.start()
        self.beat()

    def end(self) -> None:
        if self._live:
            live, self._live = self._live, None
            live.stop()
            super()._entitle()
        super().end()

    def _entitle(self) -> None:
        """While it goes on, the title stands in the block."""

    def _show(self, moment: Moment) -> None:
        if self._live and (not self._drawn or moment.now - self._shown >= _DRAW_SECONDS):
            self._shown = moment.now
            self._take_back_wrapped()
            size = self._console.size
            plain = not (self._console.encoding or "").lower().startswith("utf")
            self._drawn = block(moment, size.width, size.height, plain=plain)
            self._live.update(Group(*self._drawn), refresh=True)

    def _take_back_wrapped(self) -> None:
        """Go up over the rows that a terminal made of lines that were drawn when it was wider."""
        columns = self._console.width
        if columns < self._columns:
            more = sum(max(0, each.cell_len - 1) // columns for each in self._drawn)
            self._console.control(Control(*(((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)) * more)))
        self._columns = columns


def make_display(quiet: bool, console: Console | None = None, clock: Clock = time.monotonic) -> Display:
    """The display that fits the console, by default stderr's."""
    if quiet:
        return _Silent()
    console = console or PatientConsole(stderr=True)
    live = console.is_terminal and console.is_interactive and not console.is_dumb_terminal
    return _Block(console, clock) if live else _Lines(console, clock)
