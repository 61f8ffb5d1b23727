"""The configuration of a run: one model for the YAML file, `--set key=value` and the flags.

Defaults < file < command line. Everything is checked at once: unknown keys, wrong types and values that do not go together
are reported in one message, each with its place and the nearest valid name.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from evals.strategy import StrategyConfig
from evals.tasks.config import TaskConfig
from rsa.budget import Budget, Prices
from rsa.compaction import COMPACTIONS
from rsa.endpoint import Endpoint, Rate, Sampling
from rsa.ordering import CANDIDATE_ORDERS
from rsa.overflow import OVERFLOWS
from rsa.serving import ENGINES, Engine
from rsa.settings import Positive, Section, by_plain, one_of

__all__ = [
    "EndpointConfig",
    "EngineConfig",
    "NamedStrategy",
    "NamedTask",
    "RunConfig",
    "SamplingConfig",
    "ServeConfig",
    "StrategyConfig",
    "TaskConfig",
]


class RateConfig(Section):
    """A quota of a hosted API: at most so many calls in any period."""

    calls: Positive
    """Calls."""
    period: float = Field(60.0, gt=0)
    """Seconds."""


class EndpointConfig(Section):
    """The OpenAI-compatible server."""

    base_url: str | None = None
    """Such as http://localhost:8000/v1; leave it out to start a server (`serve`)."""
    model: str | None = None
    """The model's name there; with `serve` the folder, file or hub id to serve."""
    api_key_env: str | None = None
    """The environment variable that holds the API key. The key itself is never written anywhere."""
    max_concurrency: Positive = 256
    """Calls in flight at most."""
    concurrency: Literal["adaptive", "fixed"] = "adaptive"
    """adaptive finds by itself how many calls up to max_concurrency make the server faster; fixed is max_concurrency."""
    timeout: float = Field(1800.0, gt=0)
    """Seconds that one call may take."""
    retries: int = Field(5, ge=0)
    """How often a failed call is sent again."""
    patience: float = Field(300.0, ge=0)
    """Seconds that the server may be gone, failing or turning every call away before the run stops."""
    rate: RateConfig | None = None
    """A quota of calls."""
    context: Positive | None = None
    """The model's context window in tokens, where the server does not say it."""
    tokenizer: str | None = None
    """A folder or hub id to count prompt tokens with, where the server does not count them."""
    check_model: bool = True
    """Whether the model must be among those that the server lists."""
    affinity_header: str | None = "X-Session-ID"
    """A header with the same opaque value in all calls of one step of a problem (and repeat), by which a router in front
    of several servers keeps them on one; null sends none."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Merged into every request; null removes a field that the server does not know."""

    def build(self, base_url: str, model: str | None, api_key: str | None) -> Endpoint:
        """The endpoint at a URL, which may be that of a started server."""
        return Endpoint(
            base_url,
            model,
            api_key,
            max_concurrency=self.max_concurrency,
            concurrency=self.concurrency,
            timeout=self.timeout,
            retries=self.retries,
            patience=self.patience,
            rate=Rate(self.rate.calls, self.rate.period) if self.rate else None,
            context=self.context,
            extra_body=self.extra_body,
            check_model=self.check_model,
            affinity_header=self.affinity_header,
        )


class SamplingConfig(Section):
    """How the model samples."""

    temperature: float = Field(1.0, ge=0)
    """Temperature."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Nucleus sampling."""
    max_tokens: Positive | None = None
    """New tokens a chain; by default 8192, or less where the context could not hold k candidates and a reply."""
    top_k: int | None = None
    """Sent only when set; not part of OpenAI's API. -1 switches it off in vLLM and llama.cpp."""
    min_p: float | None = Field(None, ge=0, le=1)
    """Sent only when set; not part of OpenAI's API."""
    stop: list[str] = Field(default_factory=list)
    """Texts that end a reply."""
    system: str | None = None
    """A system message before every prompt."""

    def build(self, max_tokens: int) -> Sampling:
        """The sampling with a definite length."""
        return Sampling(self.temperature, self.top_p, max_tokens, self.top_k, self.min_p, tuple(self.stop))


class ServeConfig(Section):
    """A server to start for the length of the run. A plain engine name stands for the whole section."""

    engine: Literal["vllm", "llamacpp"]
    """vllm or llamacpp."""
    port: int = Field(0, ge=0, le=65535)
    """0 takes any free port."""
    context: Positive | None = None
    """The context window to serve with, in tokens."""
    startup_timeout: float | None = Field(None, gt=0)
    """Seconds until it must be ready, downloads included."""
    model: str | None = None
    """The folder, file or hub id to load where that is not endpoint.model, which then is only its name in requests."""
    args: list[str] = Field(default_factory=list)
    """vllm: further arguments of its server."""
    python: str | None = None
    """vllm: the interpreter that has vLLM, by default this one."""
    parallel: Positive | None = None
    """llamacpp: sequences at a time, by default 4."""
    threads: Positive | None = None
    """llamacpp: processor threads, by default as many as there are cores; fewer where the machine has other work."""

    @model_validator(mode="after")
    def _only_its_own_keys(self) -> "ServeConfig":
        foreign = {"vllm": ("parallel", "threads"), "llamacpp": ("args", "python")}[self.engine]
        given = [name for name in foreign if getattr(self, name)]
        if given:
            raise ValueError(f"{self.engine} takes no {', '.join(given)}: leave it out")
        return self

    def build(self, model: str | None) -> Engine:
        """The engine that serves what an endpoint calls `model`."""
        options: dict[str, Any] = {"model": self.model or model, "port": self.port, "context": self.context}
        optional = {
            "served_as": model if self.model else None,
            "startup_timeout": self.startup_timeout,
            "args": tuple(self.args) or None,
            "python": self.python,
            "parallel": self.parallel,
            "threads": self.threads,
        }
        options.update({name: value for name, value in optional.items() if value is not None})
        return ENGINES[self.engine](**options)


class PricesConfig(Section):
    """US dollars per million tokens, for budgets in dollars."""

    prompt: float = Field(ge=0)
    """Of prompt tokens."""
    completion: float = Field(ge=0)
    """Of new tokens."""
    cached: float | None = Field(None, ge=0)
    """Of prompt tokens out of the server's cache, by default like the others."""

    def build(self) -> Prices:
        """The prices."""
        return Prices(self.prompt, self.completion, self.cached)


class LimitsConfig(Section):
    """What may be spent. Whatever is left out is not bounded."""

    tokens: Positive | None = None
    """Prompt and new tokens together."""
    calls: Positive | None = None
    """Requests, those that failed among them."""
    usd: float | None = Field(None, gt=0)
    """US dollars, by `prices`."""
    seconds: float | None = Field(None, gt=0)
    """Seconds in which calls are sent."""

    def build(self, prices: PricesConfig | None) -> Budget:
        """The budget."""
        return Budget(self.tokens, self.calls, self.usd, self.seconds, prices.build() if prices else None)


class BudgetConfig(LimitsConfig):
    """What the whole run may spend, with all its resumptions."""

    problem: LimitsConfig = LimitsConfig()
    """What every repeat of every problem may spend."""


NamedTask = Annotated[TaskConfig, by_plain("name", TaskConfig)]
NamedStrategy = Annotated[StrategyConfig, by_plain("name", StrategyConfig)]
"""Sections, or texts that stand for them."""


class EngineConfig(Section):
    """How chains are made, whatever they are for."""

    endpoint: EndpointConfig = EndpointConfig()
    sampling: SamplingConfig = SamplingConfig()
    budget: BudgetConfig = BudgetConfig()
    prices: PricesConfig | None = None
    serve: Annotated[ServeConfig | None, by_plain("engine", ServeConfig | None)] = None
    seed: int = 0
    """Fixes every draw: plans, request seeds, answers."""
    prompts: str = "default"
    """A shipped preset, or a folder with aggregate.j2, refine.j2, verify.j2 and summarize.j2."""
    compaction: Annotated[str, one_of("compaction", COMPACTIONS)] = "answer"
    """What of a candidate a prompt shows: answer (without thinking) or full."""
    candidate_order: Annotated[str, one_of("order", CANDIDATE_ORDERS)] = "draw"
    """How the candidates of a prompt stand: draw (as drawn, as in the paper), index (by slot) or shared (prompts of a step
    begin alike, for the prefix cache of a server). Every single prompt keeps its distribution."""
    max_dead: float = Field(0.05, ge=0, le=1)
    """The run counts as incomplete (exit code 3) if a larger share of its chains is dead, or of its verdicts an error."""
    sandbox: Literal["sealed", "unsafe"] = "sealed"
    """Where programs and Reasoning Gym's scorers run; unsafe runs them without isolation where the system has none."""
    out: str | None = None
    """The run directory; by default a new one under runs/."""

    @model_validator(mode="after")
    def _priced(self) -> Self:
        for limits in (self.budget, self.budget.problem):
            limits.build(self.prices)
        return self

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        if self.serve and self.endpoint.base_url:
            raise ValueError("endpoint.base_url and serve exclude each other: use a running server or start one")
        return self


class RunConfig(EngineConfig):
    """A whole run."""

    task: NamedTask
    strategy: NamedStrategy = StrategyConfig()
    on_overflow: Annotated[str, one_of("rule", OVERFLOWS)] = "fail"
    """What becomes of a prompt over the context window: fail (the chain is dead), shrink_k (fewer candidates), tail (their
    ends) or summarize (condensed by the model)."""
