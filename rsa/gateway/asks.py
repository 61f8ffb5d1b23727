"""From a checked request to what is to be done: which strategy on which question, within the server's own maxima."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from rsa.asking import question_of, subject_of
from rsa.budget import Budget
from rsa.compaction import COMPACTIONS
from rsa.endpoint import Sampling
from rsa.errors import UsageError
from rsa.gateway.config import GatewayConfig
from rsa.gateway.content import asks_for_more, conversation, foreign_fields, unknown_fields
from rsa.gateway.problems import ApiError
from rsa.gateway.wire import ChatRequest, RSAOptions
from rsa.generation import Question
from rsa.keys import Key
from rsa.kinds import kind_named
from rsa.ordering import ordered
from rsa.plan import Plan
from rsa.strategies import STRATEGIES, Select, Strategy, label
from rsa.text import did_you_mean

__all__ = ["Ask", "PassedOn", "model_names", "understood", "usual_values"]

_SUFFIXES: Mapping[str, str | None] = MappingProxyType({"": None, "rsa": "rsa", "majority": "majority", "plain": "plain"})
_SEED_BITS = 31
_OWN_DEFAULTS = frozenset({("self_refine", "n")})  # a line of refinement is one, whatever the population is


@dataclass(frozen=True, slots=True)
class PassedOn:
    """A request that goes to the model server as it is. `why` says why, where it was not asked for.

    It makes no chains, so there is neither a seed nor a run to fetch.
    """

    body: Mapping[str, Any]
    stream: bool
    why: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What the reply's headers say of it."""
        return {"X-RSA-Plan": "plain", **({"X-RSA-Note": self.why} if self.why else {})}

    @property
    def session(self) -> str:
        """The same for all turns of a conversation: it is told by what it begins with, to the user's first turn."""
        turns = self.body["messages"]
        first = next((number for number, turn in enumerate(turns) if turn.get("role") == "user"), len(turns))
        return Key(0, json.dumps(turns[: first + 1], sort_keys=True), purpose="session").token()


@dataclass(frozen=True, slots=True)
class Ask:
    """One question and what is to be done with it. `last` are fields of the request for the answering step alone."""

    model: str
    question: Question
    strategy: Strategy
    plan: Plan
    select: Select
    compaction: str
    sampling: Sampling
    last: Mapping[str, Any]
    budget: Budget
    choices: int
    stream: bool
    include_usage: bool

    @property
    def label(self) -> str:
        """The strategy with its parameters."""
        return label(self.strategy)


def model_names(model: str) -> tuple[str, ...]:
    """The names under which a model is offered."""
    return tuple(f"{model}:{suffix}" if suffix else model for suffix in _SUFFIXES)


def understood(request: ChatRequest, body: Mapping[str, Any], config: GatewayConfig, model: str) -> Ask | PassedOn:
    """What is to be done. Raises an `ApiError` for what cannot be done, or is over the maxima."""
    named = _strategy_of(request.model, model)
    if not request.messages:
        raise ApiError(400, "messages is empty: give at least the user's question", "empty_messages", param="messages")
    _within("max_tokens", request.max_completion_tokens or request.max_tokens, config.maxima.max_tokens)
    if named == "plain":
        if request.rsa is not None:
            raise ApiError(
                400, f"{request.model} is answered without RSA: leave rsa out, or ask {model}", "conflict", param="rsa"
            )
        return PassedOn(_passed(body, model, config), bool(request.stream))
    more = asks_for_more(request)
    if more and config.unsupported == "refuse":
        raise ApiError(
            400, f"{more[1]}: this server refuses that; leave it out, or ask {model}:plain", "unsupported", param=more[0]
        )
    if more and request.rsa is not None:
        raise ApiError(400, f"{more[1]}: leave that out, or rsa", "unsupported", param=more[0])
    if config.unsupported == "refuse" and (unknown := unknown_fields(request)):
        message = f"{unknown[0]}: this server knows no such field and refuses it; leave it out, or ask {model}:plain"
        raise ApiError(400, message, "unknown_field", param=unknown[0])
    if more:
        return PassedOn(_passed(body, model, config), bool(request.stream), more[1])
    return _ask(request, request.rsa or RSAOptions(), named, config)


def _passed(body: Mapping[str, Any], model: str, config: GatewayConfig) -> dict[str, Any]:
    """The body that is passed on; where it sets no limit to the reply, the server's own holds."""
    _within("n", body.get("n"), config.maxima.n)
    fields = {name: value for name, value in body.items() if name != "rsa"} | {"model": model}
    limited = any(body.get(name) is not None for name in ("max_tokens", "max_completion_tokens"))
    return fields if limited or config.maxima.max_tokens is None else {**fields, "max_tokens": config.maxima.max_tokens}


def _strategy_of(name: str, model: str) -> str | None:
    """What the suffix of a model's name asks for; None where there is none."""
    for suffix in _SUFFIXES:
        if name == (f"{model}:{suffix}" if suffix else model):
            return _SUFFIXES[suffix]
    raise ApiError(
        404, f"there is no model {name!r}{did_you_mean(name, model_names(model))}", "model_not_found", param="model"
    )


def _ask(request: ChatRequest, options: RSAOptions, named: str | None, config: GatewayConfig) -> Ask:
    strategy = _strategy(options, named, config)
    seed = _seed(request, options)
    compaction = options.compaction or config.defaults.compaction
    if compaction not in COMPACTIONS:
        message = f"there is no compaction {compaction!r}{did_you_mean(compaction, COMPACTIONS)}"
        raise ApiError(400, message, "invalid_value", param="rsa.compaction")
    try:
        kind = kind_named(options.kind or config.defaults.kind)
    except UsageError as error:
        raise ApiError(400, str(error), "invalid_value", param="rsa.kind") from None
    question = question_of(conversation(request.messages), kind, None)
    plan = ordered(strategy.plan(seed, subject_of(question)), config.defaults.candidate_order)
    select = options.select or config.defaults.select or strategy.select
    if named == "majority" and not options.select:
        select = "majority"
    choices = request.n or 1
    most = len(plan.populations[-1])
    if choices > most:
        message = f"n={choices} answers cannot come from a population of {most} ({label(strategy)}): lower n or raise rsa.n"
        raise ApiError(400, message, "invalid_value", param="n")
    formatted = {"response_format": request.response_format} if request.response_format else {}
    streams = request.stream_options is not None and bool(request.stream_options.include_usage)
    budget, sampling = _budget(options, config), _sampling(request, config)
    return Ask(
        request.model,
        question,
        strategy,
        plan,
        select,
        compaction,
        sampling,
        formatted,
        budget,
        choices,
        bool(request.stream),
        streams,
    )


def _strategy(options: RSAOptions, named: str | None, config: GatewayConfig) -> Strategy:
    name = options.strategy or named or config.defaults.strategy
    if named and options.strategy and options.strategy != named:
        raise ApiError(
            400,
            f"the model's name asks for {named} and rsa.strategy for {options.strategy}: leave one of them out",
            "conflict",
            param="rsa.strategy",
        )
    if name not in STRATEGIES:
        message = f"there is no strategy {name!r}{did_you_mean(name, STRATEGIES)}"
        raise ApiError(400, message, "invalid_value", param="rsa.strategy")
    given = {key: value for key in ("n", "k", "steps") if (value := getattr(options, key)) is not None}
    for key, value in given.items():
        _within(key, value, getattr(config.maxima, key), "rsa.")
    values = usual_values(name, config)
    if surplus := [key for key in given if key not in values]:
        message = f"{name} takes no {surplus[0]} (it takes {', '.join(values) or 'nothing'}): leave it out"
        raise ApiError(400, message, "invalid_value", param=f"rsa.{surplus[0]}")
    values |= given
    if "k" in values and "k" not in given and "n" in values:
        values["k"] = min(values["k"], values["n"])
    try:
        strategy = STRATEGIES[name](**values)
    except UsageError as error:
        raise ApiError(400, str(error), "invalid_value", param="rsa.k") from None
    _within(
        "chains", values.get("n", values.get("k", 1)) * values.get("steps", 1 + (name == "rejection")), config.maxima.chains
    )
    return strategy


def usual_values(name: str, config: GatewayConfig) -> dict[str, int]:
    """The parameters that a strategy takes, as they are where a request does not give them."""
    values: dict[str, Any] = {
        field.name: field.default if (name, field.name) in _OWN_DEFAULTS else getattr(config.defaults, field.name)
        for field in fields(STRATEGIES[name])  # type: ignore[arg-type]
    }
    if values.keys() >= {"n", "k"}:
        values["k"] = min(values["k"], values["n"])
    return values


def _within(name: str, value: int | None, most: int | None, section: str = "") -> None:
    if value is not None and most is not None and value > most:
        message = f"{section}{name}={value} is more than the {most} that this server allows: lower it"
        raise ApiError(400, message, "over_maximum", param=f"{section}{name}")


def _seed(request: ChatRequest, options: RSAOptions) -> int:
    if request.seed is not None and options.seed is not None and request.seed != options.seed:
        message = "seed and rsa.seed differ: give one of them, it fixes the plan and the seed of every call"
        raise ApiError(400, message, "conflict", param="seed")
    given = request.seed if options.seed is None else options.seed
    return secrets.randbits(_SEED_BITS) if given is None else given


def _sampling(request: ChatRequest, config: GatewayConfig) -> Sampling:
    limits = {limit for limit in (request.max_tokens, request.max_completion_tokens) if limit is not None}
    if len(limits) > 1:
        message = "max_tokens and max_completion_tokens differ: give one of them"
        raise ApiError(400, message, "conflict", param="max_tokens")
    usual = config.defaults.sampling()
    stop = (request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ())
    return replace(
        usual,
        temperature=usual.temperature if request.temperature is None else request.temperature,
        top_p=usual.top_p if request.top_p is None else request.top_p,
        max_tokens=limits.pop() if limits else usual.max_tokens or config.maxima.max_tokens,
        stop=stop,
        extra=foreign_fields(request),
    )


def _budget(options: RSAOptions, config: GatewayConfig) -> Budget:
    asked, most = options.budget, config.maxima
    tokens, calls = (asked.tokens, asked.calls) if asked else (None, None)
    _within("tokens", tokens, most.tokens, "rsa.budget.")
    _within("calls", calls, most.calls, "rsa.budget.")
    return Budget(tokens or most.tokens, calls or most.calls, seconds=asked.seconds if asked else None)
