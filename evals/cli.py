"""The command `rsa-eval`. Nothing heavy is imported before a command needs it."""

import json
import os
import signal
from typing import Annotated

import typer

from evals.cli_comparison import compare, report
from evals.exits import errors
from evals.options import (
    GPU,
    AnswerField,
    ApiKeyEnv,
    Assume,
    BaseUrl,
    BudgetCalls,
    BudgetSeconds,
    BudgetTokens,
    BudgetUsd,
    Calibrate,
    Concurrency,
    Data,
    DataSeed,
    Directory,
    Errata,
    GPUs,
    IdField,
    Json,
    K,
    Kind,
    Lengths,
    Limit,
    MaxConcurrency,
    MaxTokens,
    MeanTokens,
    Model,
    N,
    OnOverflow,
    Out,
    QuestionField,
    Release,
    Repeats,
    Sandbox,
    Scorer,
    Seed,
    Serve,
    Sets,
    Simulate,
    Size,
    Steps,
    StrategyName,
    Target,
    Task,
    Temperature,
    Within,
    dotted,
)

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Run benchmarks with Recursive Self-Aggregation or a baseline. Exit codes: 0 done, 1 the run failed, "
    "2 bad usage or configuration, 3 incomplete (can be resumed).",
)


def main() -> None:
    """The entry point."""
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")  # that there is no PyTorch is no news here
    try:
        app(prog_name="rsa-eval")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the exit code is settled: a late Ctrl-C must not replace it


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        from evals.installed import DISTRIBUTION, installed_version  # noqa: PLC0415

        print(f"{DISTRIBUTION} {installed_version(DISTRIBUTION)}")
    elif context.invoked_subcommand is None:
        print(context.get_help())
    else:
        from evals.clash import warn_of_name_clash  # noqa: PLC0415

        warn_of_name_clash()


@app.command()
def run(
    target: Target = None,
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
    strategy: StrategyName = None,
    n: N = None,
    k: K = None,
    steps: Steps = None,
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
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Run a task with a strategy, or go on with the run in --out."""
    flags = dotted(locals())
    with errors():
        from evals.commands import configured, run_now  # noqa: PLC0415
        from evals.preparation import prepare  # noqa: PLC0415

        run_now(prepare(configured(target, flags, sets or [])), as_json)


@app.command()
def plan(
    target: Target = None,
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
    strategy: StrategyName = None,
    n: N = None,
    k: K = None,
    steps: Steps = None,
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
    mean_tokens: MeanTokens = None,
    simulate: Simulate = False,
    gpus: GPUs = None,
    within: Within = None,
    gpu: GPU = None,
    lengths: Lengths = None,
    calibrate: Calibrate = None,
    assume: Assume = None,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Say what a run would cost: calls, tokens, the first prompt, whether the longest fits; with --simulate also how long
    it takes on so many GPUs. Generates nothing."""
    flags = dotted(locals())
    with errors():
        from evals.commands import configured  # noqa: PLC0415
        from evals.forecast import show_forecast  # noqa: PLC0415
        from evals.simulation import Wish, show_simulation  # noqa: PLC0415

        config = configured(target, flags, sets or [])
        wish = Wish(gpus, within, gpu, assume, lengths, calibrate)
        if simulate:
            show_simulation(config, wish, mean_tokens, as_json)
        else:
            wish.refuse()
            show_forecast(config, mean_tokens, as_json)


app.command()(compare)
app.command()(report)


@app.command()
def resume(
    directory: Directory,
    base_url: BaseUrl = None,
    serve: Serve = None,
    max_concurrency: MaxConcurrency = None,
    concurrency: Concurrency = None,
    budget_tokens: BudgetTokens = None,
    budget_calls: BudgetCalls = None,
    budget_usd: BudgetUsd = None,
    budget_seconds: BudgetSeconds = None,
    sandbox: Sandbox = None,
    retry_dead: Annotated[
        bool, typer.Option("--retry-dead", help="Generate dead chains, and what depends on them, again.")
    ] = False,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Go on with an interrupted run or comparison. Only how chains are made may change, not which."""
    flags = dotted(locals())
    with errors():
        from evals.commands import merged, run_now  # noqa: PLC0415
        from evals.comparison.running import is_comparison, resume_comparison  # noqa: PLC0415
        from evals.preparation import prepare_resume  # noqa: PLC0415

        overrides = merged(flags, sets or [])
        if is_comparison(directory):
            resume_comparison(directory, overrides, as_json, retry_dead=retry_dead)
        else:
            run_now(prepare_resume(directory, overrides), as_json, retry_dead)


@app.command()
def score(
    directory: Directory, scorer: Scorer = None, sandbox: Sandbox = None, sets: Sets = None, as_json: Json = False
) -> None:
    """Score a run again without generating, perhaps with another scorer; the verdicts so far are kept."""
    flags = dotted(locals())
    with errors():
        from evals.commands import merged, score_again  # noqa: PLC0415

        score_again(directory, merged(flags, sets or []), as_json)


@app.command()
def tasks(
    scorer: Annotated[
        str | None, typer.Option("--explain", metavar="NAME", help="How a scorer, or a task's, judges answers.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the tasks, or explain by example what a scorer counts as right."""
    with errors():
        from evals.catalogue import explain, list_tasks  # noqa: PLC0415

        if scorer:
            explain(scorer, as_json)
        else:
            list_tasks(as_json)


@app.command()
def doctor(
    base_url: BaseUrl = None,
    model: Model = None,
    api_key_env: ApiKeyEnv = None,
    as_json: Json = False,
) -> None:
    """Check the installation, the engines and, with --base-url, an endpoint. Generates nothing."""
    with errors():
        from evals.doctor import examine  # noqa: PLC0415

        examine(base_url, model, api_key_env, as_json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of config files, for editors."""
    from evals.comparison.config import ComparisonConfig  # noqa: PLC0415 - it has all keys of a run's

    print(json.dumps(ComparisonConfig.model_json_schema(), indent=2))
