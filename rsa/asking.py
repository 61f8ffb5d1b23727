"""What a caller asks: a text or a conversation, or several; perhaps with samples that are there already."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard, cast

from rsa.chain import Chain, Status
from rsa.endpoint import Message
from rsa.errors import UsageError
from rsa.generation import Question
from rsa.kinds import Kind
from rsa.plan import Place, Plan
from rsa.strategies import Strategy, label

__all__ = ["Asked", "are_several", "are_texts", "given_samples", "plans_of", "question_of", "questions_of", "subject_of"]

Asked = str | Sequence[Message]
"""A question, or a conversation whose last turn is the user's: that turn is the question."""


def are_several(asked: Asked | Sequence[Asked]) -> TypeGuard[Sequence[Asked]]:
    """Whether these are several questions: a sequence that does not begin with a message, which a conversation does."""
    listed = isinstance(asked, Sequence) and not isinstance(asked, str | bytes)
    return listed and bool(asked) and not isinstance(asked[0], Mapping)


def questions_of(asked: Asked | Sequence[Asked], kind: Kind, system: str | None) -> list[Question]:
    """One or several questions as the model gets them. Raises `UsageError` that names the one of several that is none."""
    if not are_several(asked):
        return [question_of(cast(Asked, asked), kind, system)]
    questions = []
    for number, each in enumerate(asked):
        try:
            questions.append(question_of(each, kind, system))
        except UsageError as error:
            raise UsageError(f"question {number}: {error}") from None
    return questions


def plans_of(questions: Sequence[Question], strategy: Strategy, seed: int) -> Iterator[Plan]:
    """A plan for each, made when it is needed. One that is asked again is a repeat, which has draws of its own."""
    asked: Counter[str] = Counter()
    for question in questions:
        subject = subject_of(question)
        yield strategy.plan(seed, subject, asked[subject])
        asked[subject] += 1


def question_of(asked: Asked, kind: Kind, system: str | None) -> Question:
    """The question as the model gets it, after the turns before it. Raises `UsageError` for what is no conversation."""
    if isinstance(asked, str):
        messages: Sequence[Message] = [{"role": "user", "content": asked}]
    else:
        messages = _conversation(asked)
    if system and messages[0]["role"] == "system":
        raise UsageError("system: the conversation begins with a system message already; leave one of them out")
    text = messages[-1]["content"]
    if not text.strip():
        raise UsageError("the question is empty")
    before = ({"role": "system", "content": system},) if system else ()
    return Question(text, kind, (*before, *messages[:-1]))


def _conversation(asked: Sequence[Message]) -> Sequence[Message]:
    if not isinstance(asked, Sequence) or isinstance(asked, bytes):
        raise UsageError(
            "a question is a text, or a conversation as a list of messages, and several questions are a list of them, "
            f"but this is of the type {type(asked).__name__}"
        )
    if not asked:
        raise UsageError("the question is empty")
    for number, message in enumerate(asked):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise UsageError(f"message {number} is not one: give mappings with role and content")
        if not isinstance(message.get("content"), str):
            raise UsageError(f"message {number}: the content must be a text; images and tools cannot be aggregated")
    if asked[-1]["role"] != "user":
        raise UsageError(f"the last message is of the {asked[-1]['role']}: it must be the user's, for that is the question")
    return asked


def subject_of(question: Question) -> str:
    """What stands for the problem in all draws: the question's text, with the turns before it where there are any."""
    turns = [dict(message) for message in question.before if message["role"] != "system"]
    return json.dumps([*turns, question.text], sort_keys=True) if turns else question.text


def are_texts(given: object) -> TypeGuard[Sequence[str]]:
    """Whether these are texts in an order, none of them empty. A text alone is none: it would be taken letter by letter."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        return False
    return all(isinstance(text, str) and text.strip() for text in given)


def given_samples(texts: Sequence[str], strategy: Strategy, plan: Plan, model: str) -> dict[Place, Chain]:
    """Texts that are there already, as the first chains of step 1. Raises `UsageError` for more than there are to be."""
    if not are_texts(texts):
        raise UsageError("first: give a list of texts, none of them empty")
    if len(texts) > len(plan.populations[0]):
        raise UsageError(
            f"first: {len(texts)} texts were given, but {label(strategy)} has {len(plan.populations[0])} first samples"
        )
    return {
        (1, slot): Chain(
            problem=plan.problem,
            repeat=plan.repeat,
            strategy=label(strategy),
            step=1,
            slot=slot,
            parents=(),
            model=model,
            seed=0,
            prompt_sha256="",
            text=text,
            finish_reason="given",
            status=Status.OK,
        )
        for slot, text in enumerate(texts)
    }
