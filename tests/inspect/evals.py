"""Evals of inspect_ai on its mock model, whose replies depend on nothing but the call."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval  # noqa: A004 - its name in inspect_ai
from inspect_ai.dataset import Sample
from inspect_ai.event import ModelEvent, SpanBeginEvent
from inspect_ai.log import EvalLog, EvalSample, read_eval_log
from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput, ModelUsage, get_model
from inspect_ai.solver import Solver

QUIET = [
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:[Uu]nclosed:ResourceWarning"),
]
"""What inspect_ai itself warns of: of an argument that it passes on, and of streams and connections that it leaves open."""

Reply = Callable[[list[ChatMessage], GenerateConfig], ModelOutput | Awaitable[ModelOutput]]


def said(text: str, stop_reason: str = "stop", new: int | None = None, prompt: int = 10) -> ModelOutput:
    """A reply whose tokens are counted, so that inspect_ai does not load a tokenizer from the network to do it."""
    output = ModelOutput.from_content("mock", text, stop_reason)
    new = len(text) if new is None else new
    output.usage = ModelUsage(
        input_tokens=prompt, output_tokens=new, total_tokens=prompt + new + 3, input_tokens_cache_read=3
    )
    return output


def digit(messages: list[ChatMessage], config: GenerateConfig) -> ModelOutput:
    """One of three answers."""
    return said(f"I thought about {len(messages)} messages.\n\nANSWER: {(config.seed or 0) % 3}")


@dataclass
class Mock:
    """A mock model that remembers its calls."""

    reply: Reply = digit
    calls: list[tuple[list[ChatMessage], GenerateConfig]] = field(default_factory=list)

    def model(self) -> Model:
        def answer(messages: list[ChatMessage], _tools: Any, _choice: Any, config: GenerateConfig) -> Any:
            self.calls.append((messages, config))
            return self.reply(messages, config)

        return get_model("mockllm/model", custom_outputs=answer, memoize=False)

    @property
    def prompts(self) -> list[str]:
        """The last turns of all calls."""
        return [messages[-1].text for messages, _ in self.calls]


def evaluated(
    folder: Path,
    solver: Solver | list[Solver],
    samples: Sequence[Sample] = (Sample(input="How many?", target="1"),),
    model: Model | None = None,
    **options: Any,
) -> EvalLog:
    """The log of an eval, as its file has it."""
    task = Task(dataset=list(samples), solver=solver, scorer=options.pop("scorer", None), name="made")
    [log] = eval(
        task, model or Mock().model(), log_dir=str(folder), display="none", ctl_server=False, fail_on_error=False, **options
    )
    return read_eval_log(log.location, resolve_attachments=True)


def only_sample(log: EvalLog) -> EvalSample:
    assert log.samples is not None
    [sample] = log.samples
    return sample


def record_of(sample: EvalSample) -> dict[str, Any]:
    """What the log says of the run on a sample."""
    [record] = sample.store["rsa"]
    assert isinstance(record, dict)
    return record


def model_calls(sample: EvalSample) -> list[ModelEvent]:
    return [event for event in sample.events if isinstance(event, ModelEvent)]


def spans(sample: EvalSample, kind: str) -> list[SpanBeginEvent]:
    return [event for event in sample.events if isinstance(event, SpanBeginEvent) and event.type == kind]
