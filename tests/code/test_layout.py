import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.problems import Dataset, load_problems
from evals.sandbox import AssertSuite, FunctionSuite, FunctionTest, Limits, StdinSuite, StdinTest
from evals.tasks.code import code_problem, code_problems, limits, program, public_suite, suite
from rsa.errors import UsageError

STDIN = {
    "id": "double",
    "question": "Print twice the number.",
    "style": "stdin",
    "tests": [{"input": "2\n", "output": "4\n", "public": True}, {"input": "0\n", "output": "0\n"}],
}
FUNCTIONAL = {
    "id": 7,
    "question": "Add the numbers.",
    "style": "functional",
    "function": "add",
    "starter_code": "def add(a, b):\n",
    "tolerance": 1e-6,
    "tests": [{"arguments": [1, 2], "result": 3, "public": True}, {"arguments": [None, [{}]], "result": None}],
}
ASSERT = {
    "id": "half",
    "question": "Halve it.",
    "style": "assert",
    "function": "half",
    "setup": "import math\n",
    "tests": [{"assert": "assert half(4) == 2", "public": True}, {"assert": "assert math.isnan(half(math.nan))"}],
}


def problem(row, **changes):
    return code_problem({**row, **changes}, "data: mine.jsonl, row 3")


def test_a_problem_is_of_kind_code_and_has_no_golds():
    made = problem(FUNCTIONAL, groups={"difficulty": "easy"})
    assert (made.id, made.kind, made.golds, made.groups) == ("7", "code", (), {"difficulty": "easy"})


def test_each_style_becomes_its_suite():
    first, second = StdinTest("2\n", "4\n"), StdinTest("0\n", "0\n")
    assert suite(problem(STDIN).extra) == StdinSuite((first, second))
    assert suite(problem(STDIN, tolerance=0.5).extra) == StdinSuite((first, second), 0.5)
    calls = (FunctionTest((1, 2), 3), FunctionTest((None, [{}]), None))
    assert suite(problem(FUNCTIONAL).extra) == FunctionSuite("add", calls, 1e-6)
    asserts = ("assert half(4) == 2", "assert math.isnan(half(math.nan))")
    assert suite(problem(ASSERT).extra) == AssertSuite("half", asserts, "import math\n")


def test_the_public_suite_has_the_public_tests_only():
    assert public_suite(problem(STDIN).extra) == StdinSuite((StdinTest("2\n", "4\n"),))
    assert public_suite(problem(FUNCTIONAL).extra) == FunctionSuite("add", (FunctionTest((1, 2), 3),), 1e-6)
    assert public_suite(problem(ASSERT).extra) == AssertSuite("half", ("assert half(4) == 2",), "import math\n")
    assert public_suite(problem(STDIN, tests=[{"input": "", "output": ""}]).extra) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.tuples(st.lists(JSON, max_size=3), JSON), min_size=1, max_size=3))
def test_freezing_changes_no_test(tmp_path_factory, tests):
    rows = [{**FUNCTIONAL, "tests": [{"arguments": arguments, "result": result} for arguments, result in tests]}]
    dataset = Dataset(tuple(code_problems(rows, "mine")), "mine")
    path = tmp_path_factory.mktemp("frozen") / "problems.jsonl"
    path.write_bytes(dataset.lines())
    frozen = suite(load_problems(path, dataset.sha256())[0].extra)
    assert repr(frozen) == repr(suite(dataset.problems[0].extra))
    assert frozen.tests == tuple(FunctionTest(tuple(arguments), result) for arguments, result in tests)


def test_solutions_are_in_no_part_of_a_problem():
    made = problem(STDIN, solutions={"reference": "print(2 * int(input()))  # needle"})
    assert "needle" not in json.dumps([made.question, made.extra])


def test_limits_are_the_sandboxs_unless_the_problem_has_its_own():
    usual = Limits()
    assert limits(problem(STDIN).extra) == usual
    own = limits(problem(STDIN, limits={"seconds": 2.5, "memory_mb": 256}).extra)
    assert (own.cpu, own.memory, own.output) == (2.5, 256 << 20, usual.output)
    assert own.wall / own.cpu == usual.wall / usual.cpu
    slow = limits(problem(STDIN, limits={"seconds": 1000}).extra)
    assert slow.total >= slow.wall > slow.cpu == 1000
    assert slow.memory == usual.memory


def test_the_setup_stands_before_the_program():
    assert program(problem(STDIN).extra, "print(1)") == "print(1)"
    assert program(problem(ASSERT).extra, "x = 1").split() == ["import", "math", "x", "=", "1"]
    answer = '"""What it does."""\nfrom __future__ import annotations\n\ndef half(x: Unknown):\n    return x / 2\n'
    names = {}
    exec(program(problem(ASSERT).extra, answer), names)
    assert names["half"](3) == 1.5


def test_a_program_is_told_to_read_and_write():
    question = problem(STDIN).question
    assert "reads the input from standard input and writes the answer to standard output" in question
    assert question.endswith("Give the complete program in one ```python code block.")
    assert code_problem(STDIN, "x", "Only code.").question.endswith("standard output.\n\nOnly code.")
    assert code_problem(STDIN, "x", "").question.endswith("standard output.")


def test_a_function_is_named_and_its_beginning_shown():
    assert (
        "Write the Python function `add`. This is how it begins:\n\n```python\ndef add(a, b):\n```"
        in problem(FUNCTIONAL).question
    )
    assert "Write a Python function with the name `half`." in problem(ASSERT).question
    method = problem(FUNCTIONAL, starter_code="class Solution:\n    def add(self, a, b):")
    assert "the Python class `Solution` with the method `add`" in method.question


def test_public_tests_are_shown_where_the_statement_lacks_them():
    assert "Example 1, input:\n\n```\n2\n```\n\nOutput:\n\n```\n4\n```" in problem(STDIN).question
    assert "add(1, 2) returns 3" in problem(FUNCTIONAL).question
    assert "assert half(4) == 2" in problem(ASSERT).question
    assert "isnan" not in problem(ASSERT).question


@pytest.mark.parametrize(
    ("row", "statement"),
    [
        (STDIN, "Print twice the number.\n\nInput\n\n    2\n\nOutput\n\n    4"),
        (FUNCTIONAL, "Add.\n\n    add(1, 2) returns 3"),
        (ASSERT, "Halve:\nassert half(4) == 2"),
    ],
)
def test_examples_are_not_shown_twice(row, statement):
    assert problem(row, question=statement).question.startswith(statement + "\n\nWrite ")


def test_a_number_somewhere_in_the_statement_is_not_an_example():
    assert "Example 1" in problem(STDIN, question="Print 2 times the number; 4 is\neven.").question


@pytest.mark.parametrize(
    ("row", "changes", "says"),
    [
        (STDIN, {"style": "stdio"}, r"row 3: style: 'stdio' is none of stdin, functional, assert"),
        (STDIN, {"id": " "}, r"row 3: id\..*is blank"),
        (STDIN, {"id": True}, r"row 3: id"),
        (STDIN, {"question": ""}, r"row 3: question: is blank"),
        (STDIN, {"question": 5}, r"row 3: question: Input should be a valid string \(given: 5\)"),
        (STDIN, {"question": "\ud800"}, r"row 3: question: holds half of a surrogate pair"),
        (STDIN, {"tests": []}, r"row 3: tests: List should have at least 1 item"),
        (STDIN, {"tests": [{"input": "1"}]}, r"row 3: tests\.0\.output is missing"),
        (STDIN, {"tests": [{"input": "1", "output": 1}]}, r"row 3: tests\.0\.output: Input should be a valid string"),
        (STDIN, {"tests": [{"arguments": [], "result": 1}]}, r"row 3: tests\.0\.input is missing"),
        (STDIN, {"tests": [{"input": "\ud800", "output": ""}]}, r"row 3: tests\.0\.input: holds half of a surrogate pair"),
        (FUNCTIONAL, {"tests": [{"arguments": ["\ud800"], "result": 1}]}, r"row 3: tests\.0\.arguments: is not plain JSON"),
        (STDIN, {"tests": [{"input": "", "output": "", "public": "yes"}]}, r"row 3: tests\.0\.public: .*boolean"),
        (STDIN, {"function": "f"}, r"row 3: unknown key 'function' for style stdin"),
        (STDIN, {"tolerence": 1.0}, r"unknown key 'tolerence' for style stdin; did you mean 'tolerance'"),
        (STDIN, {"tolerance": 0.0}, r"row 3: tolerance: .*greater than 0"),
        (STDIN, {"tolerance": float("inf")}, r"row 3: tolerance: .*finite"),
        (STDIN, {"limits": {"seconds": 0}}, r"row 3: limits\.seconds: .*greater than 0"),
        (STDIN, {"limits": {"memory": 5}}, r"row 3: unknown key 'limits\.memory'"),
        (STDIN, {"groups": {"difficulty": 3}}, r"row 3: groups\.difficulty: .*string"),
        (FUNCTIONAL, {"function": "a b"}, r"row 3: function: is not the name of a Python function \(given: 'a b'\)"),
        (FUNCTIONAL, {"function": "class"}, r"row 3: function: is not the name"),
        (FUNCTIONAL, {"tests": [{"arguments": 1, "result": 1}]}, r"row 3: tests\.0\.arguments: .*list"),
        (FUNCTIONAL, {"tests": [{"arguments": []}]}, r"row 3: tests\.0\.result is missing"),
        (FUNCTIONAL, {"tests": [{"arguments": [], "result": float("nan")}]}, r"row 3: tests\.0\.result: is not plain JSON"),
        (
            FUNCTIONAL,
            {"tests": [{"arguments": [[float("inf")]], "result": 1}]},
            r"row 3: tests\.0\.arguments: is not plain JSON",
        ),
        (ASSERT, {"tests": [{"assert": "assert half(4 == 2"}]}, r"row 3: tests\.0\.assert: is not Python"),
        (ASSERT, {"tests": [{"assert": ""}]}, r"row 3: tests\.0\.assert: is blank"),
        (ASSERT, {"setup": "import"}, r"row 3: setup: is not Python"),
        (ASSERT, {"tolerance": 0.1}, r"row 3: unknown key 'tolerance'"),
    ],
)
def test_mistakes_are_told_with_their_row_and_key(row, changes, says):
    with pytest.raises(UsageError, match=says) as told:
        problem(row, **changes)
    assert str(told.value).startswith("data: mine.jsonl, row 3: ")


@pytest.mark.parametrize(("row", "key"), [(STDIN, "id"), (STDIN, "style"), (FUNCTIONAL, "function"), (ASSERT, "tests")])
def test_what_is_missing_is_told(row, key):
    with pytest.raises(UsageError, match=f"row 3: {key} is missing"):
        code_problem({name: value for name, value in row.items() if name != key}, "data: mine.jsonl, row 3")


def test_rows_are_counted_and_ids_are_unique():
    assert [made.id for made in code_problems([STDIN, FUNCTIONAL, ASSERT], "mine.jsonl")] == ["double", "7", "half"]
    with pytest.raises(UsageError, match=r"data: mine\.jsonl, row 2: question is missing"):
        code_problems([STDIN, {"style": "stdin", "id": 1, "tests": STDIN["tests"]}], "mine.jsonl")
    with pytest.raises(UsageError, match=r"data: mine\.jsonl: the id '7' stands for more than one problem"):
        code_problems([FUNCTIONAL, {**STDIN, "id": "7"}], "mine.jsonl")
