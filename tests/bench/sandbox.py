"""Programs judged per second: the sandbox against a fresh interpreter a test, and against one manager process a program.

The second baseline is how published graders work: a fork of the grader executes the program in itself, below a header of
star imports, with mocks in the place of standard input and `open` and an alarm for each test, and hands its findings over
through a `multiprocessing.Manager`. It shuts nothing in.
"""

import io
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from typing import Any
from unittest.mock import mock_open, patch

from evals.sandbox import Outcome, Sandbox, StdinSuite, StdinTest

WORKERS = os.cpu_count() or 1
REPEATS = 5
SIZES = {1: (60, 24, 16), 10: (60, 8, 12), 40: (40, 4, 8)}  # tests a program -> programs for the sandbox and the baselines
PROGRAM = """
import sys
from collections import defaultdict


def main():
    count, *numbers = map(int, sys.stdin.read().split())
    places = defaultdict(list)
    for place, number in enumerate(numbers):
        places[number % 7].append(place)
    print(sum(numbers), max(map(len, places.values())))


main()
"""
HEADER = "".join(
    f"from {module} import *\n"
    for module in (
        "string",
        "re",
        "datetime",
        "collections",
        "heapq",
        "bisect",
        "copy",
        "math",
        "random",
        "statistics",
        "itertools",
        "functools",
        "operator",
        "io",
        "sys",
        "json",
        "builtins",
        "typing",
    )
)
Judge = Callable[[str, StdinSuite], bool]


def measure() -> list[dict[str, Any]]:
    """One row for each number of tests and baseline; takes about a minute.

    `ours` and `theirs` are medians in programs a second, `ratio` is the median of the paired ratios and `spread` the
    smallest and the largest of them.
    """
    rows = []
    with Sandbox(WORKERS) as sandbox, ThreadPoolExecutor(WORKERS) as pool:
        judges: dict[str, Judge] = {
            "sandbox": lambda program, suite: sandbox.judge(program, suite).outcome is Outcome.SOLVED,
            "a fresh python -I a test": with_fresh_interpreters,
            "a manager process a program": with_a_manager,
        }
        for judge in judges.values():  # whatever is started once is started now
            rate(pool, judge, suite_of(1), WORKERS, "warm-up")
        for tests, amounts in SIZES.items():
            suite = suite_of(tests)
            rates = [
                [
                    rate(pool, judge, suite, amount, f"{tests}.{repeat}")
                    for judge, amount in zip(judges.values(), amounts, strict=True)
                ]
                for repeat in range(REPEATS)
            ]
            rows += [row(tests, name, rates, place) for place, name in enumerate(judges) if place]
        level = sandbox.level
    return [{**each, "level": str(level), "workers": WORKERS} for each in rows]


def row(tests: int, baseline: str, rates: Sequence[Sequence[float]], place: int) -> dict[str, Any]:
    ratios = [each[0] / each[place] for each in rates]
    return {
        "name": f"programs with {tests} test{'s' if tests > 1 else ''}",
        "baseline": baseline,
        "ours": round(statistics.median(each[0] for each in rates), 1),
        "theirs": round(statistics.median(each[place] for each in rates), 1),
        "unit": "programs/s",
        "ratio": round(statistics.median(ratios), 2),
        "spread": [round(min(ratios), 2), round(max(ratios), 2)],
        "repeats": len(ratios),
    }


def suite_of(tests: int) -> StdinSuite:
    cases = []
    for test in range(tests):
        numbers = [(test * 31 + place * 17) % 101 for place in range(50)]
        most = max(sum(number % 7 == rest for number in numbers) for rest in range(7))
        cases.append(StdinTest(f"{len(numbers)}\n{' '.join(map(str, numbers))}\n", f"{sum(numbers)} {most}\n"))
    return StdinSuite(tuple(cases))


def rate(pool: ThreadPoolExecutor, judge: Judge, suite: StdinSuite, amount: int, mark: str) -> float:
    """Programs a second. No two programs are the same text, so that no verdict is remembered."""
    programs = [f"{PROGRAM}# {mark}.{number}.{id(judge)}\n" for number in range(amount)]
    began = time.perf_counter()
    right = list(pool.map(lambda program: judge(program, suite), programs))
    seconds = time.perf_counter() - began
    if not all(right):
        raise RuntimeError("a right program was judged wrong")
    return amount / seconds


def with_fresh_interpreters(program: str, suite: StdinSuite) -> bool:
    for test in suite.tests:
        done = subprocess.run(
            [sys.executable, "-I", "-c", program], input=test.input, capture_output=True, text=True, check=True
        )
        if done.stdout.strip() != test.output.strip():
            return False
    return True


def with_a_manager(program: str, suite: StdinSuite) -> bool:
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager:
        findings, metadata = manager.list(), manager.list()
        process = context.Process(target=execute_in_this_process, args=(program, suite, findings, metadata))
        process.start()
        process.join(60)
        return list(findings) == [True] * len(suite.tests)


def execute_in_this_process(program: str, suite: StdinSuite, findings: Any, metadata: Any) -> None:
    code = compile(HEADER + program, "program", "exec")
    verdicts = []
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    for test in suite.tests:
        text = io.StringIO(test.input)
        signal.alarm(6)
        with (
            patch("builtins.open", mock_open(read_data=test.input)),
            patch("sys.stdin", text),
            patch("sys.stdin.readline", text.readline),
            patch("sys.stdin.readlines", text.readlines),
            patch("sys.stdin.read", text.read),
            redirect_stdout(io.StringIO()) as output,
        ):
            exec(code, {"__name__": "__main__"})
        signal.alarm(0)
        verdicts.append(output.getvalue().strip() == test.output.strip())
    findings.extend(verdicts)
    metadata.append({"tests": len(verdicts)})


if __name__ == "__main__":
    for each in measure():
        sys.stdout.write(f"{each}\n")
