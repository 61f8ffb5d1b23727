"""Scores the chains of a run: reads the answer, asks the scorer, makes the verdict.

| scorer | right if | for the kinds |
|---|---|---|
| integer | the same whole number; nothing is calculated | math |
| math | the same value by text, exact number or computer algebra | math, general |
| choice | the same letter | choice |
| number | the same number, or within `tolerance` | number, math, general |
| gym | Reasoning Gym's own scorer gives 1 | gym |
| code | all tests pass | code |
| exact | the same text | any |
| regex | a right answer, as a pattern, matches the whole answer | any |
| module:function | your own function says so | any |

A missing answer is a status of its own. A dead chain gets no verdict at all.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import MappingProxyType, TracebackType
from typing import Protocol, Self

from evals.problems import Problem
from evals.sandbox import Sandbox
from evals.scoring.code import CodeScorer
from evals.scoring.custom import CustomScorer, is_custom
from evals.scoring.gym import GymScorer
from evals.scoring.maths import IntegerScorer, MathScorer
from evals.scoring.plain import ChoiceScorer, ExactScorer, NumberScorer, RegexScorer
from evals.scoring.verdicts import Attempt, Judgement, Verdict, verdict
from evals.scoring.workers import SECONDS, Workers
from rsa.answers import any_code
from rsa.chain import Chain
from rsa.equivalence import Equivalence
from rsa.kinds import KINDS

__all__ = ["SCORERS", "THREADS", "Scorer", "Scoring", "default_scorer", "lacks_gold", "read_answer"]


class Scorer(Protocol):
    """Judges answers; may be called from any thread."""

    @property
    def version(self) -> str:
        """Changes whenever a verdict may."""

    @property
    def equivalence(self) -> Equivalence:
        """Which answers vote together."""

    def judge(self, attempt: Attempt) -> Judgement:
        """The judgement of an answer that is there."""


_DEFAULTS = MappingProxyType({"math": "math", "choice": "choice", "number": "number", "gym": "gym", "code": "code"})
SCORERS = ("integer", "math", "choice", "number", "gym", "code", "exact", "regex")
"""Every scorer's name; a user's own function is `module:function`."""
_SANDBOXED = ("gym", "code")  # and judge by the entry and by tests, not by right answers
THREADS = 2 * (os.cpu_count() or 1)
"""How many chains are scored at a time; the work itself is done by other processes."""
_AHEAD = 256


def default_scorer(kind: str) -> str:
    """The scorer of a problem kind where none is named."""
    return _DEFAULTS.get(kind, "math")


def lacks_gold(problem: Problem, scorer: str) -> bool:
    """Whether a problem has no right answer while its scorer has nothing else to judge by."""
    return not problem.golds and scorer not in _SANDBOXED and not is_custom(scorer)


def read_answer(problem: Problem, text: str, *, lenient: bool = False) -> str | None:
    """The answer in a chain's text; None if there is none. A letter that was not among the options is none.

    With `lenient` a program needs no Python fence around it.
    """
    answer = any_code(text) if lenient and problem.kind == "code" else KINDS[problem.kind].extract(text)
    options = problem.extra.get("options")
    return None if options and answer is not None and answer not in options else answer


class Scoring:
    """The scorers of one run with the processes they need, which start on demand and end with it. Thread-safe."""

    def __init__(
        self,
        scorer: str | None = None,
        tolerance: float = 0.0,
        *,
        lenient: bool = False,
        unsafe: bool = False,
        seconds: float = SECONDS,
    ) -> None:
        self._scorer = scorer
        self._lenient = lenient
        self._stack = ExitStack()
        workers = self._stack.enter_context(Workers(seconds=seconds))
        sandbox = self._sandbox = self._stack.enter_context(Sandbox(unsafe=unsafe))
        self._makers: Mapping[str, Callable[[], Scorer]] = {
            "integer": IntegerScorer,
            "math": lambda: MathScorer(workers),
            "choice": ChoiceScorer,
            "number": lambda: NumberScorer(tolerance),
            "gym": lambda: GymScorer(sandbox),
            "code": lambda: CodeScorer(sandbox),
            "exact": ExactScorer,
            "regex": lambda: RegexScorer(workers),
        }
        self._workers = workers
        self._made: dict[tuple[str, str], Scorer] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process that was started."""
        self._stack.close()

    def prepare(self, problems: Iterable[Problem]) -> None:
        """Make the scorers of these problems, so that what is missing is told before anything is spent.

        Raises `UsageError`: a function, a package or a sandbox that is not there. The scorer itself must be one that
        `check_golds` lets through.
        """
        for kind in sorted({problem.kind for problem in problems}):
            self._of(kind)
            if self._name(kind) in _SANDBOXED:
                _ = self._sandbox.level

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions of all scorers that were made."""
        return tuple(sorted({self.version(kind) for _, kind in self._made}))

    def version(self, kind: str) -> str:
        """The version of the scorer of a problem kind, and how well the sandbox seals if it uses one."""
        sealed = f" sandbox {self._sandbox.level.value}" if self._name(kind) in _SANDBOXED else ""
        lenient = " lenient" if self._lenient and kind == "code" else ""
        return self._of(kind).version + lenient + sealed

    def equivalence(self, problem: Problem) -> Equivalence:
        """Which answers to a problem vote together."""
        return self._of(problem.kind).equivalence

    def score(self, problem: Problem, chain: Chain) -> Verdict:
        """The verdict of a living chain. Blocks until it is there."""
        started = time.perf_counter()
        answer = read_answer(problem, chain.text, lenient=self._lenient)
        if answer is None:
            judgement = Judgement(0.0, "no_answer")
        elif lacks_gold(problem, self._name(problem.kind)):
            judgement = Judgement(0.0, "no right answer", error="the problem has no right answer")
        else:
            attempt = Attempt(problem.id, problem.question, chain.text, answer, problem.golds, problem.extra)
            judgement = self._of(problem.kind).judge(attempt)
        took = (time.perf_counter() - started) * 1000
        return verdict(chain, answer, judgement, self.version(problem.kind), took)

    def score_all(self, chains: Iterable[tuple[Problem, Chain]]) -> Iterator[Verdict]:
        """The verdicts of many living chains, in their order, several at a time."""
        pending: deque[Future[Verdict]] = deque()
        with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="scoring") as threads:
            for problem, chain in chains:
                pending.append(threads.submit(self.score, problem, chain))
                if len(pending) >= _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()

    def _name(self, kind: str) -> str:
        return self._scorer or default_scorer(kind)

    def _of(self, kind: str) -> Scorer:
        name = self._name(kind)
        if (name, kind) not in self._made:
            self._made[name, kind] = self._make(name, kind)
        return self._made[name, kind]

    def _make(self, name: str, kind: str) -> Scorer:
        if is_custom(name):
            return CustomScorer(name, self._workers, KINDS[kind].equivalence)
        return self._makers[name]()
