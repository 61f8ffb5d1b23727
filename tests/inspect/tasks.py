"""Tasks for `inspect eval`, as somebody has them who knows nothing of this package."""

from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import choice, match
from inspect_ai.solver import generate, multiple_choice


def _mock() -> Model:
    def reply(messages: list[ChatMessage], _tools: Any, _choice: Any, config: GenerateConfig) -> ModelOutput:
        output = ModelOutput.from_content(
            "mock", f"I read {len(messages[-1].text)} characters.\n\nANSWER: {'ABC'[(config.seed or 0) % 3]}"
        )
        output.usage = ModelUsage(input_tokens=10, output_tokens=5, total_tokens=15)
        return output

    return get_model("mockllm/model", custom_outputs=reply)


@task
def letters() -> Task:
    """Two questions to the mock model."""
    samples = [Sample(input="The first letter?", target="A"), Sample(input="The second one?", target="B")]
    return Task(dataset=samples, solver=generate(), scorer=match(), model=_mock())


@task
def fruits() -> Task:
    """A question with choices to the mock model."""
    sample = Sample(input="What is a fruit?", choices=["stone", "pear", "nail"], target="B")
    return Task(dataset=[sample], solver=multiple_choice(), scorer=choice(), model=_mock())


@task
def products() -> Task:
    """A question to the model that the command names."""
    return Task(dataset=[Sample(input="What is 3 times 4?", target="12")], solver=generate(), scorer=match(numeric=True))
