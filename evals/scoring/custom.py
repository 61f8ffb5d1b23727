"""A user's own scorer: `module:function` or `path/to/file.py:function`.

The function takes an `Attempt` and returns whether it is right, or a score from 0 to 1. It runs in a worker process under
the time limit of a verdict; what it raises makes an `error` verdict that names the line.
"""

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from evals.scoring.verdicts import Attempt, Judgement
from evals.scoring.workers import CallTimedOut, WorkerDied, Workers
from rsa.equivalence import Equivalence
from rsa.errors import UsageError

__all__ = ["CustomScorer", "Score", "is_custom"]

Score = Callable[[Attempt], bool | float]
"""What a user's function is."""
_LOADING_SECONDS = 60.0


def is_custom(name: str) -> bool:
    """Whether a scorer's name is that of a user's function."""
    return ":" in name


class CustomScorer:
    """Asks a user's function. Raises `UsageError` if there is none of that name."""

    def __init__(self, name: str, workers: Workers, equivalence: Equivalence) -> None:
        self.equivalence = equivalence
        self._name = name
        self._workers = workers
        try:
            self.version = f"{name}@{workers.call(_fingerprint, name, str(Path.cwd()), seconds=_LOADING_SECONDS)}"
        except (CallTimedOut, WorkerDied) as error:
            raise UsageError(f"task.scorer: {name} cannot be loaded: {error}") from error

    def judge(self, attempt: Attempt) -> Judgement:
        """The function's score."""
        try:
            outcome: float | str = self._workers.call(_call, self._name, str(Path.cwd()), attempt)
        except (CallTimedOut, WorkerDied) as error:
            return Judgement(0.0, self._name, error=str(error))
        if isinstance(outcome, str):
            return Judgement(0.0, self._name, error=outcome)
        return Judgement(outcome, self._name)


def _call(name: str, folder: str, attempt: Attempt) -> float | str:
    """The score, or what is wrong in one line. Runs in a worker."""
    function = _load(name, folder)
    try:
        score = function(attempt)
    except Exception as error:  # noqa: BLE001 - it is the user's function, and may raise anything
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"
    if isinstance(score, bool | int | float) and 0 <= score <= 1:
        return float(score)
    return f"{name} returned {score!r:.80}: a scorer returns True, False or a number from 0 to 1"


def _fingerprint(name: str, folder: str) -> str:
    """Eight digits that change with the scorer's source. Runs in a worker."""
    source = sys.modules[_load(name, folder).__module__].__file__
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()[:8] if source else "builtin"


def _load(name: str, folder: str) -> Score:
    place, _, attribute = name.rpartition(":")
    try:
        function: Score | None = getattr(_module(place, folder), attribute, None)
    except Exception as error:
        raise UsageError(f"task.scorer: {place} cannot be imported: {type(error).__name__}: {error}") from error
    if not callable(function):
        raise UsageError(f"task.scorer: {place} has no function {attribute!r}")
    return function


def _module(place: str, folder: str) -> ModuleType:
    if not place.endswith(".py"):
        if folder not in sys.path:
            sys.path.insert(0, folder)
        return importlib.import_module(place)
    path = Path(folder, place)
    known = sys.modules.get(f"scorer:{path}")
    if known:
        return known
    spec = importlib.util.spec_from_file_location(f"scorer:{path}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
