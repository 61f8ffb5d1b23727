"""The configuration of `rsa-serve`: one model for the YAML file and the flags, all of it checked at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rsa.compaction import COMPACTIONS
from rsa.endpoint import Endpoint, Sampling
from rsa.errors import UsageError
from rsa.kinds import KINDS
from rsa.serving import ENGINES, Engine
from rsa.strategies import STRATEGIES, Select
from rsa.text import did_you_mean

__all__ = ["GatewayConfig", "Maxima", "Positive", "load_config"]

Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A checked, immutable part of the configuration that takes no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


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
        )


class Serve(Section):
    """A model server to start, and to end with this one."""

    engine: Literal["vllm", "llamacpp"]
    """vllm or llamacpp."""
    context: Positive | None = None
    """The context window to serve with, in tokens."""
    log: str = "rsa-serve-model.log"
    """The file that its output goes to."""
    args: list[str] = Field(default_factory=list)
    """vllm: further arguments."""
    parallel: Positive | None = None
    """llamacpp: sequences at a time."""
    threads: Positive | None = None
    """llamacpp: processor threads."""

    def build(self, model: str | None) -> Engine:
        """The engine. Raises `UsageError` for keys that it does not take."""
        own: dict[str, dict[str, Any]] = {
            "vllm": {"args": tuple(self.args)},
            "llamacpp": {"parallel": self.parallel, "threads": self.threads},
        }
        foreign = [key for engine, keys in own.items() if engine != self.engine for key, value in keys.items() if value]
        if foreign:
            raise UsageError(f"{self.engine} takes no serve.{foreign[0]}: leave it out")
        given = {key: value for key, value in own[self.engine].items() if value}
        return ENGINES[self.engine](model=model, context=self.context, **given)


class Defaults(Section):
    """What is done with a request that does not say it."""

    strategy: str = "rsa"
    """rsa, majority, self_refine, self_aggregation, rejection or sample."""
    n: Positive = 8
    """Population size, N."""
    k: Positive = 4
    """Candidates that each later chain reads, K."""
    steps: Positive = 3
    """Populations, T."""
    select: Select | None = None
    """sample or majority; by default the strategy's own."""
    kind: str = "general"
    """How later prompts ask for the answer and how it is read: general, math, choice, number, gym, code or text."""
    compaction: str = "answer"
    """What of a candidate a prompt shows: answer (without thinking) or full."""
    on_overflow: Literal["fail", "shrink_k", "tail"] = "fail"
    """What becomes of a prompt over the context window."""
    temperature: float = Field(1.0, ge=0)
    """Sampling temperature."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Nucleus sampling."""
    max_tokens: Positive | None = None
    """New tokens a chain; by default 8192, or less where the context could not hold k candidates and a reply."""

    @model_validator(mode="after")
    def _known(self) -> "Defaults":
        for what, name, known in (
            ("strategy", self.strategy, STRATEGIES),
            ("kind", self.kind, KINDS),
            ("compaction", self.compaction, COMPACTIONS),
        ):
            if name not in known:
                raise ValueError(f"there is no {what} {name!r}{did_you_mean(name, known)}")
        if self.k > self.n:
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
    """Time limit of a request; what is complete by then answers, or 504."""
    drain: Positive = 30
    """Seconds that requests have to end after SIGTERM."""


class Keys(Section):
    """Who may use this server: anyone, unless keys are set."""

    env: str | None = None
    """An environment variable with one or more keys, with commas between."""
    file: str | None = None
    """A file with a key a line."""


class Runs(Section):
    """For how long the lineage of an answer can be fetched."""

    seconds: Seconds = 3600.0
    """After the answer."""
    number: Positive = 100
    """Runs that are kept at most."""


class Stream(Section):
    """How answers are streamed."""

    keep_alive: Seconds = 10.0
    """Seconds of silence after which a comment is sent, so that proxies do not cut the connection."""
    progress: bool = True
    """Whether progress is told as reasoning while the populations grow."""


class GatewayConfig(Section):
    """All of it."""

    upstream: Upstream = Upstream()
    serve: Serve | None = None
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
    content = _read(path) if path else {}
    for key, value in overrides.items():
        section: dict[str, Any] = content
        *names, last = key.split(".")
        for name in names:
            inner = section.get(name)
            section[name] = dict(inner) if isinstance(inner, Mapping) else {}
            section = section[name]
        section[last] = value
    try:
        return GatewayConfig.model_validate(content)
    except ValidationError as error:
        source = str(path or "command line")
        raise UsageError("\n".join(f"{source}: {_told(details)}" for details in error.errors())) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} must hold keys and values, such as 'port: 8100'")
    return content


def _told(details: Any) -> str:
    key = ".".join(str(part) for part in details["loc"])
    if details["type"] == "extra_forbidden":
        model: Any = GatewayConfig
        for name in details["loc"][:-1]:
            model = getattr(model.model_fields.get(name), "annotation", None) if hasattr(model, "model_fields") else None
        valid = model.model_fields if hasattr(model, "model_fields") else ()
        return f"unknown key {key!r}{did_you_mean(str(details['loc'][-1]), valid)}"
    message = str(details["msg"]).removeprefix("Value error, ")
    given = "" if isinstance(details["input"], Mapping | BaseModel) else f" (given: {details['input']!r})"
    return f"{key}: {message}{given}" if key else message
