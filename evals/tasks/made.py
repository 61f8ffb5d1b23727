"""Tasks whose problems are shipped, generated, or read in a way of their own."""

from pathlib import Path

from evals.problems import Dataset
from evals.tasks.aime_style import aime_style_problems
from evals.tasks.arithmetic import arithmetic_problems
from evals.tasks.code import ERRATA, livecodebench_files, livecodebench_problems, load_code_sample
from evals.tasks.config import TaskConfig
from evals.tasks.gym import gym_dataset
from rsa.errors import UsageError

__all__ = ["aime_style", "arithmetic", "code_sample", "livecodebench", "reasoning_gym"]

_NEWEST_RELEASE = "release_v6"


def aime_style(config: TaskConfig, _text: str, _seed: int) -> Dataset:
    """The shipped problems at the level of the AIME."""
    problems = aime_style_problems(config.instruction)
    return Dataset(tuple(problems[: config.limit]), "aime_style", rows=len(problems))


def code_sample(config: TaskConfig, _text: str, _seed: int) -> Dataset:
    """The shipped programming problems."""
    problems = load_code_sample(config.instruction)
    return Dataset(tuple(problems[: config.limit]), "code_sample", rows=len(problems))


def arithmetic(config: TaskConfig, _text: str, seed: int) -> Dataset:
    """Products, in an order drawn from the run's seed."""
    return Dataset(tuple(arithmetic_problems(seed, config.limit)), "generated", rows=121)


def reasoning_gym(config: TaskConfig, names: str, _seed: int) -> Dataset:
    """Generated items of the data sets and categories behind the colon; `data_seed` is their seed."""
    if not names:
        raise UsageError(
            "task reasoning_gym: name data sets or categories, such as reasoning_gym:games or reasoning_gym:maze,sudoku"
        )
    return gym_dataset(names, config)


def livecodebench(config: TaskConfig, _text: str, _seed: int) -> Dataset:
    """The problems of a release in a window, from the hub or from the published files in `data`."""
    release = config.release or _NEWEST_RELEASE
    data = Path(config.data) if config.data else None
    files, revision = livecodebench_files(release, data, config.revision)
    selection = livecodebench_problems(
        files,
        release,
        start=config.start,
        end=config.end,
        difficulty=config.difficulty,
        exclude=ERRATA if config.exclude_errata else (),
        limit=config.limit,
        instruction=config.instruction,
    )
    return Dataset(selection.problems, f"livecodebench {release}", revision, selection.count, selection.details())
