"""`rsa-eval compare` and `rsa-eval report`, which `evals.cli` takes into the command."""

from pathlib import Path
from typing import Annotated

import typer

from evals.exits import errors
from evals.options import (
    AnswerField,
    ApiKeyEnv,
    BaseUrl,
    BudgetCalls,
    BudgetSeconds,
    BudgetTokens,
    BudgetUsd,
    Concurrency,
    Data,
    DataSeed,
    Errata,
    IdField,
    Json,
    Kind,
    Limit,
    Match,
    MaxConcurrency,
    MaxTokens,
    Model,
    OnOverflow,
    Out,
    QuestionField,
    Reference,
    Release,
    Repeats,
    Sandbox,
    Scorer,
    Seed,
    Serve,
    Sets,
    Size,
    Strategies,
    Sweeps,
    Targets,
    Task,
    Temperature,
    Votes,
    dotted,
)

__all__ = ["compare", "report"]


def compare(
    targets: Targets = None,
    strategies: Strategies = None,
    sweeps: Sweeps = None,
    match: Match = None,
    reference: Reference = None,
    votes: Votes = None,
    task: Task = None,
    data: Data = None,
    question_field: QuestionField = None,
    answer_field: AnswerField = None,
    id_field: IdField = None,
    kind: Kind = None,
    scorer: Scorer = None,
    size: Size = None,
    data_seed: DataSeed = None,
    release: Release = None,
    exclude_errata: Errata = None,
    sandbox: Sandbox = None,
    model: Model = None,
    base_url: BaseUrl = None,
    api_key_env: ApiKeyEnv = None,
    serve: Serve = None,
    limit: Limit = None,
    repeats: Repeats = None,
    seed: Seed = None,
    max_concurrency: MaxConcurrency = None,
    concurrency: Concurrency = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    on_overflow: OnOverflow = None,
    budget_tokens: BudgetTokens = None,
    budget_calls: BudgetCalls = None,
    budget_usd: BudgetUsd = None,
    budget_seconds: BudgetSeconds = None,
    out: Out = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what it would cost.")] = False,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Run several strategies on shared samples and compare them at equal budget; or compare run directories."""
    flags = dotted(locals())
    with errors():
        from evals.comparison.commands import compare_now  # noqa: PLC0415

        compare_now(targets or [], strategies or [], sweeps or [], flags, sets or [], as_json, plan)


def report(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR", help="Run directories, or that of a comparison.")],
    out: Annotated[Path | None, typer.Option(help="The page; by default report.html in the one directory, or here.")] = None,
    export: Annotated[
        Path | None, typer.Option(help="Also write every plot (SVG, PNG) and table (CSV, Markdown, LaTeX) to this folder.")
    ] = None,
    texts: Annotated[str | None, typer.Option(help="How much of the chains' text goes in: all, none, or megabytes.")] = None,
    match: Match = None,
    reference: Reference = None,
    votes: Votes = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="prices.prompt=..., prices.completion=...")
    ] = None,
) -> None:
    """Write the page about one run or several, with every chain to read. Opens from disk, fetches nothing."""
    with errors():
        from evals.comparison.commands import report_now  # noqa: PLC0415

        report_now(
            directories, out, export, texts, dotted({"match": match, "reference": reference, "votes": votes}), sets or []
        )
