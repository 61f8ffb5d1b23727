"""What is said of a chain: a verdict, and the judgement of a scorer that it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rsa.chain import Chain

__all__ = ["Attempt", "Judgement", "Verdict", "verdict"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a scorer judges: the answer that was read out of a chain's `text`, and what it is to be compared with.

    `question`, `golds` and `extra` are those of the problem (see `evals.problems.Problem`).
    """

    problem: str
    question: str
    text: str
    answer: str
    golds: tuple[str, ...]
    extra: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A scorer's word. `score` is in 0..1, `method` the rule that decided.

    `error` says why nothing could be decided: then the chain counts neither as right nor as wrong. `detail` is a short
    remark for people. `vote` is the text under which the answer votes where the answer itself does not tell.
    """

    score: float
    method: str
    error: str | None = None
    detail: str | None = None
    vote: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One chain's verdict. `status` is ok, no_answer or error; `score` is in 0..1, `solved` means 1; `ms` it took."""

    problem: str
    repeat: int
    strategy: str
    step: int
    slot: int
    answer: str | None
    status: str
    score: float
    solved: bool
    method: str
    scorer_version: str
    ms: float
    detail: str | None = None
    vote: str | None = None

    def to_record(self) -> dict[str, Any]:
        """The JSON object of one line of `verdicts.jsonl`."""
        record = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in record.items() if value is not None or name not in ("detail", "vote")}


def verdict(chain: Chain, answer: str | None, judgement: Judgement, scorer_version: str, ms: float) -> Verdict:
    """The verdict on a living chain. A missing answer is a status of its own and never right."""
    status = "no_answer" if answer is None else "error" if judgement.error else "ok"
    score = judgement.score if status == "ok" else 0.0
    return Verdict(
        chain.problem,
        chain.repeat,
        chain.strategy,
        chain.step,
        chain.slot,
        answer,
        status,
        score,
        score == 1.0,
        judgement.method,
        scorer_version,
        round(ms, 3),
        judgement.error or judgement.detail,
        judgement.vote,
    )
