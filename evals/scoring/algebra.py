r"""Computer algebra on two answers, with math-verify. Runs in a worker process only.

Only its LaTeX reader is used: its reader of plain expressions hands the text to Python. Both answers are put into a box,
because bare ones are often not recognised.
"""

import functools
from typing import Any

__all__ = ["same_value"]


def same_value(gold: str, answer: str, both_ways: bool) -> bool | None:
    """Whether an answer has the value of the right one; None if one of the two cannot be read.

    math-verify's comparison is not symmetric. It is asked with the right answer first, and also the other way round where
    `both_ways`.
    """
    from math_verify import verify  # noqa: PLC0415 - 0.4 s, and only in a worker

    right, given = _parsed(gold), _parsed(answer)
    if not right or not given:
        return None
    same = verify(right, given, timeout_seconds=None)
    return bool(same and (not both_ways or verify(given, right, timeout_seconds=None)))


@functools.lru_cache(maxsize=1024)
def _parsed(answer: str) -> list[Any]:
    import logging  # noqa: PLC0415 - as below

    from math_verify import LatexExtractionConfig, parse  # noqa: PLC0415 - 0.4 s, and only in a worker

    logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns that its own time limit is off
    reading = [LatexExtractionConfig(boxed_match_priority=0)]
    parsed: list[Any] = parse(f"\\boxed{{{answer}}}", reading, parsing_timeout=None, fallback_mode="no_fallback")
    return parsed
