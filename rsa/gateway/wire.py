"""The body of a chat request, checked strictly; every mistake is told with its field and what to do."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rsa.gateway.problems import ApiError
from rsa.text import did_you_mean

__all__ = ["ChatRequest", "RSAOptions", "read_request"]

Positive = Annotated[int, Field(ge=1)]
_MOST_MISTAKES = 5  # that are told of one request


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class BudgetOptions(_Strict):
    """What the answer may cost; null does not bound."""

    tokens: Positive | None = None
    calls: Positive | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None


class RSAOptions(_Strict):
    """The `rsa` object of a request."""

    n: Positive | None = None
    k: Positive | None = None
    steps: Positive | None = None
    strategy: str | None = None
    select: Literal["sample", "majority"] | None = None
    budget: BudgetOptions | None = None
    seed: int | None = None
    compaction: str | None = None
    kind: str | None = None


class StreamOptions(BaseModel):
    """How a stream is wanted."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")  # others concern OpenAI's own servers

    include_usage: bool | None = None


class ChatRequest(_Strict):
    """What of a request is understood here. All other fields are in `model_extra`."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: Annotated[list[dict[str, Any]], Field(fail_fast=True)]
    n: Positive | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = None
    stop: str | Annotated[list[str], Field(fail_fast=True)] | None = None
    seed: int | None = None
    response_format: dict[str, Any] | None = None
    rsa: RSAOptions | None = None

    @property
    def others(self) -> dict[str, Any]:
        """The fields that are not understood here and say something."""
        return {name: value for name, value in (self.model_extra or {}).items() if value is not None}


def read_request(content: bytes) -> tuple[ChatRequest, dict[str, Any]]:
    """The request, and its body as it came. Raises an `ApiError` (400) for what is none."""
    try:
        body = json.loads(content, parse_constant=_no_number)
        json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair, which no reply could carry, ends here
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"the body is not JSON: {error}", "invalid_json") from None
    if not isinstance(body, dict):
        raise ApiError(400, "the body must be a JSON object with model and messages", "invalid_json")
    try:
        return ChatRequest.model_validate(body), body
    except ValidationError as error:
        raise _mistake(error.errors(include_url=False)) from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _mistake(errors: list[Any]) -> ApiError:
    """The first mistake decides the code; the message lists the first few."""
    first = errors[0]
    code = {"missing": "missing_field", "extra_forbidden": "unknown_field"}.get(first["type"], "invalid_value")
    told = [*map(_told, errors[:_MOST_MISTAKES])]
    if more := len(errors) - len(told):
        told.append(f"and {more:,} more mistakes")
    return ApiError(400, "; ".join(told), code, param=_place(first))


def _place(details: Any) -> str:
    return ".".join(str(part) for part in details["loc"])


def _told(details: Any) -> str:
    place = _place(details)
    if details["type"] == "missing":
        return f"{place} is missing: give it"
    if details["type"] == "extra_forbidden":
        *path, last = details["loc"]
        known = BudgetOptions if path[-1:] == ["budget"] else RSAOptions
        return f"unknown field {place!r}{did_you_mean(str(last), known.model_fields)}"
    given = "" if isinstance(details["input"], Mapping | list) else f" (given: {details['input']!r:.100})"
    return f"{place}: {details['msg']}{given}"
