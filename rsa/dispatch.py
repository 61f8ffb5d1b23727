"""Which of the ready chains starts next.

As long as further problems are to come, it is one of the oldest problem, so that few problems have texts in memory and each
is soon done. But a run is over when its longest path of chains that read each other is, and a problem whose chains are long
must not begin last. So problems are taken up ahead. When no more are to come, the problem with the longest path before it
goes first: the steps that are left, times the seconds that its chains take as far as was seen. Nothing is seen of a problem
that has not begun, so of each a few chains start before all others.

No text depends on the order, because every draw has a key of its own. docs/performance.md has the numbers of this order and
of those that were tried beside it.
"""

import math
from collections.abc import Iterator

from rsa.chain import Chain
from rsa.plan import PlannedChain
from rsa.progress import Job, Pace, Progress

__all__ = ["Feed"]

_PROBES = 4
"""Chains of a problem that show how long its chains are."""
_BELIEF = 2
"""Chains' worth of belief that a problem is like the others."""
_AHEAD = 6
"""Times the limit: so many chains side by side are taken up, so that the last problems can be levelled out."""


class Feed:
    """The jobs at hand, oldest first, at most as many as chains may be in flight. Times are in seconds, by any clock."""

    def __init__(self, jobs: Iterator[Job]) -> None:
        self._jobs = jobs
        self._more = True
        self._at_hand: list[Progress] = []
        self._pace = Pace()

    def next(self, now: float) -> Progress | None:
        """The job whose next chain is to start; None if no chain is ready. A further job is taken up only if it must be."""
        while True:
            ready = (progress for progress in self._at_hand if progress.next_step)
            first = next(ready, None) if self._more else min(ready, key=lambda each: self._turn(each, now), default=None)
            if first or not self._take_up():
                return first

    def end(self, progress: Progress, planned: PlannedChain, chain: Chain | None, now: float, limit: int) -> None:
        """Take a chain that was started, None if it is left for another run. It makes room for one job ahead."""
        seconds = progress.end(planned, chain, now)
        if chain:
            self._pace.add(seconds)
        if progress.idle:
            self._at_hand.remove(progress)
        if self._more and len(self._at_hand) < limit and sum(map(_abreast, self._at_hand)) < _AHEAD * limit:
            self._take_up()

    def _take_up(self) -> bool:
        """Take up a further job, if there is one."""
        job = next(self._jobs, None) if self._more else None
        if job is None:
            self._more = False
            return False
        progress = Progress(job)
        if not progress.idle:
            self._at_hand.append(progress)
        return True

    def _turn(self, progress: Progress, now: float) -> tuple[float, int]:
        """The lowest is first; among equals the oldest."""
        if progress.started < _PROBES:
            return -math.inf, progress.started
        return -self._path(progress, now), 0

    def _path(self, progress: Progress, now: float) -> float:
        """The seconds until a problem is done, if all its chains could start at once."""
        usual = self._pace.seconds / self._pace.chains if self._pace.chains else 1.0
        seconds = progress.pace.seconds + progress.waited(now)  # what is on its way takes at least as long as it took so far
        chain = (seconds + _BELIEF * usual) / (progress.pace.chains + _BELIEF)
        return (progress.plan.steps - (progress.next_step or 0) + 1) * chain


def _abreast(progress: Progress) -> float:
    """How many chains a job has left for each of its steps."""
    return progress.unstarted / progress.plan.steps
