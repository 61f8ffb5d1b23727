"""Everything about a run that can be settled before any server is asked: tasks, prompts, the run directory."""

import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evals.config import RunConfig
from evals.directory import RunDirectory
from evals.loading import validate, with_overrides
from evals.problems import Dataset, load_problems
from evals.scoring import Scoring, check_golds
from evals.tasks import load_task, scorer_of
from evals.tasks.config import TaskConfig
from rsa.endpoint import Endpoint
from rsa.errors import UsageError
from rsa.ordering import ordered
from rsa.plan import Plan
from rsa.prompts import Prompts
from rsa.secrets import key_in
from rsa.strategies import Strategy, label

__all__ = [
    "Preparation",
    "api_key",
    "check_operational",
    "identity",
    "identity_sha256",
    "new_directory",
    "prepare",
    "prepare_recorded",
    "prepare_resume",
    "prepare_score",
    "with_server",
]

_OPERATIONAL = [
    "endpoint.base_url",
    "endpoint.api_key_env",
    "endpoint.max_concurrency",
    "endpoint.concurrency",
    "endpoint.timeout",
    "endpoint.retries",
    "endpoint.patience",
    "endpoint.rate",
    "endpoint.context",
    "endpoint.tokenizer",
    "endpoint.check_model",
    "endpoint.affinity_header",
    "max_dead",
    "sandbox",
]
_OPERATIONAL_SECTIONS = ("serve", "budget", "prices")
"""What may differ between a run and its resumption: how chains are made and what they may cost, not which."""
_JUDGING = ("task.scorer", "task.tolerance", "task.lenient", "sandbox")
"""What may differ when a run is judged again."""


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

    def plan(self, problem: str, repeat: int) -> Plan:
        """The plan for one repeat of a problem, with the candidates of its prompts in their order."""
        return ordered(self.strategy.plan(self.config.seed, problem, repeat), self.config.candidate_order)

    def scoring(self) -> Scoring:
        """The scorers of this run, ready for its problems. Raises `UsageError` for what they miss."""
        task = self.config.task
        unsafe = self.config.sandbox == "unsafe"
        with ExitStack() as stack:
            scoring = stack.enter_context(Scoring(scorer_of(task), task.tolerance, lenient=task.lenient, unsafe=unsafe))
            scoring.prepare(self.dataset.problems)
            stack.pop_all()  # it is the caller's now
        return scoring


def api_key(variable: str | None) -> str | None:
    """The API key out of an environment variable, if one is named. Raises `UsageError` if it is not set."""
    return key_in(variable, "endpoint.api_key_env")


def prepare(config: RunConfig, dataset: Dataset | None = None) -> Preparation:
    """A new run; or, where the directory holds one of the same configuration already, its resumption.

    `dataset` are the problems of the task, where they were read before. Nothing is overwritten.
    Raises `UsageError` for whatever is wrong with the data, the prompts or the directory.
    """
    strategy = config.strategy.build()
    prompts = Prompts(config.prompts)
    dataset = dataset or load_task(config.task, config.seed)
    check_golds(dataset.problems, scorer_of(config.task), dataset.source)
    _check_server(config)
    directory = RunDirectory(Path(config.out) if config.out else new_directory(config.task, config.strategy.name))
    fresh = Preparation(config, directory, dataset, strategy, prompts)
    if directory.started:
        return _same_run(fresh)
    directory.create(dataset, prompts)
    return fresh


def _check_server(config: RunConfig) -> None:
    if config.endpoint.base_url:
        Endpoint(config.endpoint.base_url)  # checks the URL before anything is spent
    elif config.serve is None:
        raise UsageError(
            "there is no model server: name a running one (--base-url URL) or start one (--serve vllm|llamacpp)"
        )
    api_key(config.endpoint.api_key_env)


def new_directory(task: TaskConfig, what: str) -> Path:
    """A folder under runs/ that is not there yet, named by the time, the task and what is done with it."""
    name = re.sub(r"[^\w.-]+", "-", task.name or Path(task.data or "").stem)[:60]
    stamped = f"{time.strftime('%Y%m%d-%H%M%S')}-{name}-{what}"
    number = 1
    while (path := Path("runs") / (stamped if number == 1 else f"{stamped}-{number}")).exists():
        number += 1
    return path


def _same_run(fresh: Preparation) -> Preparation:
    recorded = prepare_recorded(fresh.directory.path)
    mine, theirs = identity(fresh), identity(recorded)
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
    _refuse_other_judging(fresh.config.task, recorded.config.task, fresh.directory.path)
    config = fresh.config.model_copy(update={"sampling": recorded.config.sampling})
    return Preparation(config, fresh.directory, recorded.dataset, recorded.strategy, recorded.prompts, recorded.model)


def _refuse_other_judging(mine: TaskConfig, theirs: TaskConfig, path: Path) -> None:
    """A run goes on with the scorer that it began with, so that its verdicts are of one kind."""
    ours, recorded = ((scorer_of(task), task.tolerance, task.lenient) for task in (mine, theirs))
    if ours != recorded:
        raise UsageError(
            f"out: {path} is judged by {recorded[0] or 'the scorer of its kind'} (tolerance {recorded[1]:g}, lenient "
            f"{recorded[2]}), and not as given here; to judge it otherwise: rsa-eval score {path} --scorer NAME"
        )


def identity(run: Preparation) -> dict[str, Any]:
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
        # only where it says something, so that runs from before there was a choice know themselves again
        **({"on_overflow": config["on_overflow"]} if config["on_overflow"] != "fail" else {}),
        **({"candidate_order": config["candidate_order"]} if config["candidate_order"] != "draw" else {}),
    }


def identity_sha256(run: Preparation) -> str:
    """The fingerprint by which a run knows itself again."""
    return hashlib.sha256(json.dumps(identity(run), sort_keys=True).encode()).hexdigest()


def prepare_resume(path: Path, overrides: Mapping[str, Any]) -> Preparation:
    """A run to go on with. `overrides` may change how chains are made (endpoint, serve), not which.

    Raises `UsageError` if the directory is no whole run, it was edited, or no server is named.
    """
    run = prepare_recorded(path, overrides)
    _check_server(run.config)
    return run


def prepare_score(path: Path, overrides: Mapping[str, Any]) -> Preparation:
    """A run to be judged again. `overrides` may change how it is judged. Raises `UsageError` as `prepare_resume` does."""
    other = [key for key in overrides if key not in _JUDGING]
    if other:
        raise UsageError(f"{other[0]} has nothing to do with scoring: leave it out ({', '.join(_JUDGING)} may change)")
    run = prepare_recorded(path, overrides, _JUDGING)
    check_golds(run.dataset.problems, scorer_of(run.config.task), run.dataset.source)
    return run


def prepare_recorded(
    path: Path, overrides: Mapping[str, Any] = MappingProxyType({}), may_change: Sequence[str] = ()
) -> Preparation:
    """A run as its directory records it, for which no server may be needed."""
    directory = RunDirectory(path)
    content = directory.read_run()
    try:
        config, model, fingerprint = content["config"], content["model"], content["identity_sha256"]
        data = content["provenance"]["dataset"]
        source, revision, rows, sha256 = data["source"], data["revision"], data["rows"], data["sha256"]
        details = data.get("details", {})
    except (KeyError, TypeError) as error:
        raise UsageError(f"{directory.run_yaml} is not whole: {error} is missing") from error
    checked = validate(
        _overridden(config, overrides, may_change), dict.fromkeys(overrides, "command line"), str(directory.run_yaml)
    )
    dataset = Dataset(load_problems(directory.problems, sha256), source, revision, rows, details)
    run = Preparation(checked, directory, dataset, checked.strategy.build(), Prompts(directory.prompts), model)
    if identity_sha256(run) != fingerprint:
        raise UsageError(
            f"{path} is not the run that was started there: its run.yaml, problems or prompts were edited; "
            "restore them, or start a new run"
        )
    return run


def check_operational(keys: Iterable[str], may_change: Sequence[str] = ()) -> None:
    """Raises `UsageError` for a key that decides which chains a run has, or how they are judged, unless it `may_change`."""
    for key in keys:
        if key not in (*_OPERATIONAL, *may_change) and key.partition(".")[0] not in _OPERATIONAL_SECTIONS:
            raise UsageError(f"a run cannot be resumed with another {key}: that would mix two runs; start a new one")


def _overridden(config: Any, overrides: Mapping[str, Any], may_change: Sequence[str]) -> Any:
    """The recorded configuration with what may change."""
    if not isinstance(config, dict):
        return config
    check_operational(overrides, may_change)
    return with_server(config, overrides)


def with_server(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with values put over it; a server that is named among them replaces the one that was."""
    served = any(key.partition(".")[0] == "serve" and value is not None for key, value in overrides.items())
    replaced: dict[str, Any] = {}
    if served:
        replaced["endpoint.base_url"] = None
        recorded = config.get("serve") or {}
        if overrides.get("serve.engine") not in (None, recorded.get("engine")):
            replaced["serve"] = None
    elif "endpoint.base_url" in overrides:
        replaced["serve"] = None
    return with_overrides(config, {**replaced, **overrides})
