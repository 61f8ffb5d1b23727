"""Rows to problems.

Two layouts are read: plain columns (a question, an answer, perhaps an id and options), and verl's, which is that of the
published RSA files too: `prompt` is a list of chat messages whose last one already ends with the answer instruction, the
right answer is `reward_model.ground_truth`, and a Reasoning Gym item brings its entry as JSON in `extra_info.entry`.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from evals.problems import Problem
from evals.tasks.files import Row
from rsa.errors import UsageError
from rsa.kinds import KINDS

__all__ = ["Layout", "instruction_for", "problems_from_rows", "with_options"]

_QUESTION_FIELDS = ("question", "problem", "prompt")
_ANSWER_FIELDS = ("answer", "gold", "ground_truth", "target", "answer_letter")
_ID_FIELDS = ("id", "problem_idx", "uuid")
_OPTIONS_FIELDS = ("options", "choices")
_GROUPS = ("discipline", "difficulty")  # of the published SuperGPQA rows
_KIND_OF_ABILITY = {"math": "math", "supergpqa": "choice", "games": "gym", "cognition": "gym", "code": "code"}
_SHOWN_OPTION = re.compile(r"^Option ([A-J])\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a row things are; what is None is looked for under its usual names. `kind` None takes the row's own."""

    kind: str | None = None
    question: str | None = None
    answer: str | None = None
    id: str | None = None
    options: str | None = None
    groups: tuple[str, ...] = ()
    instruction: str | None = None


def instruction_for(kind: str) -> str:
    """What ends a question that does not say in which form its answer is wanted."""
    return f"Think step by step. {KINDS[kind].answer_format}"


def with_options(question: str, options: Sequence[str]) -> str:
    """A multiple-choice question as the model sees it."""
    return "\n".join(
        [f"{question}\n", *(f"{letter}. {text}" for letter, text in zip(ascii_uppercase, options, strict=False))]
    )


def problems_from_rows(rows: Sequence[Row], layout: Layout, source: str) -> list[Problem]:
    """Problems in row order. Raises `UsageError` naming the row and column of what is missing, blank or double."""
    problems = [_problem(row, number, layout, f"data: {source}, row {number}") for number, row in enumerate(rows, 1)]
    double = [name for name, count in Counter(problem.id for problem in problems).items() if count > 1]
    if double:
        raise UsageError(
            f"data: {source}: the id {double[0]!r} stands for more than one row; name another column (--id-field)"
        )
    return problems


def _problem(row: Row, number: int, layout: Layout, where: str) -> Problem:
    _refuse_images(row, where)
    row_id = _row_id(row, number, layout.id, where)
    if layout.question is None and isinstance(row.get("prompt"), list):
        return _verl_problem(row, row_id, layout, where)
    kind = layout.kind or "math"
    question = _column(row, layout.question, _QUESTION_FIELDS, "--question-field", where)
    golds = _golds(row, layout.answer, where)
    extra: dict[str, Any] = {}
    if kind == "choice":
        options = _options(row, layout.options, where)
        if options:
            question = with_options(question, options)
            golds = tuple(_letter(gold, options) for gold in golds)
            extra["options"] = list(ascii_uppercase[: len(options)])
    instruction = instruction_for(kind) if layout.instruction is None else layout.instruction
    asked = f"{question}\n\n{instruction}" if instruction else question
    groups = {name: _column(row, name, (), "task.group_fields", where) for name in layout.groups}
    return Problem(row_id, asked, golds, kind, (), groups, extra)


def _verl_problem(row: Row, row_id: str, layout: Layout, where: str) -> Problem:
    if layout.instruction is not None:
        raise UsageError(f"{where}: its prompt ends with an instruction already: leave task.instruction out")
    messages = [_message(message, where) for message in row["prompt"]]
    if not messages or messages[-1]["role"] != "user":
        raise UsageError(f"{where}: the last message of prompt is not a user's text")
    kind = layout.kind or _KIND_OF_ABILITY.get(str(row.get("ability")), "math")
    question = messages[-1]["content"]
    gold = _nested(row, "reward_model", "ground_truth")
    extra: dict[str, Any] = {}
    if kind == "gym":
        extra = _gym_entry(row, where)
        gold = extra["entry"].get("answer")  # some data sets have no answer to show, only a scorer
    elif kind == "choice" and (letters := _SHOWN_OPTION.findall(question)):
        extra["options"] = letters
    golds = _texts(gold)
    if not golds and kind != "gym":
        raise UsageError(f"{where}: reward_model.ground_truth is missing or blank")
    info = row.get("extra_info")
    named = {**info, **row} if isinstance(info, Mapping) else row
    groups = {name: text for name in layout.groups or _GROUPS if (text := _text(named.get(name)))}
    if kind == "gym":
        groups["dataset"] = extra["dataset"]
    return Problem(row_id, question, golds, kind, tuple(messages[:-1]), groups, extra)


def _gym_entry(row: Row, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(_nested(row, "extra_info", "entry"))
        dataset = _nested(row, "extra_info", "dataset_name") or entry["metadata"]["source_dataset"]
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{where}: extra_info.entry is not the JSON of a Reasoning Gym entry with its data set ({error!r})"
        ) from error
    return {"dataset": str(dataset), "entry": entry}


def _message(message: Any, where: str) -> dict[str, str]:
    role, content = (message.get("role"), message.get("content")) if isinstance(message, Mapping) else (None, None)
    text = _text(content)
    if not isinstance(role, str) or text is None:
        raise UsageError(f"{where}: a message of prompt has no role or no text; images are not supported")
    return {"role": role, "content": text}


def _refuse_images(row: Row, where: str) -> None:
    for name, value in row.items():
        named = name.lower() in ("image", "images") and value not in (None, "", [])
        if named or (isinstance(value, Mapping) and isinstance(value.get("bytes"), bytes)):
            raise UsageError(
                f"{where}: the column {name!r} holds an image, and images are not supported: leave such rows out"
            )


def _row_id(row: Row, number: int, field: str | None, where: str) -> str:
    if field is not None:
        return _column(row, field, (), "--id-field", where)
    named = next((_text(row[name]) for name in _ID_FIELDS if name in row), None)
    return named or _text(_nested(row, "extra_info", "index")) or f"row {number}"


def _column(row: Row, field: str | None, usual: Sequence[str], flag: str, where: str) -> str:
    name = _named_column(row, field, usual, flag, where)
    value = _text(row[name])
    if value is None:
        raise UsageError(f"{where}: the column {name!r} is blank, or neither text nor a number: {row[name]!r:.80}")
    return value


def _named_column(row: Row, field: str | None, usual: Sequence[str], flag: str, where: str) -> str:
    name = field or next((name for name in usual if name in row), None)
    if name is None or name not in row:
        wanted = f"no column {field!r}" if field else f"none of the columns {', '.join(usual)}"
        raise UsageError(f"{where}: there is {wanted}; name one with {flag} (there are: {', '.join(map(str, row))})")
    return name


def _golds(row: Row, field: str | None, where: str) -> tuple[str, ...]:
    """The right answers: one, or a list of which any will do."""
    name = _named_column(row, field, _ANSWER_FIELDS, "--answer-field", where)
    golds = _texts(row[name])
    if not golds:
        raise UsageError(
            f"{where}: the column {name!r} is blank, or neither text nor a number, nor a list of those: {row[name]!r:.80}"
        )
    return golds


def _texts(value: Any) -> tuple[str, ...]:
    texts = [_text(each) for each in (value if isinstance(value, list) else [value])]
    return () if None in texts else tuple(text for text in texts if text is not None)


def _options(row: Row, field: str | None, where: str) -> list[str]:
    name = field or next((name for name in _OPTIONS_FIELDS if name in row), None)
    if name is None:
        return []
    value = row.get(name)
    if isinstance(value, Mapping):  # {"text": [...], "label": [...]}, as some data sets have it
        value = value.get("text")
    texts = _texts(value) if isinstance(value, list) else ()
    if not 2 <= len(texts) <= len(ascii_uppercase[:10]):
        raise UsageError(f"{where}: the column {name!r} is not a list of two to ten options: {row.get(name)!r:.80}")
    return list(texts)


def _letter(gold: str, options: Sequence[str]) -> str:
    """The letter of the right option, which may be given as its text."""
    return ascii_uppercase[options.index(gold)] if gold in options else gold


def _nested(row: Row, outer: str, inner: str) -> Any:
    value = row.get(outer)
    return value.get(inner) if isinstance(value, Mapping) else None


def _text(value: Any) -> str | None:
    """A cell as text; None for a blank one and for anything that is neither text nor a finite number."""
    if isinstance(value, float) and math.isfinite(value):
        value = int(value) if value.is_integer() else repr(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        return None
    return value.encode("utf-8", errors="replace").decode("utf-8")  # half surrogates fit into no file
