"""Rows to problems.

Two layouts are read: plain columns (a question, an answer, perhaps an id and options), and verl's, which is that of the
published RSA files too: `prompt` is a list of chat messages whose last one already ends with the answer instruction, the
right answer is `reward_model.ground_truth`, and a Reasoning Gym item brings its entry as JSON in `extra_info.entry`. A list
of messages whose right answer is in a plain column is read as well; it gets an instruction as a plain question does.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from reprlib import repr as shortened
from typing import Any

from evals.problems import Problem
from evals.tasks.choices import MOST_OPTIONS, Options, right_letter, with_options
from evals.tasks.files import Row
from evals.tasks.images import refuse_images
from rsa.errors import UsageError
from rsa.kinds import KINDS

__all__ = ["Layout", "instruction_for", "problems_from_rows"]

_QUESTION_FIELDS = ("question", "problem", "prompt")
_LETTER_FIELD = "answer_letter"  # always a letter, even if it is also the text of an option
_ANSWER_FIELDS = ("answer", "gold", "ground_truth", "target", _LETTER_FIELD)
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
    refuse_images(row, where)
    row_id = _row_id(row, number, layout.id, where)
    if isinstance(row.get(layout.question or "prompt"), list):
        return _chat_problem(row, row_id, layout, where)
    kind = layout.kind or ("choice" if any(isinstance(row.get(name), list) for name in _OPTIONS_FIELDS) else "math")
    question = _column(row, layout.question, _QUESTION_FIELDS, "--question-field", where)
    golds = _golds(row, layout.answer, where)
    extra: dict[str, Any] = {}
    if kind == "choice":
        options = _options(row, layout.options, where)
        if options:
            question = with_options(question, options)
            is_letter = _named_column(row, layout.answer, _ANSWER_FIELDS, "--answer-field", where) == _LETTER_FIELD
            golds = tuple(right_letter(gold, options, where, is_letter=is_letter) for gold in golds)
            extra["options"] = list(options.letters)
    elif layout.options is not None:
        raise UsageError(f"{where}: task.options_field: only the kind choice has options: leave it out (or --kind choice)")
    groups = {name: _column(row, name, (), "task.group_fields", where) for name in layout.groups}
    return Problem(row_id, _instructed(question, kind, layout), golds, kind, (), groups, extra)


def _instructed(question: str, kind: str, layout: Layout) -> str:
    instruction = instruction_for(kind) if layout.instruction is None else layout.instruction
    return f"{question}\n\n{instruction}" if instruction else question


def _chat_problem(row: Row, row_id: str, layout: Layout, where: str) -> Problem:
    """A problem whose question is a list of messages: of a row in verl's layout, or of one with a plain answer."""
    column = layout.question or "prompt"
    if layout.options is not None:
        raise UsageError(f"{where}: task.options_field: its {column} is the whole question already: leave it out")
    messages = [_message(message, column, where) for message in row[column]]
    if not messages or messages[-1]["role"] != "user":
        raise UsageError(f"{where}: the last message of {column} is not a user's text")
    kind = layout.kind or _KIND_OF_ABILITY.get(str(row.get("ability")), "math")
    question = messages[-1]["content"]
    extra: dict[str, Any] = {}
    if kind == "gym":
        extra = _gym_entry(row, where)
        golds = _texts(extra["entry"].get("answer"))  # some data sets have no answer to show, only a scorer
    else:
        golds = _chat_golds(row, layout, where)
    if kind == "gym" or row.get("reward_model") is not None:
        _refuse_keys_of_plain_rows(layout, column, where)
    else:
        question = _instructed(question, kind, layout)
    if kind == "choice" and (letters := _SHOWN_OPTION.findall(question)):
        extra["options"] = letters
    groups = _chat_groups(row, layout, where, extra.get("dataset"))
    return Problem(row_id, question, golds, kind, tuple(messages[:-1]), groups, extra)


def _chat_golds(row: Row, layout: Layout, where: str) -> tuple[str, ...]:
    if row.get("reward_model") is None:
        if layout.answer is None:
            raise UsageError(
                f"{where}: reward_model.ground_truth is missing; if a column holds the right answer, name it with "
                f"--answer-field, in a file answer_field (there are: {', '.join(map(str, row))})"
            )
        return _golds(row, layout.answer, where)
    golds = _texts(_nested(row, "reward_model", "ground_truth"))
    if not golds:
        raise UsageError(f"{where}: reward_model.ground_truth is missing or blank")
    return golds


def _refuse_keys_of_plain_rows(layout: Layout, column: str, where: str) -> None:
    if layout.answer is not None:
        raise UsageError(
            f"{where}: task.answer_field: in this layout the right answer is in reward_model or extra_info: leave it out"
        )
    if layout.instruction is not None:
        raise UsageError(f"{where}: its {column} ends with an instruction already: leave task.instruction out")


def _chat_groups(row: Row, layout: Layout, where: str, dataset: str | None) -> dict[str, str]:
    """The groups that are asked for, which must be there, or the usual ones that are; columns or keys of `extra_info`."""
    info = row.get("extra_info")
    own = {} if dataset is None else {"dataset": dataset}
    named = {**(info if isinstance(info, Mapping) else {}), **row, **own}
    if layout.groups:
        return {name: _column(named, name, (), "task.group_fields", where) for name in layout.groups} | own
    return {name: text for name in _GROUPS if (text := _text(named.get(name)))} | own


def _gym_entry(row: Row, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(_nested(row, "extra_info", "entry"))
        dataset = _nested(row, "extra_info", "dataset_name") or entry["metadata"]["source_dataset"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(
            f"{where}: extra_info.entry is not the JSON of a Reasoning Gym entry with its data set ({error!r})"
        ) from error
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: extra_info.entry is not the JSON of a Reasoning Gym entry but {shortened(entry)}")
    return {"dataset": str(dataset), "entry": entry}


def _message(message: Any, column: str, where: str) -> dict[str, str]:
    role, content = (message.get("role"), message.get("content")) if isinstance(message, Mapping) else (None, None)
    text = _text(content)
    if not isinstance(role, str) or text is None:
        raise UsageError(f"{where}: a message of {column} has no role or no text; images are not supported")
    return {"role": role, "content": text}


def _row_id(row: Row, number: int, field: str | None, where: str) -> str:
    if field is not None:
        return _column(row, field, (), "--id-field", where)
    named = next((_text(row[name]) for name in _ID_FIELDS if name in row), None)
    return named or _text(_nested(row, "extra_info", "index")) or f"row {number}"


def _column(row: Row, field: str | None, usual: Sequence[str], flag: str, where: str) -> str:
    name = _named_column(row, field, usual, flag, where)
    value = _text(row[name])
    if value is None:
        raise UsageError(f"{where}: the column {name!r} is blank, or neither text nor a number: {shortened(row[name])}")
    return value


def _named_column(row: Row, field: str | None, usual: Sequence[str], flag: str, where: str) -> str:
    name = field or next((name for name in usual if name in row), None)
    if name is None or name not in row:
        wanted = f"no column {field!r}" if field else f"none of the columns {', '.join(usual)}"
        key = f", in a file {flag[2:].replace('-', '_')}" if flag.startswith("--") else ""
        raise UsageError(f"{where}: there is {wanted}; name one with {flag}{key} (there are: {', '.join(map(str, row))})")
    return name


def _golds(row: Row, field: str | None, where: str) -> tuple[str, ...]:
    """The right answers: one, or a list of which any will do."""
    name = _named_column(row, field, _ANSWER_FIELDS, "--answer-field", where)
    golds = _texts(row[name])
    if not golds:
        raise UsageError(
            f"{where}: the column {name!r} is blank, or neither text nor a number, nor a list of those: "
            f"{shortened(row[name])}"
        )
    return golds


def _texts(value: Any) -> tuple[str, ...]:
    texts = [_text(each) for each in (value if isinstance(value, list) else [value])]
    return () if None in texts else tuple(text for text in texts if text is not None)


def _options(row: Row, field: str | None, where: str) -> Options | None:
    name = field or next((name for name in _OPTIONS_FIELDS if name in row), None)
    if name is None:
        return None
    value = row.get(name)
    texts, labels = value, None
    if isinstance(value, Mapping):  # {"text": [...], "label": [...]}, as some data sets have it
        texts, labels = value.get("text"), value.get("label")
    options = Options(_texts(texts) if isinstance(texts, list) else (), None if labels is None else _texts(labels))
    if not 2 <= len(options.texts) <= MOST_OPTIONS:
        raise UsageError(f"{where}: the column {name!r} is not a list of two to ten options: {shortened(value)}")
    if options.labels is not None and len({label.strip().upper() for label in options.labels}) != len(options.texts):
        raise UsageError(
            f"{where}: the column {name!r} has {len(options.texts)} options, but under label not as many different labels: "
            f"{shortened(labels)}"
        )
    return options


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
