"""Whether all prompts of a run fit: those of the data set, and those that are made on the way from the policy's replies."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from evals.train.training.config import TrainConfig
from evals.train.training.data import TrainingRow, TrainingSet
from rsa.endpoint import Messages
from rsa.errors import UsageError
from rsa.generation import prompt_text
from rsa.plan import Role
from rsa.prompts import Prompts
from rsa.tokens import TokenCounter, local_counter

__all__ = ["check_lengths"]

_MEASURED = 8  # prompts whose length is counted again: the longest by what the data set says


def check_lengths(config: TrainConfig, data: TrainingSet, prompts: Prompts, *, evaluates: bool = True) -> None:
    """Count the longest prompts with the model's own tokenizer, against the limit and the context window.

    `evaluates` says whether the trainer runs the evaluation with its strategy; verl has one of its own.

    Raises `UsageError` for a model that cannot be loaded or has no chat template, and for what is too long.
    """
    counter = _counter(config)
    longest = sorted(data.train, key=lambda row: row.tokens)[-_MEASURED:]
    most = max(_counted(counter, row.prompt) for row in longest)
    if most > config.max_prompt_tokens:
        raise UsageError(
            f"data: a prompt with its candidates has {most} tokens, and max_prompt_tokens is {config.max_prompt_tokens}: "
            "build the data set with that limit or with shorter candidates, or raise it"
        )
    for section, rows, read in _readers(config, data, evaluates=evaluates):
        row = max(rows, key=lambda row: len(row.question.text))
        text = prompt_text(prompts, row.question, Role.AGGREGATE, ["?"] * read)
        most = _counted(counter, row.question.asked(text)) + read * config.max_reply_tokens
        if most > config.max_prompt_tokens:
            raise UsageError(
                f"{section}: a prompt with {read} replies of up to {config.max_reply_tokens} tokens may have {most}, and "
                f"max_prompt_tokens is {config.max_prompt_tokens}: raise it, or lower max_reply_tokens or k"
            )


def _readers(config: TrainConfig, data: TrainingSet, *, evaluates: bool) -> Iterator[tuple[str, Sequence[TrainingRow], int]]:
    """The sections whose prompts show replies of the policy: for which rows, and how many in one prompt."""
    if config.on_policy:
        rows = [row for row in data.train if row.candidates]
        yield "on_policy", rows, max(row.candidates for row in rows)
    if config.end_to_end:
        yield "end_to_end", data.train, config.end_to_end.k
    if config.evaluation and evaluates:
        plan = config.evaluation.strategy.build().plan(config.seed, "")
        if read := max(len(planned.parents) for planned in plan):
            yield "evaluation.strategy", data.questions(config.evaluation.problems), read


def _counter(config: TrainConfig) -> TokenCounter:
    from transformers import AutoConfig  # noqa: PLC0415 - heavy

    if config.model.startswith(("/", "./", "../")) and not Path(config.model).is_dir():
        raise UsageError(f"model: there is no folder {config.model!r}")
    try:
        counter = local_counter(config.model)
        shape = AutoConfig.from_pretrained(config.model)
    except (UsageError, OSError, ValueError) as error:
        raise UsageError(f"model: {error}") from error
    context = getattr(shape.get_text_config(), "max_position_embeddings", None)
    if context and config.max_prompt_tokens + config.max_reply_tokens > context:
        raise UsageError(
            f"max_prompt_tokens: prompts of {config.max_prompt_tokens} tokens and replies of {config.max_reply_tokens} do "
            f"not fit the context of {context} that {config.model} has: lower max_prompt_tokens or max_reply_tokens"
        )
    return counter


def _counted(counter: TokenCounter, messages: Messages) -> int:
    async def count() -> int:
        return await counter(messages) or 0

    return asyncio.run(count())
