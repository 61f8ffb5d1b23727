"""Problems and their frozen form in a run directory."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rsa.errors import UsageError
from rsa.generation import Question
from rsa.kinds import kind_named

__all__ = ["Dataset", "Problem", "load_problems"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `question` is the whole text the model gets, `before` are earlier messages.

    `golds` are the right answers, of which any will do; none where only the scorer can judge. `groups` are properties by
    which accuracy is also given, such as a discipline. `extra` is what its scorer needs besides, as plain JSON: the entry of
    a Reasoning Gym item, the tests of a program.
    """

    id: str
    question: str
    golds: tuple[str, ...]
    kind: str
    before: tuple[Mapping[str, Any], ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def asked(self, system: str | None = None) -> Question:
        """The question as the model sees it."""
        messages = ({"role": "system", "content": system}, *self.before) if system else self.before
        return Question(self.question, kind_named(self.kind), messages)


@dataclass(frozen=True, slots=True)
class Dataset:
    """The problems of a run. `source` and `revision` say where they came from, `rows` how many there were before a limit.

    `details` are further facts that belong beside every result, such as a release and its window.
    """

    problems: tuple[Problem, ...]
    source: str
    revision: str | None = None
    rows: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)

    def lines(self) -> bytes:
        """The frozen form: one JSON object a line."""
        return b"".join(json.dumps(asdict(problem), ensure_ascii=False).encode() + b"\n" for problem in self.problems)

    def sha256(self) -> str:
        """The identity of the problems: SHA-256 of their frozen form."""
        return hashlib.sha256(self.lines()).hexdigest()


def load_problems(path: Path, sha256: str) -> tuple[Problem, ...]:
    """Frozen problems, so that resuming and scoring need neither the file nor the hub again.

    Raises `UsageError` if the file is gone or is not the one that was written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): the run directory is not whole") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise UsageError(f"{path} has changed since the run started: restore it, or start a new run")
    rows = [json.loads(line) for line in content.splitlines()]
    return tuple(Problem(**{**row, "golds": tuple(row["golds"]), "before": tuple(row["before"])}) for row in rows)
