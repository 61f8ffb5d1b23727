"""All that is shown of a strategy, at one moment."""

from dataclasses import dataclass

from evals.display.progress import Progress
from evals.display.vitals import Vitals

__all__ = ["Moment"]


@dataclass(frozen=True, slots=True)
class Moment:
    """How far it is, how the run is, the time, and for how many seconds the server has been gone."""

    progress: Progress
    vitals: Vitals
    now: float
    gone_for: float = 0.0
    title: str | None = None
