"""What the runs of a comparison are called, so that no two have the same name."""

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from evals.records import Records
from rsa.errors import UsageError

__all__ = ["names_of"]


def names_of(runs: Sequence[Records], given: Sequence[str | None] = ()) -> list[str]:
    """The name that each run has of its own, or its strategy's label; where several have the same, with what tells them
    apart: the model, and as much of the directory's path as that takes. Raises `UsageError` if a run is there twice."""
    plain = [own or each.name for own, each in itertools.zip_longest(given, runs)]
    folders = _folders([each.run.directory.path.resolve() for each in runs])
    several = {name for name, count in Counter(plain).items() if count > 1}
    models = {each.run.model for each in runs}

    def distinct(name: str, each: Records, folder: str) -> str:
        marks = [each.run.model or ""] if len(models) > 1 else []
        marks += [folder] if len(models) < len(runs) else []
        return f"{name} [{', '.join(marks)}]"

    told = zip(plain, runs, folders, strict=True)
    return [distinct(name, each, folder) if name in several else name for name, each, folder in told]


def _folders(paths: Sequence[Path]) -> list[str]:
    """The ends of paths, as long as it takes to tell them apart."""
    twice = next((path for path, count in Counter(paths).items() if count > 1), None)
    if twice:
        raise UsageError(f"{twice} is named twice: name each run once")
    ends: list[str] = []
    for length in range(1, 1 + max(len(path.parts) for path in paths)):
        ends = ["/".join(path.parts[-length:]) for path in paths]
        if len(set(ends)) == len(ends):
            break
    return ends
