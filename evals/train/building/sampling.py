"""Sampling the candidates: an ordinary run for each source, in a run directory of its own, all on one server.

So whatever holds for runs holds here: progress, budgets, retries, resuming, and verdicts as they come.
"""

import math
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from evals.config import EngineConfig, RunConfig
from evals.display import Display
from evals.preparation import Preparation, prepare
from evals.revival import drop_dead
from evals.runner import evaluate
from evals.strategy import StrategyConfig
from evals.train.building.config import BuildConfig
from evals.train.building.lengths import reply_tokens
from evals.train.building.sources import Selection
from rsa.errors import RSAError

__all__ = ["SAMPLES", "run_configs", "sample", "sampling_runs"]

SAMPLES = "samples"
"""The folder of the run directories."""


def run_configs(config: BuildConfig, selection: Selection, folder: Path) -> list[RunConfig]:
    """The run of each source. A budget is divided among them by their problems, so that together they keep within it."""
    shared = {name: getattr(config, name) for name in EngineConfig.model_fields}
    sampling = config.sampling.model_copy(update={"max_tokens": reply_tokens(config)})
    strategy = StrategyConfig(name="majority", n=config.n)
    made = []
    for source in selection.sources:
        part = len(source.dataset.problems) / selection.problems
        out = str(folder / SAMPLES / source.folder)
        own = {"sampling": sampling, "budget": _part(config, part), "out": out}
        made.append(RunConfig(**{**shared, **own}, task=source.task, strategy=strategy))
    return made


def _part(config: BuildConfig, part: float) -> Any:
    """The budget of a source; what counts whole things is rounded down, but never to nothing."""
    budget = config.budget
    whole = {"tokens": budget.tokens, "calls": budget.calls}
    counted = {name: max(1, math.floor(limit * part)) for name, limit in whole.items() if limit is not None}
    exact = {name: limit * part for name in ("usd", "seconds") if (limit := getattr(budget, name)) is not None}
    return budget.model_copy(update={**counted, **exact})


def sampling_runs(config: BuildConfig, selection: Selection, folder: Path) -> list[Preparation]:
    """The runs, new or begun before. Raises `UsageError` as `prepare` does."""
    configs = run_configs(config, selection, folder)
    return [prepare(each, source.dataset) for each, source in zip(configs, selection.sources, strict=True)]


def sample(runs: Sequence[Preparation], arguments: Sequence[str], display: Display, *, retry_dead: bool) -> RSAError | None:
    """Generate whatever is not recorded yet, and give what stopped that early, if anything did."""
    with ExitStack() as stack:
        for run in runs:
            stack.callback(run.directory.discard_if_empty)
            stack.enter_context(run.directory.locked())
            if retry_dead and run.directory.started:
                display.note(f"{run.directory.path.name}: {drop_dead(run)} chains are taken back and generated again")
        outcomes = evaluate(runs, arguments, display)
    return next((outcome.problem for outcome in outcomes if outcome.problem), None)
