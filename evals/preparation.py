"""Everything about a run that can be settled before any server is asked: tasks, prompts, the run directory."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evals.config import RunConfig
from evals.loading import validate
from evals.problems import Dataset, load_problems
from evals.store import RunDirectory
from evals.tasks import load_task
from rsa.endpoint import Endpoint
from rsa.errors import UsageError
from rsa.prompts import Prompts
from rsa.strategies import Strategy, label

__all__ = ["Preparation", "api_key", "prepare", "prepare_recorded", "prepare_resume"]

_CHANGEABLE = {
    "endpoint": (
        "base_url",
        "api_key_env",
        "max_concurrency",
        "timeout",
        "retries",
        "patience",
        "rate",
        "context",
        "tokenizer",
    ),
    "serve": None,
    "max_dead": None,
}
"""What may differ between a run and its resumption: how chains are made, not which."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """A run that is ready to start. `model` is the one that a run to be resumed was made with."""

    config: RunConfig
    directory: RunDirectory
    dataset: Dataset
    strategy: Strategy
    prompts: Prompts
    model: str | None = None

    @property
    def task_name(self) -> str:
        """The task's name, or the file's."""
        return self.config.task.name or self.dataset.source


def api_key(config: RunConfig) -> str | None:
    """The API key out of the environment. Raises `UsageError` if the variable is not set."""
    name = config.endpoint.api_key_env
    if name is None:
        return None
    key = os.environ.get(name)
    if not key:
        raise UsageError(f"endpoint.api_key_env: the environment variable {name} is not set")
    return key


def prepare(config: RunConfig) -> Preparation:
    """A new run; or, where the directory holds one of the same configuration already, its resumption.

    Raises `UsageError` for whatever is wrong with the data, the prompts or the directory. Nothing is overwritten.
    """
    _check_server(config)
    strategy = config.strategy.build()
    prompts = Prompts(config.prompts)
    dataset = load_task(config.task, config.seed)
    directory = RunDirectory(Path(config.out) if config.out else _new_directory(config))
    fresh = Preparation(config, directory, dataset, strategy, prompts)
    if directory.started:
        return _same_run(fresh)
    directory.create(dataset.lines())
    return fresh


def _check_server(config: RunConfig) -> None:
    if config.endpoint.base_url:
        Endpoint(config.endpoint.base_url)  # checks the URL before anything is loaded
    elif config.serve is None:
        raise UsageError(
            "there is no model server: name a running one (--base-url URL) or start one (--serve vllm|llamacpp)"
        )
    api_key(config)


def _new_directory(config: RunConfig) -> Path:
    task = config.task.name or Path(config.task.data or "").stem
    stamp = time.strftime("%Y%m%d-%H%M%S")
    name = f"{stamp}-{task}-{config.strategy.name}"
    number = 1
    while (path := Path("runs") / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return path


def _same_run(fresh: Preparation) -> Preparation:
    recorded = prepare_recorded(fresh.directory.path)
    mine, theirs = _identity(fresh), _identity(recorded)
    for key in ("sampling.max_tokens", "endpoint.model"):
        if mine[key] is None:  # left to be chosen, and chosen by the first run
            mine[key] = theirs[key]
    differing = [
        f"{key}: {theirs.get(key)!r} there, {mine.get(key)!r} here"
        for key in sorted({*mine, *theirs})
        if mine.get(key) != theirs.get(key)
    ]
    if differing:
        raise UsageError(
            f"out: {fresh.directory.path} holds a run with another configuration; name another folder (--out). "
            "What differs:\n  " + "\n  ".join(differing)
        )
    config = fresh.config.model_copy(update={"sampling": recorded.config.sampling})
    return Preparation(config, fresh.directory, recorded.dataset, recorded.strategy, recorded.prompts, recorded.model)


def _identity(run: Preparation) -> dict[str, Any]:
    """Everything that decides which chains a run has."""
    config = run.config.model_dump(mode="json")
    return {
        **{f"sampling.{name}": value for name, value in config["sampling"].items()},
        "endpoint.model": config["endpoint"]["model"],
        "endpoint.extra_body": config["endpoint"]["extra_body"],
        "task.repeats": config["task"]["repeats"],
        "problems (SHA-256)": run.dataset.sha256(),
        "prompts (SHA-256)": run.prompts.sha256,
        "strategy": label(run.strategy),
        "seed": config["seed"],
        "compaction": config["compaction"],
    }


def prepare_resume(path: Path, overrides: Mapping[str, Any]) -> Preparation:
    """A run to go on with. `overrides` may change how chains are made (endpoint, serve), not which.

    Raises `UsageError` if the directory is no whole run, the prompts have changed, or no server is named.
    """
    run = prepare_recorded(path, overrides)
    _check_server(run.config)
    return run


def prepare_recorded(path: Path, overrides: Mapping[str, Any] = MappingProxyType({})) -> Preparation:
    """A run as its directory records it, for which no server may be needed."""
    directory = RunDirectory(path)
    content = directory.read_run()
    try:
        config, recorded, model = content["config"], content["provenance"], content["model"]
        prompts_sha256, data = recorded["prompts_sha256"], recorded["dataset"]
        source, revision, rows, sha256 = data["source"], data["revision"], data["rows"], data["sha256"]
    except (KeyError, TypeError) as error:
        raise UsageError(f"{directory.run_yaml} is not whole: {error} is missing") from error
    origins = {}
    for key, value in overrides.items():
        _override(config, key, value)
        origins[key] = "command line"
    checked = validate(config, origins, str(directory.run_yaml))
    prompts = Prompts(checked.prompts)
    if prompts.sha256 != prompts_sha256:
        raise UsageError(
            f"the prompts {checked.prompts!r} have changed since {path} was started: restore them, or start a new run"
        )
    dataset = Dataset(load_problems(directory.problems, sha256), source, revision, rows)
    return Preparation(checked, directory, dataset, checked.strategy.build(), prompts, model)


def _override(config: dict[str, Any], key: str, value: Any) -> None:
    section, _, name = key.partition(".")
    allowed = _CHANGEABLE.get(section, ())
    if allowed is not None and name not in allowed:
        raise UsageError(f"a run cannot be resumed with another {key}: that would mix two runs; start a new one")
    if not name:
        config[section] = value
        return
    inner = config.get(section)
    config[section] = {**(inner if isinstance(inner, dict) else {}), name: value}
    if key == "endpoint.base_url":
        config["serve"] = None
    if section == "serve":
        config["endpoint"] = {**config.get("endpoint", {}), "base_url": None}
