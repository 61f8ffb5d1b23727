"""A user's own scorer: `module:function` or `path/to/file.py:function`.

The function takes an `Attempt` and returns whether it is right, or a score from 0 to 1. It runs in a worker process under
the time limit of a verdict; whatever it raises makes an `error` verdict that names the line, `SystemExit` and
`KeyboardInterrupt` too. Of what it returns or raises only a number or plain text leaves the worker.
"""

import hashlib
import importlib
import importlib.util
import numbers
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
_LONGEST = 300  # characters of an exception's text


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
    try:
        function = _load(name, folder)
    except UsageError as error:
        return str(error)
    try:
        given: object = function(attempt)
        score = _number(given)
    except BaseException as error:  # noqa: BLE001 - it is the user's function, and may raise anything
        return _told(error)
    if score is None:
        return f"{name} returned {_shown(repr, given, 80)}: a scorer returns True, False or a number from 0 to 1"
    return score


def _number(given: object) -> float | None:
    """The number from 0 to 1 that an object stands for, also one of numpy's; None if there is none."""
    if isinstance(given, str | bytes) or (isinstance(given, numbers.Complex) and not isinstance(given, numbers.Real)):
        return None
    try:
        number = float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number <= 1 else None


def _told(error: BaseException) -> str:
    """An exception in one line, with the last place that is neither ours nor the import system's."""
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    outside = [place for place in places if place[0] not in (__file__, importlib.__file__) and place[0][:7] != "<frozen"]
    where = "".join(f" ({Path(file).name}, line {line})" for file, line in outside[-1:])
    return ": ".join(filter(None, (type(error).__name__, _shown(str, error, _LONGEST)))) + where


def _shown(show: Callable[[object], str], thing: object, longest: int) -> str:
    """What a user's object says of itself, in one line; its own code runs, and may raise anything."""
    try:
        return " ".join(f"{show(thing)}".split())[:longest]
    except BaseException as error:  # noqa: BLE001
        return f"({type(error).__name__} when asked for its text)"


def _fingerprint(name: str, folder: str) -> str:
    """Eight digits that change with the scorer's source. Runs in a worker."""
    module = sys.modules.get(getattr(_load(name, folder), "__module__", None) or "")
    source = getattr(module, "__file__", None)
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()[:8] if source else "builtin"


def _load(name: str, folder: str) -> Score:
    place, _, attribute = name.rpartition(":")
    try:
        function: Score | None = getattr(_module(place, folder), attribute, None)
    except BaseException as error:  # noqa: BLE001 - so may the file that it is in
        raise UsageError(f"task.scorer: {place} cannot be imported: {_told(error)}") from None  # it stays in the worker
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
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(spec.name, None)  # so that half a module is not found the next time
        raise
    return module
