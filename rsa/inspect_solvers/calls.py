"""inspect_ai's own model as the model of a run: with its limits, retries, cache and log."""

from dataclasses import dataclass, field
from typing import Any

from inspect_ai.model import (
    ChatMessage,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.solver import TaskState
from tenacity import RetryError

from rsa.chain import Chain, Usage
from rsa.endpoint import Completion, Sampling
from rsa.errors import CallFailed, ContextOverflow, UsageError
from rsa.generation import Question, prompt_sha256
from rsa.inspect_solvers.internals import ModelGenerateError
from rsa.kinds import Kind

__all__ = ["Calls", "Conversation"]

_CUT = frozenset({"max_tokens", "model_length"})
_LONGEST_ERROR = 300


@dataclass(frozen=True, slots=True)
class Conversation:
    """A sample's messages. The last turn, which is the user's, is the question; `before` goes to the model as it is."""

    before: tuple[ChatMessage, ...]
    turn: ChatMessageUser

    @classmethod
    def of(cls, state: TaskState) -> "Conversation":
        """Raises `UsageError` for what cannot be aggregated."""
        if state.tools:
            raise UsageError(
                "the sample has tools, and replies that call them cannot be aggregated: leave out what adds them (use_tools)"
            )
        if not state.messages or not isinstance(turn := state.messages[-1], ChatMessageUser):
            last = f"of the {state.messages[-1].role}" if state.messages else "missing"
            raise UsageError(f"the sample's last message is {last}: it must be the user's, for that is the question")
        if not turn.text.strip():
            raise UsageError("the sample's last message has no text, so there is no question")
        return cls(tuple(state.messages[:-1]), turn)

    def question(self, kind: Kind) -> Question:
        """The question, with the texts of what stands before it."""
        before = tuple({"role": message.role, "content": message.text} for message in self.before)
        return Question(self.turn.text, kind, before)

    def saying(self, text: str) -> list[ChatMessage]:
        """The messages with this text in the last turn. Its images and other parts stay where they are."""
        if text == self.turn.text:
            return [*self.before, self.turn]
        turn = ChatMessageUser(content=self.turn.content, source=self.turn.source, metadata=self.turn.metadata)
        turn.text = text  # beside its other parts
        return [*self.before, turn]


@dataclass(slots=True)
class Calls:
    """An `rsa.Adapter` that asks inspect_ai's model, and remembers what it said. `usage` and `number` are of all calls.

    Everything but the seed of a call is inspect_ai's to say, so what it knows of sampling takes the place of `Sampling`.
    """

    model: Model
    conversation: Conversation
    config: GenerateConfig
    usage: ModelUsage = field(default_factory=ModelUsage)
    number: int = 0
    _outputs: dict[tuple[str, int | None], ModelOutput] = field(default_factory=dict)

    async def __call__(self, messages: list[dict[str, Any]], sampling: Sampling) -> Completion:
        """One reply to the conversation, its last turn saying what the last message says."""
        turns = self.conversation.saying(messages[-1]["content"])
        self.number += 1
        try:
            output = await self.model.generate(turns, config=self.config.merge(GenerateConfig(seed=sampling.seed)))
        except RetryError as error:
            raise CallFailed(f"{self.model}: {_first_line(error.last_attempt.exception())} (out of retries)") from error
        except ModelGenerateError as error:
            raise CallFailed(f"{self.model}: {_first_line(error.provider_message or error)}") from error
        self.usage += output.usage or ModelUsage()
        if output.stop_reason == "model_length" and not (output.usage and output.usage.output_tokens):
            raise ContextOverflow(f"{self.model}: {_first_line(output.completion)}", usage=_usage(output.usage))
        self._outputs[prompt_sha256(messages), sampling.seed] = output
        return _completion(output)

    def output_of(self, chain: Chain) -> ModelOutput:
        """What the model gave for a living chain, with the usage of all calls."""
        return self._outputs[chain.prompt_sha256, chain.seed].model_copy(update={"usage": self.usage})


def _completion(output: ModelOutput) -> Completion:
    message = output.message
    parts = [] if isinstance(message.content, str) else message.content
    reasoning = "\n".join(part.reasoning for part in parts if part.type == "reasoning" and part.reasoning)
    finish_reason = "length" if output.stop_reason in _CUT else output.stop_reason
    return Completion(message.text, finish_reason, reasoning or None, _usage(output.usage), output.model)


def _usage(usage: ModelUsage | None) -> Usage:
    """inspect_ai counts cached tokens apart from the others of a prompt."""
    if usage is None:
        return Usage()
    cached = usage.input_tokens_cache_read
    return Usage(usage.input_tokens + (cached or 0) + (usage.input_tokens_cache_write or 0), cached, usage.output_tokens)


def _first_line(error: object) -> str:
    line = (str(error).strip() or repr(error)).splitlines()[0]
    return line if len(line) <= _LONGEST_ERROR else f"{line[:_LONGEST_ERROR]}..."
