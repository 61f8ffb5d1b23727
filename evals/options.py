"""The options of `rsa-eval`, each with its help, and the configuration keys that they stand for."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

Target = Annotated[str | None, typer.Argument(help="A config file (.yaml) or the name of a task.")]
Task = Annotated[str | None, typer.Option(help="A task of `rsa-eval tasks`; NAME:16 repeats each problem.")]
Data = Annotated[str | None, typer.Option(help="A .jsonl, .csv or .parquet file with the problems, or a hub data set.")]
QuestionField = Annotated[str | None, typer.Option(help="Its column of questions.")]
AnswerField = Annotated[str | None, typer.Option(help="Its column of right answers.")]
IdField = Annotated[str | None, typer.Option(help="Its column of ids.")]
Kind = Annotated[str | None, typer.Option(help="Problem kind: math, choice, number, gym, code, general or text.")]
Scorer = Annotated[str | None, typer.Option(help="How answers are judged; your own function is file.py:function.")]
Size = Annotated[int | None, typer.Option(help="A sample of, or so many generated problems (supergpqa, reasoning_gym).")]
DataSeed = Annotated[int | None, typer.Option(help="Fixes which sample is drawn or generated.")]
Release = Annotated[str | None, typer.Option(help="livecodebench: release_v1 to release_v6, or v1 to v6 alone.")]
Errata = Annotated[
    bool | None, typer.Option("--exclude-errata", help="livecodebench: without problems whose tests are known to be broken.")
]
Sandbox = Annotated[str | None, typer.Option(help="sealed, or unsafe to run programs without isolation.")]
Model = Annotated[str | None, typer.Option(help="Model name; with --serve a folder, file or hub id.")]
BaseUrl = Annotated[str | None, typer.Option(help="URL of a running OpenAI-compatible server, with /v1.")]
ApiKeyEnv = Annotated[str | None, typer.Option(help="Environment variable that holds the API key.")]
Serve = Annotated[str | None, typer.Option(help="Start a server for the run: vllm or llamacpp.")]
StrategyName = Annotated[
    str | None, typer.Option(help="rsa, majority, self_refine, self_aggregation, rejection, sample; or 'majority(n=9)'.")
]
N = Annotated[int | None, typer.Option(help="Population size N.")]
K = Annotated[int | None, typer.Option(help="Candidates a chain reads, K.")]
Steps = Annotated[int | None, typer.Option(help="Populations T: 10 is one of samples and nine of aggregations.")]
Limit = Annotated[int | None, typer.Option(help="Only the first so many problems.")]
Repeats = Annotated[int | None, typer.Option(help="Runs of every problem.")]
Seed = Annotated[int | None, typer.Option(help="Fixes every draw.")]
MaxConcurrency = Annotated[int | None, typer.Option(help="Calls in flight at most.")]
Concurrency = Annotated[str | None, typer.Option(help="adaptive (up to --max-concurrency) or fixed.")]
BudgetTokens = Annotated[int | None, typer.Option(help="Tokens that the run may take, prompts and replies together.")]
BudgetCalls = Annotated[int | None, typer.Option(help="Requests that the run may send.")]
BudgetUsd = Annotated[float | None, typer.Option(help="US dollars that the run may cost, by the prices in the config.")]
BudgetSeconds = Annotated[float | None, typer.Option(help="Seconds in which the run may send calls.")]
OnOverflow = Annotated[
    str | None, typer.Option(help="For prompts over the context window: fail, shrink_k, tail or summarize.")
]
MaxTokens = Annotated[int | None, typer.Option(help="New tokens a chain.")]
Temperature = Annotated[float | None, typer.Option(help="Sampling temperature.")]
Out = Annotated[str | None, typer.Option(help="The run directory; by default a new one under runs/.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any configuration key, e.g. sampling.top_p=0.9.")
]
Targets = Annotated[
    list[str] | None, typer.Argument(help="A config file (.yaml), the name of a task, or run directories to compare.")
]
Strategies = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        help="Such as 'rsa(n=16,k=4,steps=10)' or 'majority(n=160)'; once for each.",
    ),
]
Sweeps = Annotated[
    list[str] | None,
    typer.Option("--sweep", metavar="KEY=V,V", help="Values of n, k, steps or any key: each combination."),
]
Match = Annotated[
    str | None,
    typer.Option(help="Compare at equal generations, completion_tokens, total_tokens, price, depth, ..."),
]
Reference = Annotated[str | None, typer.Option(help="What all others are compared with; by default the last rsa.")]
Votes = Annotated[bool | None, typer.Option("--votes", help="Also compare the vote over each strategy's population.")]
MeanTokens = Annotated[
    int | None, typer.Option(min=1, help="Expected new tokens a chain; by default half of what it may have.")
]
Simulate = Annotated[bool, typer.Option("--simulate", help="Simulate the run on GPUs: hours, tokens/s, preemptions.")]
GPUs = Annotated[str | None, typer.Option("--gpus", metavar="N,N", help="Numbers of GPUs to simulate.")]
Within = Annotated[str | None, typer.Option(metavar="TIME", help="Find the smallest number of GPUs: 90m, 1.5h, 2d.")]
GPU = Annotated[str | None, typer.Option("--gpu", help="a100, b200, h100 (the default), h200 or l40s.")]
Lengths = Annotated[Path | None, typer.Option(metavar="RUN", help="A run whose chains' lengths are drawn from.")]
Calibrate = Annotated[Path | None, typer.Option(metavar="RUN", help="A finished run to which the server's speed is fitted.")]
Assume = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="A number of the GPU, model or server, e.g. server.kv_tokens=400000."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]
Directory = Annotated[Path, typer.Argument(help="A run directory.")]

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "task": "task.name",
        "data": "task.data",
        "limit": "task.limit",
        "repeats": "task.repeats",
        "kind": "task.kind",
        "scorer": "task.scorer",
        "size": "task.size",
        "data_seed": "task.data_seed",
        "release": "task.release",
        "exclude_errata": "task.exclude_errata",
        "sandbox": "sandbox",
        "question_field": "task.question_field",
        "answer_field": "task.answer_field",
        "id_field": "task.id_field",
        "model": "endpoint.model",
        "base_url": "endpoint.base_url",
        "max_concurrency": "endpoint.max_concurrency",
        "concurrency": "endpoint.concurrency",
        "budget_tokens": "budget.tokens",
        "budget_calls": "budget.calls",
        "budget_usd": "budget.usd",
        "budget_seconds": "budget.seconds",
        "on_overflow": "on_overflow",
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
        "match": "match",
        "reference": "reference",
        "votes": "votes",
    }
)
"""The configuration key that each option stands for."""


def dotted(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given and stand for a configuration key, by that key."""
    return {FLAGS[name]: value for name, value in options.items() if name in FLAGS and value is not None}
