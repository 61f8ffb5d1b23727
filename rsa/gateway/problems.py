"""What a client is told when something is wrong: OpenAI's error shape, the right status, and what to do about it."""

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from rsa.endpoint.faults import Fault, FaultKind
from rsa.errors import BudgetSpent, EndpointRefused, EndpointUnreachable, RSAError, RunFailed, UsageError

__all__ = ["ApiError", "problem_of"]

_TYPES: Mapping[int, str] = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
_ADDRESS = re.compile(r"https?://\S+: ")  # of the model server, which is no client's business
_STATUS = re.compile(r"HTTP (\d{3})")
_CONTEXT = re.compile(r"context (?:window|size|length)|maximum context", re.IGNORECASE)
_BAD_REQUEST = frozenset({400, 413, 422})
_UNAVAILABLE_WAIT = 5  # seconds
_NOT_READY = 503


class ApiError(Exception):
    """An answer other than 200. `param` names the field that is wrong, `retry_after` is in seconds."""

    def __init__(
        self, status: int, message: str, code: str, *, param: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = _ADDRESS.sub("", message)
        self.code = code
        self.param = param
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


def problem_of(error: RSAError | Fault) -> ApiError:
    """What a failure of the work, or of the server behind, comes to for the client."""
    if isinstance(error, Fault):
        return _of_fault(error)
    text = str(error)
    if isinstance(error, EndpointUnreachable):
        return ApiError(503, f"the model server is not there: {text}", "upstream_down", retry_after=_UNAVAILABLE_WAIT)
    if isinstance(error, BudgetSpent):
        return ApiError(400, text, "budget_spent", param="rsa.budget")
    if isinstance(error, EndpointRefused | RunFailed):
        return _of_refusal(text)
    if isinstance(error, UsageError):
        return ApiError(400, text, "invalid_value")
    return ApiError(500, text, "failed")


def _of_refusal(text: str) -> ApiError:
    """Told by the status in the text: where the model server finds fault with the request, so does this one."""
    if _CONTEXT.search(text):
        return ApiError(400, text, "context_length_exceeded", param="messages")
    status = _STATUS.search(text)
    if status and int(status[1]) in _BAD_REQUEST:
        return ApiError(400, f"the model server refuses this request: {text}", "upstream_refused")
    if "no reply within" in text:
        return ApiError(504, f"the model server is too slow: {text}", "upstream_slow")
    return ApiError(502, f"the model server failed: {text}", "upstream_failed")


def _of_fault(fault: Fault) -> ApiError:
    told = fault.message
    gone = ApiError(503, f"the model server is not there: {told}", "upstream_down", retry_after=_UNAVAILABLE_WAIT)
    wait = max(1, round(fault.wait or 1))
    problems = {
        FaultKind.UNREACHABLE: gone,
        FaultKind.TIMEOUT: ApiError(504, f"the model server is too slow: {told}", "upstream_slow"),
        FaultKind.BUSY: ApiError(429, f"the model server is busy: {told}; try later", "upstream_busy", retry_after=wait),
        FaultKind.CONTEXT: ApiError(400, told, "context_length_exceeded", param="messages"),
        FaultKind.PROMPT: ApiError(400, f"the model server refuses this request: {told}", "upstream_refused"),
    }
    failed = gone if fault.status == _NOT_READY else ApiError(502, f"the model server failed: {told}", "upstream_failed")
    return problems.get(fault.kind, failed)
