"""What a comparison would cost, before anything is spent: `rsa-eval compare ... --plan`."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich import box
from rich.table import Table

from evals.comparison.config import ComparisonConfig, Entry, entries
from evals.comparison.running import Wish
from evals.config import RunConfig
from evals.console import output, write_json
from evals.forecast import Forecast, forecast
from evals.sharing import common_places
from rsa.plan import Place

__all__ = ["plan_comparison"]

_OF_A_RUN = ("strategy", "task", "out")


def plan_comparison(config: ComparisonConfig, as_json: bool) -> None:
    """Print how many calls and tokens each strategy is charged for, and how many calls are made in all."""
    wanted, notes = entries(config)
    Wish.of(config).check(wanted)
    forecasts = [asyncio.run(forecast(entry.config, None)) for entry in wanted]
    shared = [sum(1 for _ in found) for found in _shared(wanted)]
    runs = [each.problems * each.repeats for each in forecasts]
    taken = [places * several for places, several in zip(shared, runs, strict=True)]
    made = sum(each.calls for each in forecasts) - sum(taken)
    if as_json:
        told = [
            {"name": entry.name, **asdict(each), "fits": each.fits, "taken_over": over}
            for entry, each, over in zip(wanted, forecasts, taken, strict=True)
        ]
        write_json({"calls": made, "runs": told, "left_out": notes})
        return
    console = output()
    console.print(_table(wanted, forecasts, taken))
    console.print(f"{made:,} calls in all; what is taken over from an earlier strategy is generated once")
    for line in notes:
        console.print(line)


def _shared(wanted: Sequence[Entry]) -> Iterator[set[Place]]:
    """For each run the places of a problem that an earlier run of the same sampling has as well."""
    earlier: list[Entry] = []
    for entry in wanted:
        plan = entry.config.strategy.build().plan(entry.config.seed, "")
        found: set[Place] = set()
        for other in earlier:
            if _alike(entry.config, other.config):
                found |= common_places(plan, other.config.strategy.build().plan(other.config.seed, ""))
        yield found
        earlier.append(entry)


def _alike(ours: RunConfig, theirs: RunConfig) -> bool:
    return ours.model_dump(exclude={*_OF_A_RUN}) == theirs.model_dump(exclude={*_OF_A_RUN})


def _table(wanted: Sequence[Entry], forecasts: Sequence[Forecast], taken: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("strategy", overflow="fold")
    for column in ("calls", "taken\nover", "expected\nprompt tokens", "expected\nnew tokens", "longest\nprompt", "fits"):
        table.add_column(column, justify="right")
    words = {True: "yes", False: "NO", None: "?"}
    for entry, each, over in zip(wanted, forecasts, taken, strict=True):
        expected = (f"{each.expected.prompt:,}", f"{each.expected.completion:,}")
        table.add_row(entry.name, f"{each.calls:,}", f"{over:,}", *expected, f"{each.longest:,}", words[each.fits])
    return table
