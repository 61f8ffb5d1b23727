"""vLLM inside this process: an `AsyncLLM` as an endpoint, without a server and HTTP between."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rsa.chain import Usage
from rsa.endpoint import CallableEndpoint, Completion, Message, Messages, Sampling
from rsa.errors import CallFailed, ContextOverflow, UsageError

__all__ = ["from_vllm"]


def from_vllm(engine: Any, *, max_concurrency: int = 256) -> CallableEndpoint:
    """A vLLM `AsyncLLM` as an endpoint, whose prompts are counted by its own tokenizer and fitted to its context window.

    The engine belongs to the event loop that it was made in, so use it with `await rsa.arun(...)`; `Sampling.extra` takes
    further arguments of vLLM's `SamplingParams`. It is not shut down here. Raises `UsageError` if vLLM is not installed.
    """
    try:
        from vllm.v1.engine.exceptions import EngineGenerateError  # noqa: PLC0415 - takes seconds to import
    except ImportError as error:
        raise UsageError(f"vLLM cannot be imported ({error}): pip install 'recursive-self-aggregation[vllm]'") from error
    config = engine.model_config
    model = _Engine(engine, config.max_model_len)
    return CallableEndpoint(
        model,
        str(config.model),
        max_concurrency=max_concurrency,
        retry_on=(EngineGenerateError,),
        context=config.max_model_len,
        counter=model.count_tokens,
    )


@dataclass(frozen=True, slots=True)
class _Engine:
    engine: Any
    context: int

    async def count_tokens(self, messages: Messages) -> int:
        """The length of a prompt with its chat template."""
        return len(self._tokens(messages))

    async def __call__(self, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """One reply."""
        from vllm import TokensPrompt  # noqa: PLC0415

        tokens = self._tokens(messages)
        if len(tokens) + (sampling.max_tokens or 1) > self.context:
            raise ContextOverflow(f"the prompt has {len(tokens)} tokens, but the context window holds {self.context}")
        prompt, last = TokensPrompt(prompt_token_ids=tokens), None
        async for output in self.engine.generate(prompt, _parameters(sampling), uuid.uuid4().hex):
            last = output
        if last is None:
            raise CallFailed("vLLM gave no reply")
        reply = last.outputs[0]
        usage = Usage(len(tokens), last.num_cached_tokens, len(reply.token_ids))
        return Completion(reply.text, str(reply.finish_reason), usage=usage)

    def _tokens(self, messages: Messages) -> list[int]:
        conversation = [dict(message) for message in messages]
        tokenizer = self.engine.get_tokenizer()
        return list(tokenizer.apply_chat_template(conversation, add_generation_prompt=True, return_dict=False))


def _parameters(sampling: Sampling) -> Any:
    from vllm import SamplingParams  # noqa: PLC0415
    from vllm.sampling_params import RequestOutputKind  # noqa: PLC0415

    try:
        return SamplingParams(**sampling.body(), output_kind=RequestOutputKind.FINAL_ONLY)
    except (TypeError, ValueError) as error:
        raise UsageError(f"sampling: vLLM does not take it: {error}") from error
