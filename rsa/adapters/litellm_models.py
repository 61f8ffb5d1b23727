"""Every model that LiteLLM reaches, as an endpoint."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rsa.endpoint import CallableEndpoint, Completion, Message, Sampling
from rsa.endpoint.faults import FaultKind, fault_of_status, read_usage, retry_after
from rsa.errors import CallFailed, ContextOverflow, EndpointRefused, RSAError, TryAgain, UsageError

__all__ = ["from_litellm"]


def from_litellm(
    model: str,
    *,
    max_concurrency: int = 32,
    timeout: float = 600.0,
    retries: int = 5,
    context: int | None = None,
    **settings: Any,
) -> CallableEndpoint:
    """A model by its LiteLLM name, such as `anthropic/MODEL`, as an endpoint.

    `settings` are further arguments of `litellm.acompletion`, such as `api_base`, `api_key` or `additional_drop_params`,
    with which a provider is spared what it does not take. A seed is left out by itself where the provider takes none.
    `timeout` and `retries` are those of `rsa.CallableEndpoint`: LiteLLM makes one attempt a call. `context` is the model's
    window in tokens. Raises `UsageError` if LiteLLM is not installed.
    """
    try:
        import litellm  # noqa: PLC0415 - takes seconds to import
    except ImportError as error:
        raise UsageError(
            f"LiteLLM cannot be imported ({error}): pip install 'recursive-self-aggregation[litellm]'"
        ) from error
    taken = litellm.get_supported_openai_params(model)
    call = _Call(litellm, model, settings, seeded=taken is None or "seed" in taken)
    return CallableEndpoint(call, model, max_concurrency=max_concurrency, timeout=timeout, retries=retries, context=context)


@dataclass(frozen=True, slots=True)
class _Call:
    litellm: Any
    model: str
    settings: dict[str, Any]
    seeded: bool

    async def __call__(self, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """One reply. Raises what the contract of `rsa.Adapter` names for whatever LiteLLM raises."""
        import openai  # noqa: PLC0415

        fields = {**sampling.body(), "num_retries": 0, "max_retries": 0, **self.settings}
        if not self.seeded:
            fields.pop("seed", None)
        try:
            reply = await self.litellm.acompletion(model=self.model, messages=messages, **fields)
        except self.litellm.exceptions.ContextWindowExceededError as error:
            raise ContextOverflow(str(error)) from error
        except self.litellm.exceptions.UnsupportedParamsError as error:
            raise EndpointRefused(f"{error}; leave a field out with additional_drop_params=[...]") from error
        except openai.APIError as error:  # of which all errors of LiteLLM are made
            raise _told(error) from error
        choice = reply.choices[0]
        usage = reply.usage.model_dump() if getattr(reply, "usage", None) else None
        return Completion(
            choice.message.content or "",
            str(choice.finish_reason),
            getattr(choice.message, "reasoning_content", None),
            read_usage(usage),
            str(reply.model or ""),
        )


def _told(error: Any) -> RSAError:
    """What an error means by its HTTP status; one without a status is a lost connection."""
    status = getattr(error, "status_code", None)
    if status is None:
        return TryAgain(str(error))
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    fault = fault_of_status(status, str(error), retry_after(headers.get("retry-after"), time.time()))
    match fault.kind:
        case FaultKind.RETRY | FaultKind.BUSY:
            return TryAgain(fault.message, fault.wait, busy=fault.kind is FaultKind.BUSY)
        case FaultKind.CONTEXT:
            return ContextOverflow(fault.message)
        case FaultKind.PROMPT:
            return CallFailed(fault.message)
        case _:
            return EndpointRefused(fault.message)
