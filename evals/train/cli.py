"""The command `rsa-train`. Nothing heavy is imported before a command needs it."""

import os
import signal
from enum import StrEnum
from typing import Annotated

import typer

from evals.exits import errors
from evals.options import (
    ApiKeyEnv,
    BaseUrl,
    BudgetCalls,
    BudgetSeconds,
    BudgetTokens,
    BudgetUsd,
    Concurrency,
    Json,
    MaxConcurrency,
    MaxTokens,
    Model,
    Sandbox,
    Seed,
    Serve,
    Sets,
    Temperature,
    dotted,
)

__all__ = ["PROGRAM", "app", "main"]

PROGRAM = "rsa-train"

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Aggregation-aware reinforcement learning: teach a model to combine its own solutions. Exit codes: 0 done, "
    "1 failed, 2 bad usage or configuration, 3 incomplete (can be resumed).",
)


class Backend(StrEnum):
    """Who trains."""

    TRL = "trl"
    VERL = "verl"


def main() -> None:
    """The entry point."""
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")  # that there is no PyTorch is no news here
    try:
        app(prog_name=PROGRAM)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the exit code is settled: a late Ctrl-C must not replace it


@app.callback(invoke_without_command=True)
def _start(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        return
    from evals.clash import warn_of_name_clash  # noqa: PLC0415

    warn_of_name_clash()


@app.command()
def build(
    target: Annotated[str, typer.Argument(metavar="CONFIG", help="A config file (.yaml), such as those in configs/train.")],
    model: Model = None,
    base_url: BaseUrl = None,
    api_key_env: ApiKeyEnv = None,
    serve: Serve = None,
    limit: Annotated[int | None, typer.Option(help="Problems in all, before anything is filtered.")] = None,
    seed: Seed = None,
    max_concurrency: MaxConcurrency = None,
    concurrency: Concurrency = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    sandbox: Sandbox = None,
    budget_tokens: BudgetTokens = None,
    budget_calls: BudgetCalls = None,
    budget_usd: BudgetUsd = None,
    budget_seconds: BudgetSeconds = None,
    out: Annotated[
        str | None, typer.Option(help="The folder of the data set; one that was begun is gone on with. By default runs/...")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what it would cost.")] = False,
    retry_dead: Annotated[bool, typer.Option("--retry-dead", help="Sample dead candidates again.")] = False,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Make a training set of plain and aggregation prompts, with candidates sampled from the starting model."""
    flags = dotted({**locals(), "limit": None})
    if limit is not None:  # here it is not that of one task
        flags["limit"] = limit
    with errors(PROGRAM):
        from evals.train.building.commands import build_now  # noqa: PLC0415

        build_now(target, flags, sets or [], as_json=as_json, plan_only=plan, retry_dead=retry_dead)


@app.command()
def run(
    target: Annotated[str, typer.Argument(metavar="CONFIG", help="A config file (.yaml), such as those in configs/train.")],
    backend: Annotated[Backend, typer.Option(help="Who trains: trl in this process, verl on a Ray cluster.")] = Backend.TRL,
    model: Annotated[str | None, typer.Option(help="The starting model: a folder or a hub id.")] = None,
    data: Annotated[str | None, typer.Option(help="The folder that `rsa-train build` made.")] = None,
    out: Annotated[str | None, typer.Option(help="The folder of the run; one that was begun is gone on with.")] = None,
    seed: Seed = None,
    ray_address: Annotated[str | None, typer.Option(help="verl: HOST:PORT of a running Ray cluster, or auto.")] = None,
    print_only: Annotated[
        bool, typer.Option("--print", help="verl: only print the command that would be launched.")
    ] = False,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any configuration key, e.g. learning_rate=0.00001."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a model on a training set with RLOO, by default as the paper does."""
    given = {"model": model, "data": data, "out": out, "seed": seed, "verl.ray_address": ray_address}
    flags = {key: value for key, value in given.items() if value is not None}
    with errors(PROGRAM):
        from evals.train.training import run_training  # noqa: PLC0415

        run_training(target, flags, sets or [], backend.value, as_json=as_json, print_only=print_only)
