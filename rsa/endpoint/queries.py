"""What a server can be asked besides completions: its models, the length of a prompt, its load."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from rsa.endpoint.concurrency import Load
from rsa.endpoint.faults import Fault, FaultKind
from rsa.endpoint.retrying import Waiting
from rsa.endpoint.transport import Transport
from rsa.endpoint.types import Messages, Model
from rsa.errors import EndpointRefused, EndpointUnreachable

__all__ = ["Queries", "read_load"]

_SECONDS = 30.0
_ATTEMPTS = 4
_NOT_OFFERED = frozenset({404, 405, 501})
_GAUGES = re.compile(
    r"^vllm:(num_requests_running|num_requests_waiting|kv_cache_usage_perc)(?:\{[^\n]*\})? (\S+)$", re.MULTILINE
)
_PASSING = frozenset({FaultKind.RETRY, FaultKind.TIMEOUT, FaultKind.BUSY})


class Queries:
    """Questions to one server."""

    def __init__(self, transport: Transport, base_url: str, model: str | None, waiting: Waiting) -> None:
        self._transport = transport
        self._base_url = base_url
        self._root = base_url.removesuffix("/v1")
        self._model = model
        self._waiting = waiting
        self._counts_tokens = True

    async def models(self) -> tuple[Model, ...]:
        """What `/v1/models` lists; empty where the server has no such page.

        Raises `EndpointUnreachable` at once if there is no connection, and `EndpointRefused` for a wrong key or page.
        """
        url = f"{self._base_url}/models"
        try:
            reply = json.loads(await self._ask("GET", url))
            return tuple(_model(entry) for entry in reply["data"])
        except Fault as fault:
            if fault.status in _NOT_OFFERED:
                return ()
            if fault.status is not None and fault.kind not in _PASSING:
                raise EndpointRefused(f"{self._base_url}: {fault.message}", fault.status) from fault
            raise EndpointUnreachable(f"{self._base_url}: {fault.message}; is the server running?") from fault
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise EndpointRefused(f"{url} is not a model list ({error!r}): is this an OpenAI-compatible server?") from error

    async def count_tokens(self, messages: Messages) -> int | None:
        """The length of a prompt as the server's own tokenizer and chat template make it; None where it cannot say.

        vLLM counts messages at `/tokenize`; llama.cpp renders them at `/apply-template` first. Raises a `Fault` if there is
        no connection.
        """
        if not self._counts_tokens:
            return None
        try:
            return await self._tokenize({"model": self._model, "messages": list(messages)})
        except Fault as fault:
            if fault.kind is FaultKind.UNREACHABLE:
                raise
            if fault.kind in _PASSING and fault.status not in _NOT_OFFERED:
                return None  # the call itself will meet it, with all its retries
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
            pass  # a page of that name, but not this one
        self._counts_tokens = False
        return None

    async def _tokenize(self, body: Mapping[str, Any]) -> int:
        reply = json.loads(await self._ask("POST", f"{self._root}/tokenize", body))
        if "count" in reply:
            return int(reply["count"])
        rendered = json.loads(await self._ask("POST", f"{self._root}/apply-template", body))
        content = {"content": rendered["prompt"], "add_special": True, "parse_special": True}
        return len(json.loads(await self._ask("POST", f"{self._root}/tokenize", content))["tokens"])

    async def load(self) -> Load | None:
        """What vLLM tells of its queue at `/metrics`; None where a server does not."""
        try:
            return read_load(await self._transport.request("GET", f"{self._root}/metrics", None, _SECONDS))
        except Fault:
            return None

    async def _ask(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> str:
        """The reply to a cheap question; passing faults are retried a few times, a missing connection is not."""
        for attempt in range(1, _ATTEMPTS):
            try:
                return await self._transport.request(method, url, body, _SECONDS)
            except Fault as fault:
                if fault.kind not in _PASSING or fault.status in _NOT_OFFERED:
                    raise
                await self._waiting.before_next(0, attempt, fault)
        return await self._transport.request(method, url, body, _SECONDS)


def read_load(page: str) -> Load | None:
    """The load in a page of Prometheus metrics, summed over engines; None if vLLM's gauges are not on it."""
    found: dict[str, list[float]] = {}
    try:
        for name, value in _GAUGES.findall(page):
            found.setdefault(name, []).append(float(value))
    except ValueError:
        return None
    if not all(math.isfinite(value) for values in found.values() for value in values):
        return None
    if "num_requests_running" not in found or "num_requests_waiting" not in found:
        return None
    running, waiting = (int(sum(found[f"num_requests_{name}"])) for name in ("running", "waiting"))
    return Load(running, waiting, max(found.get("kv_cache_usage_perc", [0.0])))


def _model(entry: Mapping[str, Any]) -> Model:
    meta = entry.get("meta") or {}
    context = entry.get("max_model_len") or entry.get("context_length") or meta.get("n_ctx")
    aliases = tuple(entry.get("aliases") or ())
    return Model(str(entry["id"]), context if isinstance(context, int) else None, aliases, str(entry.get("owned_by", "")))
