"""What a training set would cost, before anything is spent: `rsa-train build CONFIG --plan`."""

import asyncio
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.table import Table

from evals.console import output, write_json
from evals.forecast import Forecast, forecast
from evals.train.building.config import BuildConfig
from evals.train.building.dropped import counted, reasons
from evals.train.building.lengths import reply_tokens
from evals.train.building.sampling import run_configs
from evals.train.building.sources import Selection

__all__ = ["show_plan"]


def show_plan(config: BuildConfig, selection: Selection, as_json: bool) -> None:
    """Print how many problems of each source would be sampled, and what that takes at most and probably."""
    configs = run_configs(config, selection, Path("runs"))
    found = [
        asyncio.run(forecast(each, None, source.dataset)) for each, source in zip(configs, selection.sources, strict=True)
    ]
    if as_json:
        told = [{"source": source.name, **asdict(each)} for source, each in zip(selection.sources, found, strict=True)]
        write_json(
            {
                "problems": selection.problems,
                "validation": len(selection.validation),
                "dropped": counted(selection.dropped),
                "runs": told,
            }
        )
        return
    console = output()
    console.print(_table(selection, found))
    console.print(
        f"{selection.problems:,} problems, {len(selection.validation):,} of them for validation; {config.n} candidates for "
        f"each, of at most {reply_tokens(config):,} new tokens; {config.k} of them in an aggregation prompt"
    )
    console.print(f"before anything is sampled: {reasons(selection.dropped)}")
    console.print(f"tokens counted  {found[0].counted_by}")


def _table(selection: Selection, found: list[Forecast]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("source", overflow="fold")
    for column in ("problems", "calls", "expected\nprompt tokens", "expected\nnew tokens", "most\nnew tokens"):
        table.add_column(column, justify="right")
    for source, each in zip(selection.sources, found, strict=True):
        tokens = (each.expected.prompt, each.expected.completion, each.worst_case.completion)
        table.add_row(source.name, f"{each.problems:,}", f"{each.calls:,}", *(f"{count:,}" for count in tokens))
    return table
