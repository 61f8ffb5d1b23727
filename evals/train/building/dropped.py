"""What a training set leaves out, and why: one line each in `dropped.jsonl`.

| reason | the problem, or the aggregation prompts of the problem |
|---|---|
| duplicate | asks the same as an earlier one |
| in_evaluation_set | asks the same as one of an evaluation set |
| like_evaluation_set | shares too many rows of words with one of an evaluation set |
| not_judged | has no candidate that lives and could be judged |
| solved_too_rarely, solved_too_often | is outside the thresholds of `filter` |
| too_long | has no prompt within `max_prompt_tokens` |
| over_share | would have been a plain prompt, of which `aggregation_share` leaves no more |
| no_aggregation | has no draw of k candidates with a mix, or within `max_prompt_tokens`, and no plain prompts are wanted |
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

__all__ = ["Dropped", "counted", "dropped_lines", "reasons"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """One problem that is left out."""

    source: str
    problem: str
    reason: str
    detail: str = ""


def dropped_lines(dropped: Iterable[Dropped]) -> list[bytes]:
    """The content of `dropped.jsonl`."""
    return [json.dumps(asdict(each), ensure_ascii=False).encode(errors="replace") + b"\n" for each in dropped]


def counted(dropped: Iterable[Dropped]) -> dict[str, int]:
    """How many are left out for each reason, by its name."""
    return dict(sorted(Counter(each.reason for each in dropped).items()))


def reasons(dropped: Iterable[Dropped]) -> str:
    """The same in words."""
    return ", ".join(f"{reason} {count:,}" for reason, count in counted(dropped).items()) or "nothing is left out"
