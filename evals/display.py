"""What a run shows while it works: live bars on a terminal, plain lines elsewhere, nothing for `--json`. All on stderr."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from evals.console import PatientConsole
from evals.scoring import Verdict
from rsa.chain import Chain, Status

__all__ = ["Display", "make_display"]

_LINE_SECONDS = 5.0


class Display(Protocol):
    """Shows the progress of a run."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def begin(self, planned: Mapping[int, int], recorded: Mapping[int, int]) -> None:
        """Say how many chains each step has and how many of them are recorded already."""

    def chain(self, chain: Chain, verdict: Verdict | None) -> None:
        """Take a finished chain."""

    def beat(self, in_flight: int) -> None:
        """Say that chains are on their way, if nothing else was shown for a while."""

    def note(self, text: str) -> None:
        """Show a line."""


@dataclass(slots=True)
class _Step:
    planned: int
    done: int
    judged: int = 0
    solved: int = 0
    truncated: int = 0
    dead: int = 0

    def take(self, chain: Chain, verdict: Verdict | None) -> None:
        self.done += 1
        self.truncated += chain.status is Status.TRUNCATED
        self.dead += chain.dead
        if verdict:
            self.judged += 1
            self.solved += verdict.solved

    def state(self) -> str:
        parts = [f"{100 * self.solved / self.judged:.0f} % right" if self.judged else ""]
        parts += [f"{count} {name}" for name, count in (("truncated", self.truncated), ("dead", self.dead)) if count]
        return ", ".join(filter(None, parts))


class _Counting:
    """Counts chains by step and tokens over time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: dict[int, _Step] = {}
        self._tokens = 0
        self._retries = 0
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def begin(self, planned: Mapping[int, int], recorded: Mapping[int, int]) -> None:
        self._steps = {step: _Step(count, recorded.get(step, 0)) for step, count in planned.items()}
        self._started = time.monotonic()

    def chain(self, chain: Chain, verdict: Verdict | None) -> None:
        self._steps[chain.step].take(chain, verdict)
        self._tokens += chain.usage.completion or 0
        self._retries += max(0, chain.attempts - 1)
        self.refresh(chain.step)

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)

    def beat(self, in_flight: int) -> None:
        """Bars move on their own."""

    def rate(self) -> str:
        """New tokens a second, and the attempts beyond the first if there were any."""
        rate = f"{self._tokens / max(time.monotonic() - self._started, 1e-9):.0f} tokens/s"
        return f"{rate}, {self._retries} retries" if self._retries else rate

    def refresh(self, step: int) -> None:
        """Nothing is shown for `--json`."""


class _Lines(_Counting):
    """At most a line every few seconds, and one at the end."""

    _shown = 0.0

    def refresh(self, step: int) -> None:  # noqa: ARG002 - one line tells of all steps
        finished = all(each.done >= each.planned for each in self._steps.values())
        if finished or time.monotonic() - self._shown >= _LINE_SECONDS:
            self._show(self.rate())

    def beat(self, in_flight: int) -> None:
        if time.monotonic() - self._shown >= _LINE_SECONDS:
            self._show(f"{in_flight} in flight")

    def _show(self, state: str) -> None:
        self._shown = time.monotonic()
        steps = "  ".join(f"step {number}: {each.done}/{each.planned}" for number, each in self._steps.items())
        self.note(f"{steps}  {state}")


class _Bars(_Counting):
    """A bar a step."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._bars: dict[int, TaskID] = {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, planned: Mapping[int, int], recorded: Mapping[int, int]) -> None:
        super().begin(planned, recorded)
        for step, each in self._steps.items():
            bar = self._progress.add_task(
                f"step {step} of {len(self._steps)}", total=each.planned, completed=each.done, state=""
            )
            self._bars[step] = bar
        self._progress.start()

    def refresh(self, step: int) -> None:
        each = self._steps[step]
        self._progress.update(self._bars[step], completed=each.done, state=each.state())
        last = self._bars[max(self._bars)]
        self._progress.update(last, state=", ".join(filter(None, (self._steps[max(self._steps)].state(), self.rate()))))


def make_display(quiet: bool) -> Display:
    """The display that fits where stderr goes."""
    console = PatientConsole(stderr=True, quiet=quiet)
    if quiet:
        return _Counting(console)
    return _Bars(console) if console.is_terminal else _Lines(console)
