"""Verdicts per second on one core, against calling the libraries directly: math-verify, and Reasoning Gym's scorers.

Every answer is another one, so that no verdict is remembered, except in the row that says so.
"""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from math_verify import parse, verify
from reasoning_gym.factory import get_score_answer_fn

from evals.problems import Problem
from evals.scoring import Scoring
from evals.tasks import load_task
from evals.tasks.config import TaskConfig
from rsa.chain import Chain, Status

REPEATS = 5
Pair = tuple[str, str]
HOSTILE = (
    r"9^{9^{9^9}}",
    r"10^{10^{10}}",
    "1e999999999",
    "(" * 390,
    r"\frac{1}{" * 150,
    r"\int_0^{1} x^{x^{x^{x}}} dx",
    "1+" * 190 + "1",
    r"\binom{99999}{50000}",
)


def measure() -> list[dict[str, Any]]:
    """`ours` and `theirs` are medians, `ratio` is the median of the paired ratios, `spread` their smallest and largest."""
    with Scoring("integer") as integers, Scoring("math") as maths, Scoring() as gym:
        rows = [
            compared("AIME integers", "math-verify", maths_rate(integers), direct_maths_rate, integer_pairs),
            compared("expressions", "math-verify", maths_rate(maths), direct_maths_rate, expression_pairs),
            compared("expressions, each 16 times", "math-verify", maths_rate(maths), direct_maths_rate, repeated_pairs),
            compared("hostile answers", "math-verify", maths_rate(maths), direct_maths_rate, hostile_pairs),
        ]
        items = gym_items()
        gym.prepare(items)
        warm = [(problem, problem.golds[0]) for problem in items]
        gym_rate(gym, warm)
        rows.append(
            compared(
                "Reasoning Gym",
                "its scorer, made for each call",
                lambda pairs: gym_rate(gym, pairs),
                direct_gym_rate,
                lambda repeat: [(problem, f"{gold}{' ' * repeat}x") for problem, gold in warm],
            )
        )
    return rows


def compared(
    name: str,
    baseline: str,
    ours: Callable[[Any], float],
    theirs: Callable[[Any], float],
    cases: Callable[[int], Sequence[Any]],
) -> dict[str, Any]:
    rates = [(ours(cases(repeat)), theirs(cases(repeat))) for repeat in range(REPEATS)]
    ratios = [mine / other for mine, other in rates]
    return {
        "name": name,
        "baseline": baseline,
        "ours": round(statistics.median(mine for mine, _ in rates), 1),
        "theirs": round(statistics.median(other for _, other in rates), 1),
        "unit": "verdicts/s",
        "ratio": round(statistics.median(ratios), 2),
        "spread": [round(min(ratios), 2), round(max(ratios), 2)],
        "repeats": len(ratios),
    }


def integer_pairs(repeat: int) -> list[Pair]:
    return [(str(number % 1000), str(number % 997 + repeat)) for number in range(1000 * repeat, 1000 * repeat + 1000)]


def expression_pairs(repeat: int) -> list[Pair]:
    numbers = range(2 + 100 * repeat, 42 + 100 * repeat)
    return [(rf"\frac{{{a} \sqrt{{{a + 1}}}}}{{{a + 1}}}", rf"\frac{{{a}}}{{\sqrt{{{a + 1}}}}}") for a in numbers]


def repeated_pairs(repeat: int) -> list[Pair]:
    return [pair for pair in expression_pairs(50 + repeat)[:10] for _ in range(16)]


def hostile_pairs(repeat: int) -> list[Pair]:
    return [(rf"\sqrt{{{repeat + 2}}}", answer) for answer in HOSTILE]


def maths_rate(scoring: Scoring) -> Callable[[Sequence[Pair]], float]:
    scoring.prepare([Problem("p", "?", ("1",), "math")])
    scoring.score(*case(r"\sqrt{4}", r"\sqrt{8}"))  # starts what has to be started

    def rate(pairs: Sequence[Pair]) -> float:
        cases = [case(gold, answer) for gold, answer in pairs]
        began = time.perf_counter()
        for problem, chain in cases:
            scoring.score(problem, chain)
        return len(pairs) / (time.perf_counter() - began)

    return rate


def case(gold: str, answer: str) -> tuple[Problem, Chain]:
    return Problem("p", "?", (gold,), "math"), chain_of(f"So the answer is $\\boxed{{{answer}}}$.")


def chain_of(text: str) -> Chain:
    return Chain("p", 0, "s", 1, 0, (), "m", 0, "", text, "stop", Status.OK)


def direct_maths_rate(pairs: Sequence[Pair]) -> float:
    texts = [(f"\\boxed{{{gold}}}", f"So the answer is $\\boxed{{{answer}}}$.") for gold, answer in pairs]
    began = time.perf_counter()
    for gold, text in texts:
        verify(parse(gold), parse(text))
    return len(pairs) / (time.perf_counter() - began)


def gym_items() -> list[Problem]:
    names = "countdown,maze,sudoku,tower_of_hanoi,number_sequence,arc_1d,figlet_font,futoshiki"
    return list(load_task(TaskConfig(name=f"reasoning_gym:{names}", size=24), 0).problems)


def gym_rate(scoring: Scoring, items: Sequence[tuple[Problem, str]]) -> float:
    cases = [(problem, chain_of(f"<answer>{answer}</answer>")) for problem, answer in items]
    began = time.perf_counter()
    for problem, chain in cases:
        scoring.score(problem, chain)
    return len(items) / (time.perf_counter() - began)


def direct_gym_rate(items: Sequence[tuple[Problem, str]]) -> float:
    entries = [(json.loads(json.dumps(dict(problem.extra))), answer) for problem, answer in items]
    began = time.perf_counter()
    for extra, answer in entries:
        get_score_answer_fn(extra["dataset"])(answer, extra["entry"])
    return len(items) / (time.perf_counter() - began)
