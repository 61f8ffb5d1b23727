"""The configuration of `rsa-serve`: one model for the YAML file and the flags, all of it checked at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from rsa.compaction import COMPACTIONS
from rsa.endpoint import Endpoint, Sampling
from rsa.errors import UsageError
from rsa.kinds import KINDS
from rsa.ordering import CANDIDATE_ORDERS
from rsa.overflow import OVERFLOWS
from rsa.serving import ENGINES, Engine
from rsa.settings import Positive, Section, by_plain, load, one_of
from rsa.strategies import STRATEGIES, Select

__all__ = ["GatewayConfig", "Maxima", "load_config"]

Seconds = Annotated[float, Field(gt=0)]


class Upstream(Section):
    """The OpenAI-compatible server behind."""

    base_url: str | None = None
    """Such as http://localhost:8000/v1; leave it out to start a server (`serve`)."""
    model: str | None = None
    """The model's name there, if it serves several; with `serve` the folder, file or hub id to serve."""
    api_key_env: str | None = None
    """The environment variable that holds the key for it."""
    max_concurrency: Positive = 256
    """Calls in flight at most, over all requests."""
    timeout: Seconds = 600.0
    """Seconds that one call may take."""
    retries: int = Field(2, ge=0)
    """How often a failed call is sent again."""
    patience: float = Field(10.0, ge=0)
    """Seconds that it may be gone before requests are answered with 503."""
    context: Positive | None = None
    """The model's context window in tokens, where it does not say so."""
    check_model: bool = True
    """Whether the model must be among those that it lists."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Merged into every call; null removes a field that it does not know."""
    affinity_header: str | None = "X-Session-ID"
    """A header with the same opaque value in all calls of one step of a request, by which a router in front of several
    servers keeps them on one; null sends none."""

    def endpoint(self, base_url: str, model: str | None, key: str | None) -> Endpoint:
        """The endpoint at a URL, which may be that of a started server."""
        return Endpoint(
            base_url,
            model,
            key,
            max_concurrency=self.max_concurrency,
            timeout=self.timeout,
            retries=self.retries,
            patience=self.patience,
            context=self.context,
            extra_body=self.extra_body,
            check_model=self.check_model,
            affinity_header=self.affinity_header,
        )


class Serve(Section):
    """A model server to start, and to end with this one. A plain engine name stands for the whole section."""

    engine: Literal["vllm", "llamacpp"]
    """vllm or llamacpp."""
    model: str | None = None
    """The folder, file or hub id to load where that is not upstream.model, which then is only its name in requests."""
    context: Positive | None = None
    """The context window to serve with, in tokens."""
    log: str = "rsa-serve-model.log"
    """The file that its output goes to."""
    args: list[str] = Field(default_factory=list)
    """vllm: further arguments."""
    python: str | None = None
    """vllm: the interpreter that has vLLM, by default this one."""
    parallel: Positive | None = None
    """llamacpp: sequences at a time."""
    threads: Positive | None = None
    """llamacpp: processor threads."""

    def build(self, model: str | None) -> Engine:
        """The engine that serves what requests call `model`. Raises `UsageError` for keys that it does not take."""
        own: dict[str, dict[str, Any]] = {
            "vllm": {"args": tuple(self.args), "python": self.python},
            "llamacpp": {"parallel": self.parallel, "threads": self.threads},
        }
        foreign = [key for engine, keys in own.items() if engine != self.engine for key, value in keys.items() if value]
        if foreign:
            raise UsageError(f"{self.engine} takes no serve.{foreign[0]}: leave it out")
        given = {key: value for key, value in own[self.engine].items() if value}
        served_as = model if self.model else None
        return ENGINES[self.engine](model=self.model or model, served_as=served_as, context=self.context, **given)


class Defaults(Section):
    """What is done with a request that does not say it."""

    strategy: Annotated[str, one_of("strategy", STRATEGIES)] = "rsa"
    """rsa, majority, self_refine, self_aggregation, rejection or sample."""
    n: Positive = 8
    """Population size, N."""
    k: Positive = 4
    """Candidates that each later chain reads, K; not more than n where only that is given."""
    steps: Positive = 3
    """Populations, T."""
    select: Select | None = None
    """sample or majority; by default the strategy's own."""
    kind: Annotated[str, one_of("kind", KINDS)] = "general"
    """How later prompts ask for the answer and how it is read: general, math, choice, number, gym, code or text."""
    compaction: Annotated[str, one_of("compaction", COMPACTIONS)] = "answer"
    """What of a candidate a prompt shows: answer (without thinking) or full."""
    candidate_order: Annotated[str, one_of("order", CANDIDATE_ORDERS)] = "draw"
    """How the candidates of a prompt stand: draw (as drawn, as in the paper), index (by slot) or shared (prompts of a step
    begin alike, for the prefix cache of the model server)."""
    on_overflow: Annotated[str, one_of("rule", OVERFLOWS)] = "fail"
    """What becomes of a prompt over the context window: fail (the chain is dead), shrink_k (fewer candidates), tail (their
    ends) or summarize (condensed by the model, in calls of their own)."""
    temperature: float = Field(1.0, ge=0)
    """Sampling temperature."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Nucleus sampling."""
    max_tokens: Positive | None = None
    """New tokens a chain; by default 8192, or less where the context could not hold k candidates and a reply."""

    @model_validator(mode="after")
    def _drawable(self) -> "Defaults":
        if "k" in self.model_fields_set and self.k > self.n:
            raise ValueError(f"k={self.k} candidates cannot be drawn from a population of n={self.n}: lower k or raise n")
        return self

    def sampling(self) -> Sampling:
        """The sampling of a request that says nothing."""
        return Sampling(self.temperature, self.top_p, self.max_tokens)


class Maxima(Section):
    """What a request may ask for at most. Whatever is null is not bounded."""

    n: Positive = 64
    """Population size."""
    k: Positive = 16
    """Candidates a prompt."""
    steps: Positive = 16
    """Populations."""
    chains: Positive = 512
    """Chains in all."""
    max_tokens: Positive | None = None
    """New tokens a chain."""
    tokens: Positive | None = None
    """Prompt and new tokens of all its calls; also where it sets no budget."""
    calls: Positive | None = None
    """Calls; also where it sets no budget."""


class Limits(Section):
    """What this server takes on."""

    requests: Positive = 32
    """Requests at a time."""
    queue: int = Field(128, ge=0)
    """Requests that may wait for a place; any more get 429."""
    per_key: Positive | None = None
    """Requests of one API key at a time; further ones wait."""
    body_bytes: Positive = 4 << 20
    """Length of a request's body."""
    seconds: Seconds = 600.0
    """Time limit of a request, in which it may also have to wait for a place; what is complete by then answers, or 504."""
    drain: Positive = 30
    """Seconds that requests have to end after SIGTERM."""


class Keys(Section):
    """Who may use this server: anyone, unless keys are set."""

    env: str | None = None
    """An environment variable with one or more keys, with commas between."""
    file: str | None = None
    """A file with a key a line."""
    metrics: bool = False
    """Whether /metrics needs a key too, where there are keys."""
    health: bool = False
    """Whether /health needs a key too, where there are keys."""


class Runs(Section):
    """For how long the lineage of an answer can be fetched: the oldest go first."""

    seconds: Seconds = 3600.0
    """After the answer."""
    number: Positive = 100
    """Runs that are kept at most."""
    bytes: Positive = 64 << 20
    """Bytes of memory that all runs that are kept take together, those at work among them; one that is larger alone is not
    kept."""


class Stream(Section):
    """How answers are streamed."""

    keep_alive: Seconds = 10.0
    """Seconds of silence after which a comment is sent, so that proxies do not cut the connection."""
    progress: bool = True
    """Whether progress is told as reasoning while the populations grow."""


class GatewayConfig(Section):
    """All of it."""

    upstream: Upstream = Upstream()
    serve: Annotated[Serve | None, by_plain("engine", Serve | None)] = None
    defaults: Defaults = Defaults()
    maxima: Maxima = Maxima()
    limits: Limits = Limits()
    keys: Keys = Keys()
    runs: Runs = Runs()
    stream: Stream = Stream()
    prompts: str = "default"
    """A shipped preset, or a folder of templates."""
    unsupported: Literal["pass", "refuse"] = "pass"
    """Tools, images and what else cannot be aggregated, and unknown fields: passed on, or refused."""
    page: bool = True
    """Whether there is a page at / to try it."""
    cors: list[str] = Field(default_factory=list)
    """Origins of web pages that may call this server."""
    host: str = "127.0.0.1"
    """The address to listen on; 0.0.0.0 is every one of this machine's."""
    port: int = Field(8100, ge=0, le=65535)
    """0 takes any free port."""

    @model_validator(mode="after")
    def _together(self) -> "GatewayConfig":
        if self.serve and self.upstream.base_url:
            raise ValueError("upstream.base_url and serve exclude each other: use a running server or start one")
        if not self.serve and not self.upstream.base_url:
            raise ValueError("there is no model server: give --base-url URL, or --serve vllm|llamacpp to start one")
        for name in ("n", "k", "steps"):
            if getattr(self.defaults, name) > getattr(self.maxima, name):
                raise ValueError(f"defaults.{name} is over maxima.{name}: lower the one or raise the other")
        most = self.maxima.max_tokens
        if most and (self.defaults.max_tokens or most) > most:
            raise ValueError("defaults.max_tokens is over maxima.max_tokens: lower the one or raise the other")
        return self


def load_config(path: Path | None, overrides: Mapping[str, Any]) -> GatewayConfig:
    """The configuration of a file (or none) with dotted keys put over it. Raises `UsageError` that lists every mistake."""
    return load(path, overrides, GatewayConfig, "port: 8100")
