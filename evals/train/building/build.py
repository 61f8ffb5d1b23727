"""Building a training set: sample the candidates, survey them, write the files. Whatever is recorded is not made again."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from evals.directory import write_parts, write_whole
from evals.display import Display
from evals.lock import is_lock
from evals.preparation import Preparation
from evals.provenance import made_by
from evals.report.export import pictures
from evals.train.building.card import Facts, SourceFacts, card_text
from evals.train.building.card_plot import card_plot
from evals.train.building.config import BuildConfig
from evals.train.building.dropped import Dropped, dropped_lines, reasons
from evals.train.building.layout import Row, Shown, write_rows
from evals.train.building.lengths import counting, reply_tokens
from evals.train.building.mixing import Modes, drawn
from evals.train.building.prompting import Prompting
from evals.train.building.sampling import SAMPLES
from evals.train.building.sources import Selection, Source
from evals.train.building.survey import Candidates, Draw, Surveyed, chosen, survey
from rsa.errors import UsageError

__all__ = ["FORMAT", "BuildDirectory", "write_training_set"]

FORMAT = 1
"""The version of the folder's layout."""
SPLITS = ("train", "validation")


class BuildDirectory:
    """The paths of one training set."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.build_yaml = path / "build.yaml"
        self.card = path / "card.md"
        self.dropped = path / "dropped.jsonl"
        self.samples = path / SAMPLES
        self.sources = path / "sources"

    @property
    def begun(self) -> bool:
        """Whether anything was sampled here."""
        return any(self.samples.glob("*/run.yaml"))

    def foreign(self) -> list[str]:
        """The names of what lies here and was not left by a build."""
        own = {self.card, self.dropped, self.samples, self.sources, *map(self.rows, SPLITS)}
        own |= {self.path / f"card.{ending}" for ending in ("png", "svg")}
        own |= {path.with_suffix(".tmp") for path in (*own, self.build_yaml)}
        if self.begun:  # else it may be a configuration of this name
            own.add(self.build_yaml)
        return sorted(entry.name for entry in self.path.iterdir() if entry not in own and not is_lock(entry))

    def rows(self, split: str) -> Path:
        """The parquet file of a split."""
        return self.path / f"{split}.parquet"


@dataclass(frozen=True, slots=True)
class _Taken:
    """A prompt that is taken: a problem's plain one, or one of its draws."""

    surveyed: Surveyed
    draw: Draw | None

    @property
    def name(self) -> str:
        """What tells it apart from all others."""
        return self.surveyed.key if self.draw is None else f"{self.surveyed.key}/{self.draw.slot}"


async def write_training_set(
    config: BuildConfig,
    selection: Selection,
    runs: Sequence[Preparation],
    directory: BuildDirectory,
    command: Sequence[str],
    display: Display,
) -> dict[str, Any]:
    """Write all files of a training set whose candidates are sampled, and give what the card says as JSON.

    Raises `UsageError` if prompts cannot be counted or none are left for training, `Incomplete` if the disk does not take a
    file.
    """
    prompting = Prompting.of(config)
    there = {source.name: Candidates(run) for source, run in zip(selection.sources, runs, strict=True)}
    surveyed, dropped = await _surveyed(config, selection, runs, there, prompting, display)
    taken, surplus = chosen(config, surveyed, selection.validation)
    model = str(runs[0].directory.read_run()["model"])
    facts = Facts(model, _sources(selection, surveyed), (*selection.dropped, *dropped, *surplus))
    orders = {split: _order(config, surveyed, taken, selection, split) for split in SPLITS}
    if not orders["train"]:
        raise UsageError(
            f"no prompts are left for training: {reasons(facts.dropped)}. Change filter, max_prompt_tokens or "
            "aggregation_share, or take more problems; what was sampled is kept, and used for the same --out"
        )
    if selection.validation and not orders["validation"]:
        display.note("Warning: no prompts are left for validation: take more problems, or a larger validation_share")
    for split, order in orders.items():
        write_rows(directory.rows(split), facts.noting(_rows(order, config, there, prompting), split), split)
    _describe(config, facts, directory, command)
    return facts.summary()


async def _surveyed(
    config: BuildConfig,
    selection: Selection,
    runs: Sequence[Preparation],
    there: Mapping[str, Candidates],
    prompting: Prompting,
    display: Display,
) -> tuple[list[Surveyed], list[Dropped]]:
    kept: list[Surveyed] = []
    dropped: list[Dropped] = []
    async with counting(runs[0], display) as count:
        async for each in survey(config, selection, there, prompting, count):
            if isinstance(each, Dropped):
                dropped.append(each)
            else:
                kept.append(each)
    return kept, dropped


def _order(
    config: BuildConfig, surveyed: Sequence[Surveyed], taken: Modes, selection: Selection, split: str
) -> list[_Taken]:
    """The prompts of a split, in an order in which sources and modes are mixed."""
    prompts: list[_Taken] = []
    for each in surveyed:
        if (each.key in selection.validation) is not (split == "validation"):
            continue
        if each.key in taken.plain:
            prompts.append(_Taken(each, None))
        elif each.key in taken.aggregate:
            prompts += [_Taken(each, draw) for draw in each.draws]
    return drawn(prompts, config.seed, "order", lambda prompt: prompt.name)


def _rows(
    prompts: Sequence[_Taken], config: BuildConfig, there: Mapping[str, Candidates], prompting: Prompting
) -> Iterator[tuple[Row, tuple[int, ...]]]:
    """Each row, with the tokens of its candidates. Texts are read as they are needed."""
    for prompt in prompts:
        yield _row(prompt, config, there[prompt.surveyed.source.name], prompting)


def _row(prompt: _Taken, config: BuildConfig, there: Candidates, prompting: Prompting) -> tuple[Row, tuple[int, ...]]:
    surveyed, draw = prompt.surveyed, prompt.draw
    source, problem = surveyed.source, surveyed.problem
    messages, tokens, shown, lengths = prompting.plain(problem), surveyed.tokens, list[Shown](), list[int]()
    if draw is not None:
        candidates = there.of(problem)
        members = [candidates[slot] for slot in draw.shown]
        shown = [Shown(each.chain.slot, prompting.text(each.chain), each.solved) for each in members]
        lengths = [count for each in members if (count := each.chain.usage.completion) is not None]
        messages, tokens = prompting.aggregation(problem, [each.text for each in shown]), draw.tokens
    truth = source.truth(problem, config.graded).to_json()
    row = Row(source.name, problem.kind, surveyed.key, problem.question, messages, tokens, truth, tuple(shown))
    return row, tuple(lengths)


def _sources(selection: Selection, surveyed: Sequence[Surveyed]) -> list[SourceFacts]:
    return [_source(source, [each.solved for each in surveyed if each.source is source]) for source in selection.sources]


def _source(source: Source, solved: Sequence[float]) -> SourceFacts:
    data = source.dataset
    mean = sum(solved) / len(solved) if solved else None
    return SourceFacts(source.name, data.source, data.revision, data.rows, len(data.problems), data.sha256(), mean)


def _describe(config: BuildConfig, facts: Facts, directory: BuildDirectory, command: Sequence[str]) -> None:
    """Write everything but the rows; `build.yaml` last, for with it the training set is whole."""
    sampling = config.sampling.model_copy(update={"max_tokens": reply_tokens(config)})
    resolved = config.model_copy(update={"sampling": sampling}).model_dump(mode="json", exclude={"out"})
    write_parts(directory.dropped, dropped_lines(facts.dropped))
    for name, picture in pictures("card", card_plot(facts, config.k)):
        write_parts(directory.path / name, [picture])
    write_whole(directory.card, card_text(facts, resolved, "card.svg"))
    files = {f"{split}.parquet": _sha256(directory.rows(split)) for split in SPLITS}
    content = {
        "format": FORMAT,
        "model": facts.model,
        "config": resolved,
        "sources": [asdict(source) for source in facts.sources],
        "summary": facts.summary(),
        "files_sha256": files,
        "provenance": made_by(command),
    }
    write_whole(directory.build_yaml, yaml.safe_dump(content, sort_keys=False, width=120))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
