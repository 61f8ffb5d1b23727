"""What a client is told when something is wrong: OpenAI's error shape, the right status, and what to do about it."""

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from rsa.errors import (
    BudgetSpent,
    CallFailed,
    ContextOverflow,
    EndpointRefused,
    EndpointUnreachable,
    RSAError,
    RunFailed,
    UsageError,
)

__all__ = ["ApiError", "problem_of", "shutting_down", "without_addresses"]

_TYPES: Mapping[int, str] = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
_LEADING_ADDRESS = re.compile(r"https?://\S+: ")  # as our own messages begin
_ADDRESS = re.compile(r"https?://[^\s'\"<>]+")
_BAD_REQUEST = frozenset({400, 413, 422})
_BUSY, _NOT_READY, _TOO_SLOW = 429, 503, 504
_UNAVAILABLE_WAIT = 5  # seconds
_LONGEST = 2000  # characters of a message; what it quotes may have any length


class ApiError(Exception):
    """An answer other than 200. `param` names the field that is wrong, `retry_after` is in seconds."""

    def __init__(
        self, status: int, message: str, code: str, *, param: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = _shortened(message)
        self.code = code
        self.param = param and _shortened(param)
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """The error as OpenAI writes it."""
        kind = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """The whole reply."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.body(), self.status, headers)


def _shortened(text: str) -> str:
    """The text without its middle, if it is too long: it begins with the place and ends with the remedy."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} ... {text[-half:]}"


def problem_of(error: RSAError) -> ApiError:
    """What a failure of the work, or of the server behind, comes to for the client.

    That no chain is alive is as bad as the failure that it was raised from.
    """
    text = without_addresses(str(error))
    if isinstance(error, EndpointUnreachable):
        return ApiError(503, f"the model server is not there: {text}", "upstream_down", retry_after=_UNAVAILABLE_WAIT)
    if isinstance(error, BudgetSpent):
        return ApiError(400, text, "budget_spent", param="rsa.budget")
    if isinstance(error, RunFailed):
        return _of_call(error.__cause__, text)
    if isinstance(error, EndpointRefused | CallFailed):
        return _of_call(error, text)
    if isinstance(error, UsageError):
        return ApiError(400, text, "invalid_value")
    return ApiError(500, text, "failed")


def shutting_down() -> ApiError:
    """Of a request that is cancelled, which nobody but the server does, when its time to end in is over (`limits.drain`)."""
    message = "this server was told to end, and the answer was not there in time: ask again"
    return ApiError(503, message, "shutting_down", retry_after=_UNAVAILABLE_WAIT)


def _of_call(failure: BaseException | None, text: str) -> ApiError:
    """Where the model server finds fault with the request, so does this one."""
    if isinstance(failure, ContextOverflow):
        return ApiError(400, text, "context_length_exceeded", param="messages")
    status = failure.status if isinstance(failure, EndpointRefused | CallFailed) else None
    if status in _BAD_REQUEST:
        return ApiError(400, f"the model server refuses this request: {text}", "upstream_refused")
    if status == _BUSY and isinstance(failure, CallFailed):
        return ApiError(429, f"the model server is busy: {text}; try later", "upstream_busy", retry_after=_UNAVAILABLE_WAIT)
    if status == _TOO_SLOW:
        return ApiError(504, f"the model server is too slow: {text}", "upstream_slow")
    if status == _NOT_READY:
        return ApiError(503, f"the model server is not ready: {text}", "upstream_down", retry_after=_UNAVAILABLE_WAIT)
    return ApiError(502, f"the model server failed: {text}", "upstream_failed")


def without_addresses(text: str) -> str:
    """A message without the model server's addresses, which are no client's business; the log has them."""
    return _ADDRESS.sub("(its address)", _LEADING_ADDRESS.sub("", text))
