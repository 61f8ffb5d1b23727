"""The command `rsa-eval`. Nothing heavy is imported before a command needs it."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Run benchmarks with Recursive Self-Aggregation or a baseline. Exit codes: 0 done, 1 the run failed, "
    "2 bad usage or configuration, 3 incomplete (can be resumed).",
)

Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any configuration key, e.g. sampling.top_p=0.9.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
BaseUrl = Annotated[str | None, typer.Option(help="URL of a running OpenAI-compatible server, with /v1.")]
Serve = Annotated[str | None, typer.Option(help="Start a server for the run: vllm or llamacpp.")]
Concurrency = Annotated[int | None, typer.Option(help="Calls in flight at most.")]
Directory = Annotated[Path, typer.Argument(help="A run directory.")]

_FLAGS = {
    "task": "task.name",
    "data": "task.data",
    "limit": "task.limit",
    "repeats": "task.repeats",
    "kind": "task.kind",
    "question_field": "task.question_field",
    "answer_field": "task.answer_field",
    "id_field": "task.id_field",
    "model": "endpoint.model",
    "base_url": "endpoint.base_url",
    "max_concurrency": "endpoint.max_concurrency",
    "api_key_env": "endpoint.api_key_env",
    "strategy": "strategy.name",
    "n": "strategy.n",
    "k": "strategy.k",
    "steps": "strategy.steps",
    "seed": "seed",
    "max_tokens": "sampling.max_tokens",
    "temperature": "sampling.temperature",
    "serve": "serve.engine",
    "out": "out",
}


def main() -> None:
    """The entry point."""
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")  # that there is no PyTorch is no news here
    app(prog_name="rsa-eval")


@app.callback(invoke_without_command=True)
def _start(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
        return
    from evals.clash import warn_of_name_clash  # noqa: PLC0415

    warn_of_name_clash()


@app.command()
def run(
    target: Annotated[str | None, typer.Argument(help="A config file (.yaml) or the name of a task.")] = None,
    task: Annotated[str | None, typer.Option(help="A task of `rsa-eval tasks`.")] = None,
    data: Annotated[str | None, typer.Option(help="A .jsonl, .csv or .parquet file with the problems.")] = None,
    question_field: Annotated[str | None, typer.Option(help="Its column of questions.")] = None,
    answer_field: Annotated[str | None, typer.Option(help="Its column of right answers.")] = None,
    id_field: Annotated[str | None, typer.Option(help="Its column of ids.")] = None,
    kind: Annotated[str | None, typer.Option(help="Problem kind: math, choice or number.")] = None,
    model: Annotated[str | None, typer.Option(help="Model name; with --serve a folder, file or hub id.")] = None,
    base_url: BaseUrl = None,
    api_key_env: Annotated[str | None, typer.Option(help="Environment variable that holds the API key.")] = None,
    serve: Serve = None,
    strategy: Annotated[
        str | None, typer.Option(help="rsa, majority, self_refine, self_aggregation, rejection or sample.")
    ] = None,
    n: Annotated[int | None, typer.Option(help="Population size N.")] = None,
    k: Annotated[int | None, typer.Option(help="Candidates a chain reads, K.")] = None,
    steps: Annotated[int | None, typer.Option(help="Populations T: 10 is one of samples and nine of aggregations.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many problems.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Runs of every problem.")] = None,
    seed: Annotated[int | None, typer.Option(help="Fixes every draw.")] = None,
    max_concurrency: Concurrency = None,
    max_tokens: Annotated[int | None, typer.Option(help="New tokens a chain.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Sampling temperature.")] = None,
    out: Annotated[str | None, typer.Option(help="The run directory; by default a new one under runs/.")] = None,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Run a task with a strategy, or go on with the run in --out."""
    flags = {name: value for name, value in locals().items() if name in _FLAGS and value is not None}
    with _errors():
        from evals.commands import configured, run_now  # noqa: PLC0415
        from evals.preparation import prepare  # noqa: PLC0415

        run_now(prepare(configured(target, _dotted(flags), sets or [])), as_json)


@app.command()
def resume(
    directory: Directory,
    base_url: BaseUrl = None,
    serve: Serve = None,
    max_concurrency: Concurrency = None,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Go on with an interrupted run. Only how chains are made may change, not which."""
    flags = {name: value for name, value in locals().items() if name in _FLAGS and value is not None}
    with _errors():
        from evals.commands import merged, run_now  # noqa: PLC0415
        from evals.preparation import prepare_resume  # noqa: PLC0415

        run_now(prepare_resume(directory, merged(_dotted(flags), sets or [])), as_json)


@app.command()
def score(directory: Directory, as_json: Json = False) -> None:
    """Score a run again without generating; the verdicts so far are kept."""
    with _errors():
        from evals.commands import score_again  # noqa: PLC0415

        score_again(directory, as_json)


@app.command()
def plan(
    target: Annotated[str | None, typer.Argument(help="A config file (.yaml) or the name of a task.")] = None,
    base_url: BaseUrl = None,
    mean_tokens: Annotated[
        int | None, typer.Option(help="Expected new tokens a chain; by default half of max_tokens.")
    ] = None,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Say what a run would cost: calls, tokens, the first prompt, whether the longest fits. Generates nothing."""
    flags = {"base_url": base_url} if base_url else {}
    with _errors():
        from evals.commands import configured  # noqa: PLC0415
        from evals.forecast import show_forecast  # noqa: PLC0415

        show_forecast(configured(target, _dotted(flags), sets or []), mean_tokens, as_json)


@app.command()
def tasks(as_json: Json = False) -> None:
    """List the tasks."""
    from evals.commands import list_tasks  # noqa: PLC0415

    list_tasks(as_json)


@app.command()
def doctor(
    base_url: BaseUrl = None,
    model: Annotated[str | None, typer.Option(help="The model that should be there.")] = None,
    api_key_env: Annotated[str | None, typer.Option(help="Environment variable that holds the API key.")] = None,
    as_json: Json = False,
) -> None:
    """Check the installation, the engines and, with --base-url, an endpoint. Generates nothing."""
    with _errors():
        from evals.doctor import examine  # noqa: PLC0415

        examine(base_url, model, api_key_env, as_json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of config files, for editors."""
    from evals.config import RunConfig  # noqa: PLC0415

    print(json.dumps(RunConfig.model_json_schema(), indent=2))


def _dotted(flags: dict[str, Any]) -> dict[str, Any]:
    return {_FLAGS[name]: value for name, value in flags.items()}


@contextmanager
def _errors() -> Iterator[None]:
    """Turn our own errors into one message and an exit code."""
    import asyncio  # noqa: PLC0415

    from rsa.errors import Incomplete, RSAError, UsageError  # noqa: PLC0415

    try:
        yield
    except RSAError as error:
        print(f"rsa-eval: {error}", file=sys.stderr)
        raise typer.Exit(2 if isinstance(error, UsageError) else 3 if isinstance(error, Incomplete) else 1) from error
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        print("rsa-eval: interrupted before any chain was generated", file=sys.stderr)
        raise typer.Exit(3) from error
