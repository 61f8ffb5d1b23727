"""A training run that is ready to start: its configuration, its data and its folder, checked before anything is spent."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evals.directory import write_whole
from evals.lock import is_lock
from evals.train.training.config import TrainConfig
from evals.train.training.data import TrainingRow, TrainingSet, read_training_set, visiting_order
from evals.train.training.lengths import check_lengths
from rsa.errors import UsageError
from rsa.prompts import Prompts

__all__ = ["TrainingRun", "is_main_process", "prepare_training", "world_size"]

_OPERATIONAL = ("out", "save_every", "keep", "log_to", "device", "sequences_per_device", "generation", "verl")
"""What a run may be gone on with otherwise: how it is computed, not what is learnt."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """Everything that is settled before the first step. `folder` holds what comes of it."""

    config: TrainConfig
    data: TrainingSet
    backend: str = "trl"

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return Path(self.config.out)

    @property
    def checkpoints(self) -> Path:
        """Where TRL keeps its checkpoints."""
        return self.folder / "checkpoints"

    @property
    def candidates(self) -> Path:
        """Where fresh candidates are kept."""
        return self.folder / "candidates"

    @property
    def log(self) -> Path:
        """All metrics, a JSON object a line."""
        return self.folder / "log.jsonl"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.folder / "model"

    @property
    def done(self) -> bool:
        """Whether it has been trained to its end."""
        return self.model.is_dir()

    @property
    def prompts(self) -> str:
        """The preset of prompts for whatever is asked on the way."""
        return self.config.prompts or self.data.prompts

    @property
    def visited(self) -> list[TrainingRow]:
        """The rows in the order in which training visits them."""
        rows = self.data.train
        if self.config.end_to_end:  # every problem once: a tree samples its own candidates
            rows = tuple({row.question.text: row for row in rows}.values())
        count = self.config.steps * self.config.prompts_per_step
        return [rows[place] for place in visiting_order(rows, count, self.config.seed)]

    def begin(self, provenance: Mapping[str, Any]) -> None:
        """Write `train.yaml`, or see that what it says is this run.

        Raises `UsageError` if it is another, or if the folder holds something else.
        """
        path = self.folder / "train.yaml"
        mine = {"config": self.config.model_dump(mode="json"), "backend": self.backend, "data_sha256": self.data.sha256}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if path.is_file():
                _refuse_another(path, mine)
                return
            foreign = [each.name for each in self.folder.iterdir() if not is_lock(each) and each.suffix != ".tmp"]
        except OSError as error:
            raise UsageError(f"out: {self.folder} cannot be used ({error.strerror}): name another folder (--out)") from error
        if foreign:
            raise UsageError(
                f"out: {self.folder} is not the folder of a training run and not empty (it holds {min(foreign)}): name "
                "another (--out)"
            )
        write_whole(path, yaml.safe_dump({**mine, "provenance": dict(provenance)}, sort_keys=False, width=120))


def _refuse_another(path: Path, wanted: Mapping[str, Any]) -> None:
    try:
        recorded = yaml.safe_load(path.read_text(encoding="utf-8"))
        theirs, mine = ({**run["config"], **_beside_config(run)} for run in (recorded, wanted))
    except (yaml.YAMLError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"out: {path} is not what rsa-train run writes ({error!r}): name another folder (--out)") from error
    differing = [
        f"{key}: {theirs.get(key)!r} there, {mine.get(key)!r} here"
        for key in mine
        if key not in _OPERATIONAL and theirs.get(key) != mine.get(key)
    ]
    if differing:
        told = "\n  ".join(differing)
        raise UsageError(f"out: {path} is of a run with another configuration; name another folder (--out):\n  {told}")


def _beside_config(run: Mapping[str, Any]) -> dict[str, Any]:
    return {"backend": run["backend"], "the data's SHA-256": run["data_sha256"]}


def prepare_training(config: TrainConfig, backend: str = "trl") -> TrainingRun:
    """Read and check all that a run starts from. Raises `UsageError` with the place and the remedy."""
    run = TrainingRun(config, read_training_set(Path(config.data)), backend)
    data, prompts = run.data, Prompts(run.prompts)
    if not data.train:
        raise UsageError(f"data: {data.folder} has no rows to train on: build a larger data set")
    _check_division(config)
    if config.evaluation and not data.validation:
        raise UsageError("evaluation: the data set has no validation rows: build it with a larger validation share")
    if config.on_policy and not any(row.candidates for row in data.train):
        raise UsageError("on_policy: the data set has no aggregation prompts whose candidates could be refreshed")
    check_lengths(config, data, prompts, evaluates=backend == "trl")
    return run


def world_size() -> int:
    """How many processes train together, as `accelerate launch` and `torchrun` tell each of them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """Whether this is the one of them that writes."""
    return os.environ.get("RANK", "0") == "0"


def _check_division(config: TrainConfig) -> None:
    sequences = config.prompts_per_step * config.group
    at_a_time = config.sequences_per_device * world_size()
    if sequences % at_a_time:
        raise UsageError(
            f"sequences_per_device: {sequences} sequences a step cannot be shared out as {config.sequences_per_device} at a "
            f"time on {world_size()} devices: choose a divisor of {sequences}"
        )
    if config.end_to_end and config.prompts_per_step % world_size():
        raise UsageError(
            f"prompts_per_step: the {config.prompts_per_step} prompts of a step cannot be shared out whole to "
            f"{world_size()} devices, and no tree may be cut: choose a multiple"
        )
