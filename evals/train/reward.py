"""The reward of every trainer: our verdicts, 1 for a solved problem and 0 for any other unless the row says otherwise.

| trainer | function | where no verdict can be had |
|---|---|---|
| TRL | `trl_reward` | None: TRL leaves the completion out of the loss |
| verl | `compute_score` | 0 with a warning, for verl takes numbers only; ten in a row stop the training |
| your own | `rewards`, or a `Referee` | None |

All of them may be called from any thread, from inside a running event loop, and in any process: whatever computes or
executes something runs in processes of its own, each under a time limit. They are started on demand, and once in each
process that asks. Since they are spawned, a training script of your own needs the usual `if __name__ == "__main__":`.
"""

import asyncio
import atexit
import hashlib
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from evals.problems import Problem
from evals.scoring import Scoring, Verdict
from evals.scoring.workers import SECONDS
from evals.tasks.ground_truth import GroundTruth
from rsa.chain import Chain, Status
from rsa.errors import RunFailed, UsageError

__all__ = ["Referee", "compute_score", "rewards", "trl_reward"]

_AT_A_TIME = 2 * (os.cpu_count() or 1)
_MOST_FAILURES = 10  # in a row: then it is no longer a single odd answer that cannot be judged
_log = logging.getLogger(__name__)

Rule = tuple[str, float, bool]
"""How answers are judged: scorer, tolerance, lenient."""


class Referee:
    """Gives rewards, and owns the processes that takes; they end with it. Thread-safe.

    `unsafe` allows programs without isolation, as `rsa-eval --sandbox unsafe` does. `seconds` is what one verdict may take;
    programs and Reasoning Gym's scorers have limits of their own.
    """

    def __init__(self, *, unsafe: bool = False, seconds: float = SECONDS) -> None:
        self._unsafe = unsafe
        self._seconds = seconds
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._scorings: dict[Rule, Scoring] = {}
        self._failures = 0
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process that was started; no reward is given after that. In a fork, which does not own them, nothing."""
        if os.getpid() == self._process:
            with self._lock:
                self._closed = True
                scorings, self._scorings = self._scorings, {}
            for scoring in scorings.values():
                scoring.close()

    @property
    def failures(self) -> int:
        """How many rewards in a row, up to the last one, could not be given."""
        return self._failures

    def reward(self, ground_truth: str, text: str) -> float | None:
        """The reward of a completion, from 0 to 1; None, with a warning in the log, where no verdict can be had.

        What fails is tried a second time, in new processes. Blocks. Raises `UsageError` if the ground truth is not ours, or
        if nothing here can judge it: a package, a scorer or the sandbox is missing, or the referee is closed.
        """
        truth = GroundTruth.from_json(ground_truth)
        rule = (truth.scorer, truth.tolerance, truth.lenient)
        # scorers remember verdicts by a problem's id, which two data sets may both have
        problem = replace(truth.problem, id=hashlib.blake2b(ground_truth.encode(), digest_size=8).hexdigest())
        verdict = self._scoring(rule).score(problem, _chain(problem, text))
        if verdict.status == "error":
            verdict = self._again(rule, problem, text)
        failed = verdict.status == "error"
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
        if failed:
            _log.warning("no verdict on a completion for problem %s: %s", truth.problem.id, verdict.detail)
            return None
        return verdict.score if truth.graded else float(verdict.solved)

    def rewards(self, ground_truths: Sequence[str], texts: Sequence[str]) -> list[float | None]:
        """The rewards of many completions, in their order, several at a time. Blocks, and raises as `reward` does."""
        with ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="reward") as threads:
            asked = [threads.submit(self.reward, *pair) for pair in zip(ground_truths, texts, strict=True)]
            return [future.result() for future in asked]

    def _scoring(self, rule: Rule) -> Scoring:
        with self._lock:
            if rule not in self._scorings:
                self._scorings[rule] = self._made(rule)
            return self._scorings[rule]

    def _made(self, rule: Rule) -> Scoring:
        if self._closed:  # nobody would end the processes of a new one
            raise UsageError("this Referee is closed: make another one")
        scorer, tolerance, lenient = rule
        return Scoring(scorer, tolerance, lenient=lenient, unsafe=self._unsafe, seconds=self._seconds)

    def _again(self, rule: Rule, problem: Problem, text: str) -> Verdict:
        with self._made(rule) as fresh:
            return fresh.score(problem, _chain(problem, text))


async def rewards(ground_truths: Sequence[str], texts: Sequence[str]) -> list[float | None]:
    """The rewards of many completions, in their order, without holding up the event loop. Raises as `Referee.reward`."""
    return await asyncio.to_thread(_own().rewards, ground_truths, texts)


def trl_reward(
    completions: Sequence[str | Sequence[Mapping[str, Any]]], reward_model: Sequence[Mapping[str, Any]], **_columns: Any
) -> list[float | None]:
    """The reward function for TRL's trainers: `reward_funcs=[trl_reward]`. Raises as `Referee.reward`.

    `reward_model` is the column of the data set. A completion is a text, or a list of messages whose last is the model's.
    """
    texts = [each if isinstance(each, str) else str(each[-1].get("content") or "") for each in completions]
    return _own().rewards([str(each["ground_truth"]) for each in reward_model], texts)


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, Any] | None = None,  # noqa: ARG001 - by verl's convention
    **_options: Any,
) -> float:
    """The reward function for verl: `reward.custom_reward_function.path` is this file, `.name` compute_score.

    verl takes numbers only. So one completion on which its scorer fails even in new processes, which mostly is that
    completion's own doing, earns 0 and a warning. Raises `RunFailed` when that happens ten times in a row, for then the
    machine is to blame and zeros would train the model on nothing; and as `Referee.reward`.
    """
    referee = _own()
    reward = referee.reward(ground_truth, solution_str)
    if reward is not None:
        return reward
    if referee.failures >= _MOST_FAILURES:
        raise RunFailed(
            f"the last {referee.failures} completions could not be judged, now one of {data_source}: the warnings before "
            "this say why; mend that, then resume from the last checkpoint"
        )
    return 0.0


def _chain(problem: Problem, text: str) -> Chain:
    """A completion as what scorers take."""
    place = {"problem": problem.id, "repeat": 0, "strategy": "policy", "step": 1, "slot": 0, "parents": ()}
    made = {"model": "", "seed": 0, "prompt_sha256": "", "finish_reason": "stop", "status": Status.OK}
    return Chain(**place, **made, text=text)  # type: ignore[arg-type]


_owners: dict[int, Referee] = {}  # by process id, for trainers know nothing but a function; a fork makes its own


def _own() -> Referee:
    """This process's referee, made when it is first asked for and closed when the process exits."""
    process = os.getpid()
    if process not in _owners:
        mine = Referee()
        if _owners.setdefault(process, mine) is mine:  # of two threads one is the first
            atexit.register(mine.close)
    return _owners[process]
