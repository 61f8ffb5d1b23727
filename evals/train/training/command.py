"""What `rsa-train run` does, from a configuration file to a trained model."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from evals.commands import merged
from evals.console import output, write_json
from evals.lock import locked
from evals.provenance import made_by
from evals.train.training.config import TrainConfig
from evals.train.training.reach import refusal
from evals.train.training.run import TrainingRun, is_main_process, prepare_training
from evals.train.training.stacks import check_stack
from rsa.errors import Incomplete, UsageError
from rsa.settings import load

__all__ = ["run_training"]

_EXAMPLE = "model: Qwen/Qwen3-4B-Instruct-2507"


def run_training(
    target: str, flags: Mapping[str, Any], sets: Sequence[str], backend: str, *, as_json: bool, print_only: bool
) -> None:
    """Train, or with `print_only` print the command that would. Raises what stopped it, if anything did."""
    config = load(Path(target), merged(flags, sets), TrainConfig, _EXAMPLE)
    if backend == "verl":
        from evals.train.training.with_verl import run_verl  # noqa: PLC0415

        run_verl(config, print_only=print_only)
        return
    if print_only:
        raise UsageError("--print shows the command that --backend verl launches; --backend trl trains in this process")
    check_stack("trl", _needed(config))
    run = prepare_training(config)
    if config.generation.url:
        _check_server(config.generation.url)
    if not is_main_process():  # of several that train together
        _train(run, lambda _: None)
        return
    run.begin(made_by(["rsa-train", *sys.argv[1:]]))
    console = output()
    with locked(run.folder):
        _train(run, lambda line: None if as_json else console.print(line, soft_wrap=True))
    if as_json:
        write_json({"out": str(run.folder), "model": str(run.model), "log": str(run.log)})
    else:
        console.print(f"Trained model: {run.model}; metrics: {run.log}", soft_wrap=True)


def _train(run: TrainingRun, tell: Callable[[str], None]) -> None:
    if run.done:
        return
    from evals.train.training.with_trl.backend import train  # noqa: PLC0415 - heavy

    try:
        train(run, tell)
    except Incomplete as error:
        raise Incomplete(f"{error}; to go on: the same command again, with --out {run.folder}") from error


def _check_server(url: str) -> None:
    parts = urlsplit(url)
    if why := refusal(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)):
        raise UsageError(
            f"generation.url: nobody answers at {url} ({why}): start one there with `trl vllm-serve --model MODEL`"
        )


def _needed(config: TrainConfig) -> list[str]:
    vllm = ["vllm"] if config.generation.engine == "vllm" else []
    return [*vllm, *config.log_to]
