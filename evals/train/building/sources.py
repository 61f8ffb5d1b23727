"""Where the problems of a training set come from: loaded, checked, cleaned, and as many of each source as are wanted."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evals.problems import Dataset, Problem
from evals.scoring import check_golds, default_scorer
from evals.tasks import scorer_of
from evals.tasks.config import TaskConfig
from evals.tasks.ground_truth import GroundTruth
from evals.train.building.config import BuildConfig, SourceConfig
from evals.train.building.decontamination import EvaluationSets, Named, without_duplicates
from evals.train.building.dropped import Dropped
from evals.train.building.frozen import load_frozen
from evals.train.building.mixing import amounts, drawn
from rsa.errors import UsageError

__all__ = ["Selection", "Source", "select"]

_FOLDER = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Source:
    """A source with the problems that are taken of it."""

    name: str
    task: TaskConfig
    dataset: Dataset

    @property
    def folder(self) -> str:
        """The name of its run directory."""
        return _FOLDER.sub("-", self.name)

    def key(self, problem: Problem) -> str:
        """The problem's name among those of all sources."""
        return f"{self.name}:{problem.id}"

    def truth(self, problem: Problem, graded: bool) -> GroundTruth:
        """What a reward needs to know of a problem."""
        scorer = scorer_of(self.task) or default_scorer(problem.kind)
        named = replace(problem, id=self.key(problem))
        return GroundTruth(named, scorer, self.task.tolerance, self.task.lenient, graded)


@dataclass(frozen=True, slots=True)
class Selection:
    """The sources that give problems, the names of the problems for validation, and what was dropped so far."""

    sources: tuple[Source, ...]
    validation: frozenset[str]
    dropped: tuple[Dropped, ...]

    @property
    def problems(self) -> int:
        """How many problems there are."""
        return sum(len(source.dataset.problems) for source in self.sources)


def select(config: BuildConfig, frozen: Path | None = None) -> Selection:
    """The problems that candidates are sampled for. In the folder `frozen` those of named tasks are kept (`load_frozen`).

    Raises `UsageError` for data that cannot be read or have no right answers, for two sources of one name, and if no
    problems are left.
    """
    sources = [_loaded(source, config.seed, frozen) for source in config.sources]
    _refuse_double([source.name for source in sources])
    named = [named for source in sources for named in _named(source.name, source.task, source.dataset)]
    different, dropped = without_duplicates(named)
    clean, contaminated = _evaluation_sets(config, frozen).drop(different)
    shares = [source.share for source in config.sources if source.share is not None]
    taken = _taken(sources, clean, shares, config)
    if not taken:
        raise UsageError(
            f"sources: no problems are left of {len(named)}: {len(dropped)} ask the same as another, {len(contaminated)} "
            "are in an evaluation set; the limit, or the share of a source that has none left, allows no more"
        )
    keys = [source.key(problem) for source in taken for problem in source.dataset.problems]
    held_out = math.ceil(len(keys) * config.validation_share)
    validation = frozenset(drawn(keys, config.seed, "validation", str)[:held_out])
    return Selection(tuple(taken), validation, (*dropped, *contaminated))


def _loaded(source: SourceConfig, seed: int, frozen: Path | None) -> Source:
    dataset = load_frozen(source.task, seed, frozen)
    check_golds(dataset.problems, scorer_of(source.task), dataset.source)
    return Source(source.name or source.task.name or _stem(source.task.data or ""), source.task, dataset)


def _stem(data: str) -> str:
    return Path(data).stem if Path(data).suffix else data


def _refuse_double(names: Sequence[str]) -> None:
    folders = [_FOLDER.sub("-", name).casefold() for name in names]
    for number, name in enumerate(names):
        if folders[number] in folders[:number]:
            raise UsageError(f"sources: two of them are called {name}: give one a name of its own (sources.{number}.name)")


def _named(name: str, task: TaskConfig, dataset: Dataset) -> list[Named]:
    return [Named(name, problem, task.instruction) for problem in dataset.problems]


def _evaluation_sets(config: BuildConfig, frozen: Path | None) -> EvaluationSets:
    wanted = config.decontamination
    problems: list[Named] = []
    for task in wanted.against:
        name = task.name or _stem(task.data or "")
        problems += _named(name, task, load_frozen(task, config.seed, frozen))
    return EvaluationSets(problems, wanted.ngram, wanted.overlap)


def _taken(sources: Sequence[Source], clean: Sequence[Named], shares: Sequence[float], config: BuildConfig) -> list[Source]:
    """The sources with those of their clean problems that the shares and the limit leave, in the order of the data."""
    there = [[each.problem for each in clean if each.source == source.name] for source in sources]
    counts = amounts([len(problems) for problems in there], shares or None, config.limit)
    taken = []
    for source, problems, count in zip(sources, there, counts, strict=True):
        order = drawn(problems, config.seed, "data", source.key)
        chosen = {problem.id for problem in order[:count]}
        kept = tuple(problem for problem in problems if problem.id in chosen)
        if kept:
            taken.append(replace(source, dataset=replace(source.dataset, problems=kept)))
    return taken
