"""An endpoint made ready: which model it is, how long its context is, how prompts are counted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from rsa.endpoint import Client, Endpoint, Model
from rsa.errors import EndpointRefused
from rsa.text import did_you_mean
from rsa.tokens import TokenCounter

__all__ = ["Session", "open_session"]


@dataclass(frozen=True, slots=True)
class Session:
    """A live client whose model is known. `context` is in tokens, None where neither the server nor the user said it."""

    client: Client
    models: tuple[Model, ...]
    context: int | None
    counter: TokenCounter


@asynccontextmanager
async def open_session(endpoint: Endpoint) -> AsyncIterator[Session]:
    """Ask the server what it serves, then connect.

    Raises `EndpointUnreachable` at once if nobody answers, and `EndpointRefused` if the model is not there or not named
    where the server has several.
    """
    async with endpoint.connect() as client:
        models = await client.models()
    model = _resolve(endpoint, models)
    async with replace(endpoint, model=model.id).connect() as client:
        yield Session(client, models, endpoint.context or model.context, client.count_tokens)


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
