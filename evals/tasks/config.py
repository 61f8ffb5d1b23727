"""The `task` section of a configuration."""

import datetime
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from rsa.kinds import KINDS
from rsa.settings import Positive, Section
from rsa.text import did_you_mean

__all__ = ["TaskConfig"]

_REPEATED = re.compile(r"(.+):(\d+)")


def _listed(value: Any) -> Any:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


class TaskConfig(Section):
    """Which problems. A plain name stands for the whole section; `NAME:16` runs every problem 16 times."""

    name: str | None = None
    """A task of `rsa-eval tasks`; leave it out for your own file (`data`)."""
    data: str | None = None
    """A .jsonl, .csv or .parquet file, or a data set on the hub (org/name), to read the problems from."""
    limit: Positive | None = None
    """Only the first so many problems."""
    repeats: Positive = 1
    """How often every problem is run, with other draws each time."""
    kind: str | None = None
    """Problem kind: how answers are asked for and read (math, choice, number, gym, code, general, text)."""
    scorer: str | None = None
    """How answers are judged (rsa-eval tasks --explain NAME); your own function is module:function or file.py:function."""
    tolerance: float = Field(0.0, ge=0)
    """The number scorer: how far off a number may be, relative or absolute."""
    lenient: bool = False
    """Programs: take a fenced block without a language, or the whole reply, where there is no Python block."""
    instruction: str | None = None
    """Ends every question that does not end with an instruction already; empty for none."""
    question_field: str | None = None
    """Column of the question."""
    answer_field: str | None = None
    """Column of the right answer, or of a list of right answers."""
    id_field: str | None = None
    """Column of the problem's id."""
    options_field: str | None = None
    """Column with the list of options of a multiple-choice question."""
    group_fields: Annotated[list[str], BeforeValidator(_listed)] = Field(default_factory=list)
    """Columns by whose values accuracy is also given: a list, or names separated by commas."""
    split: str | None = None
    """Split of a data set on the hub, by default the only one."""
    subset: str | None = None
    """Configuration of a data set on the hub that has several."""
    revision: str | None = None
    """Revision of a data set on the hub, by default the pinned one or the newest."""
    size: Positive | None = None
    """supergpqa: a sample of so many questions. reasoning_gym: so many items in all."""
    data_seed: int = 0
    """Fixes which sample is drawn and which items are generated."""
    discipline: str | None = None
    """supergpqa: only this discipline."""
    difficulty: str | None = None
    """supergpqa: only easy, middle or hard questions. livecodebench: easy, medium or hard."""
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """reasoning_gym: parameters of its data sets, by name."""
    release: str | None = None
    """livecodebench: release_v1 to release_v6 (all up to that version; the last is usual), v1 to v6 (one version alone)."""
    start: datetime.date | None = Field(None, strict=False)
    """livecodebench: only problems from this day on (YYYY-MM-DD)."""
    end: datetime.date | None = Field(None, strict=False)
    """livecodebench: only problems up to this day (YYYY-MM-DD)."""
    exclude_errata: bool = False
    """livecodebench: leave out problems whose tests are known to be broken."""

    @model_validator(mode="before")
    @classmethod
    def _repeats_in_the_name(cls, content: Any) -> Any:
        match = _REPEATED.fullmatch(str(content.get("name"))) if isinstance(content, Mapping) else None
        if not match:
            return content
        if content.get("repeats", int(match[2])) != int(match[2]):
            raise ValueError(
                f"{content['name']} says {match[2]} repeats, but repeats is {content['repeats']}: leave one out"
            )
        return {**content, "name": match[1], "repeats": int(match[2])}

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str | None) -> str | None:
        if kind is not None and kind not in KINDS:
            raise ValueError(f"there is no problem kind {kind!r}{did_you_mean(kind, KINDS)}")
        return kind

    @model_validator(mode="after")
    def _something(self) -> "TaskConfig":
        if not self.name and not self.data:
            raise ValueError("name a task (rsa-eval tasks lists them) or give your own file as data")
        return self
