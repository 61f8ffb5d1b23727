"""A model made ready for calls: which one it is, how long its context is, how prompts are counted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, overload

from rsa.endpoint import (
    Adapter,
    CallableClient,
    CallableEndpoint,
    Client,
    Endpoint,
    LiveClient,
    Model,
    TokenCounter,
    callable_endpoint,
)
from rsa.errors import EndpointRefused
from rsa.text import did_you_mean

__all__ = ["LLM", "Ready", "Session", "open_session"]

LLM = Endpoint | CallableEndpoint | Adapter
"""What can be asked: an OpenAI-compatible server, or an async function of messages and sampling."""

ClientT_co = TypeVar("ClientT_co", bound=LiveClient, covariant=True)


@dataclass(frozen=True, slots=True)
class Ready(Generic[ClientT_co]):
    """A live client whose model is known. `context` is in tokens, None where neither the model nor the user said it."""

    client: ClientT_co
    models: tuple[Model, ...]
    context: int | None
    counter: TokenCounter


Session = Ready[Client]
"""A server made ready."""


@overload
def open_session(llm: Endpoint) -> AbstractAsyncContextManager[Session]: ...
@overload
def open_session(llm: CallableEndpoint | Adapter) -> AbstractAsyncContextManager[Ready[CallableClient]]: ...
@overload
def open_session(llm: LLM) -> AbstractAsyncContextManager[Ready[LiveClient]]: ...
def open_session(llm: LLM) -> AbstractAsyncContextManager[Ready[LiveClient]]:
    """Make a model ready for the length of a block. A server is asked what it serves, then connected.

    Raises `EndpointUnreachable` at once if nobody answers, `EndpointRefused` if the model is not there or not named where
    the server has several, and `UsageError` for what is no model.
    """
    if isinstance(llm, Endpoint):
        return _server(llm)
    return _function(callable_endpoint(llm))


@asynccontextmanager
async def _server(endpoint: Endpoint) -> AsyncIterator[Session]:
    async with endpoint.connect() as client:
        models = await client.models()
    model = _resolve(endpoint, models)
    async with replace(endpoint, model=model.id).connect() as client:
        yield Ready(client, models, endpoint.context or model.context, client.count_tokens)


@asynccontextmanager
async def _function(endpoint: CallableEndpoint) -> AsyncIterator[Ready[CallableClient]]:
    async with endpoint.connect() as client:
        yield Ready(client, (Model(endpoint.model, endpoint.context),), endpoint.context, client.count_tokens)


def _resolve(endpoint: Endpoint, models: Sequence[Model]) -> Model:
    names = [name for model in models for name in (model.id, *model.aliases)]
    if endpoint.model is None:
        if len(models) == 1:
            return models[0]
        found = f"it serves {', '.join(names)}" if names else "it lists none"
        raise EndpointRefused(f"{endpoint.base_url}: no model is named, and {found}: give one (--model)")
    for model in models:
        if endpoint.model in (model.id, *model.aliases):
            return replace(model, id=endpoint.model)
    if models and endpoint.check_model:
        raise EndpointRefused(
            f"{endpoint.base_url} serves no model {endpoint.model!r}{did_you_mean(endpoint.model, names)}; if it takes "
            "names that it does not list, set check_model to false"
        )
    return Model(endpoint.model)
