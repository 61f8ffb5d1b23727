"""The tasks by name."""

from collections.abc import Mapping
from types import MappingProxyType

from evals.problems import Dataset
from evals.tasks import supergpqa
from evals.tasks.code import HUMANEVAL, MBPP, humaneval_problems, mbpp_problems
from evals.tasks.code.livecodebench import HUB as LIVECODEBENCH
from evals.tasks.config import TaskConfig
from evals.tasks.hub import HubSource
from evals.tasks.made import aime_style, arithmetic, code_sample, livecodebench, reasoning_gym
from evals.tasks.row_tasks import dataset_of_rows, is_file
from evals.tasks.rows import Layout
from evals.tasks.spec import HUB_KEYS, OWN_KEYS, ROW_KEYS, TaskSpec
from rsa.errors import UsageError
from rsa.text import did_you_mean

__all__ = ["TASKS", "load_task", "scorer_of"]

_FROM_ROWS = (*ROW_KEYS, *HUB_KEYS)


def _math(name: str, scorer: str, licence: str, about: str, hub: HubSource, id_field: str) -> TaskSpec:
    layout = Layout(kind="math", question="problem", answer="answer", id=id_field)
    return TaskSpec(name, "math", scorer, "30", licence, about, _FROM_ROWS, hub, layout)


def _gym_file(name: str, about: str) -> TaskSpec:
    return TaskSpec(name, "gym", "gym", "100", "Apache-2.0", about, ("kind",))


_ALL = (
    TaskSpec(
        "aime_style",
        "math",
        "integer",
        "64",
        "Apache-2.0",
        "shipped: problems at the level of the AIME",
        ("instruction",),
        make=aime_style,
    ),
    _math(
        "aime24",
        "integer",
        "not stated",
        "AIME 2024 I and II",
        HubSource("HuggingFaceH4/aime_2024", "2fe88a2f1091d5048c0f36abc874fb997b3dd99a", "train"),
        "id",
    ),
    _math(
        "aime25",
        "integer",
        "CC BY-NC-SA 4.0",
        "AIME 2025 I and II",
        HubSource("MathArena/aime_2025", "c94da77eb22bbd6439e62a323bec18493a421302", "train"),
        "problem_idx",
    ),
    _math(
        "hmmt25",
        "math",
        "CC BY-NC-SA 4.0",
        "HMMT February 2025",
        HubSource("MathArena/hmmt_feb_2025", "6fdc4277120810ff75aa22d2d5489b91f7a262a1", "train"),
        "problem_idx",
    ),
    TaskSpec(
        "supergpqa",
        "choice",
        "choice",
        "26529",
        "ODC-BY",
        "graduate-level multiple choice; --size draws a sample",
        ("size", "data_seed", "discipline", "difficulty", *_FROM_ROWS),
        HubSource("m-a-p/SuperGPQA", "4430d4458112c7d4497fdcf94d7cc223313d6acf", "train"),
        supergpqa.LAYOUT,
        supergpqa.selected,
    ),
    TaskSpec(
        "reasoning_gym",
        "gym",
        "gym",
        "--size",
        "Apache-2.0",
        "generated: reasoning_gym:games, reasoning_gym:countdown,maze, ...",
        ("size", "data_seed", "parameters", "instruction"),
        make=reasoning_gym,
        takes_text=True,
    ),
    _gym_file("rg_games", "the paper's Reasoning Gym games (--data FILE)"),
    _gym_file("rg_cognition", "the paper's Reasoning Gym cognition and ARC (--data FILE)"),
    TaskSpec(
        "code_sample",
        "code",
        "code",
        "30",
        "Apache-2.0",
        "shipped: programming problems in three styles",
        ("instruction",),
        make=code_sample,
    ),
    TaskSpec(
        "livecodebench",
        "code",
        "code",
        "1055",
        "not stated",
        "contest problems; task.release, start, end",
        ("release", "start", "end", "exclude_errata", "difficulty", "revision", "instruction"),
        LIVECODEBENCH,
        make=livecodebench,
        makes_of_files=True,
    ),
    TaskSpec(
        "humaneval",
        "code",
        "code",
        "164",
        "MIT",
        "functions from docstrings",
        ("instruction", *HUB_KEYS),
        HUMANEVAL,
        parse=humaneval_problems,
    ),
    TaskSpec(
        "mbpp",
        "code",
        "code",
        "257",
        "CC BY 4.0",
        "short functions; task.subset=full has 500",
        ("instruction", *HUB_KEYS),
        MBPP,
        parse=mbpp_problems,
    ),
    TaskSpec(
        "arithmetic",
        "number",
        "number",
        "121",
        "Apache-2.0",
        "generated: products up to 12 x 12; the demo",
        make=arithmetic,
    ),
)

TASKS: Mapping[str, TaskSpec] = MappingProxyType({spec.name: spec for spec in _ALL})
"""Every named task."""


def _named(config: TaskConfig) -> tuple[TaskSpec | None, str]:
    """The task that a section names, and the text behind the colon of `NAME:TEXT`."""
    if config.name is None:
        return None, ""
    name, _, text = config.name.partition(":")
    if name not in TASKS:
        raise UsageError(f"there is no task {name!r}{did_you_mean(name, TASKS)}; for a file of your own give --data FILE")
    if text and not TASKS[name].takes_text:
        raise UsageError(f"task {config.name}: behind the colon stands how often each problem is run, such as {name}:16")
    return TASKS[name], text


def scorer_of(config: TaskConfig) -> str | None:
    """The scorer that a task section stands for; None leaves it to the problem's kind."""
    spec, _ = _named(config)
    return config.scorer or (spec.scorer if spec and config.kind in (None, spec.kind) else None)


def load_task(config: TaskConfig, seed: int) -> Dataset:
    """The problems that a task section asks for. Raises `UsageError` for whatever is wrong with them."""
    spec, text = _named(config)
    _refuse_foreign_keys(config, spec)
    made = spec and spec.make and (spec.makes_of_files or not config.data)
    dataset = spec.make(config, text, seed) if spec and spec.make and made else dataset_of_rows(config, spec)
    if not dataset.problems:
        raise UsageError(f"{dataset.source}: there are no problems left")
    return dataset


def _refuse_foreign_keys(config: TaskConfig, spec: TaskSpec | None) -> None:
    """A key that a task does nothing with is a mistake and not to be passed over."""
    takes = set(spec.takes) if spec else set(_FROM_ROWS)
    if config.data and not (spec and (spec.makes_of_files or spec.parse)):
        takes |= set(ROW_KEYS)
    of_files = config.data and ((spec and spec.makes_of_files) or is_file(config.data))
    defaults = TaskConfig(name="?")
    for key in (*ROW_KEYS, *HUB_KEYS, *OWN_KEYS):
        if getattr(config, key) == getattr(defaults, key):
            continue
        if key not in takes:
            raise UsageError(f"task.{key}: {config.name or config.data} takes no {key}: leave it out")
        if key in HUB_KEYS and of_files:
            raise UsageError(f"task.{key}: data sets on the hub have a {key}, and {config.data} is a file: leave it out")
