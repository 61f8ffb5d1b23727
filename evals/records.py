"""A run directory opened for reading: what reports and comparisons are made of."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evals.index import ChainIndex, VerdictIndex, run_index
from evals.preparation import Preparation, prepare_recorded
from evals.scoring import Scoring
from evals.stats import Recorded, Subject
from rsa.strategies import label

__all__ = ["Records", "open_records", "subjects_of"]


@dataclass(frozen=True, slots=True)
class Records:
    """A run with the indices of its logs, and what a summary needs of its problems. No texts are held."""

    run: Preparation
    chains: ChainIndex
    verdicts: VerdictIndex
    subjects: Mapping[str, Subject]

    @property
    def name(self) -> str:
        """The label of the run's strategy."""
        return label(self.run.strategy)

    def groups(self) -> Iterator[Recorded]:
        """What is recorded, one group after the other, so that no more than two are held at a time."""
        return ((group, self.chains.outline(group), self.verdicts.marks(group)) for group in self.chains.groups)


def subjects_of(run: Preparation, scoring: Scoring) -> dict[str, Subject]:
    """The subject of each problem, by its id. `scoring` must be open while they are used."""
    return {problem.id: Subject(scoring.equivalence(problem), problem.groups) for problem in run.dataset.problems}


@contextmanager
def open_records(path: Path) -> Iterator[Records]:
    """Open a run directory. Raises `UsageError` for what is not one, or one whose logs are damaged."""
    run = prepare_recorded(path)
    index = run_index(run)
    index.refresh()
    with run.scoring() as scoring:
        verdicts = VerdictIndex(run.directory.verdicts, index.layout)
        yield Records(run, index, verdicts, subjects_of(run, scoring))
