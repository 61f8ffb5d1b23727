import dataclasses

import pytest

from evals.sandbox import AssertSuite, FunctionSuite, FunctionTest, Limits, Outcome, Sandbox, StdinSuite, StdinTest
from rsa.errors import UsageError

DOUBLES = StdinSuite(tuple(StdinTest(f"{n}\n", f"{2 * n}\n") for n in range(8)))


def function(*tests, tolerance=None):
    return FunctionSuite("f", tuple(FunctionTest(tuple(arguments), result) for arguments, result in tests), tolerance)


@pytest.mark.parametrize(
    ("program", "outcome", "failing", "tests_run"),
    [
        ("print(2 * int(input()))", Outcome.SOLVED, None, 8),
        ("n = int(input())\nprint(2 * n if n < 5 else n)", Outcome.WRONG_ANSWER, 5, 6),
        ("n = int(input())\nprint(2 * n // (n != 3))", Outcome.RUNTIME_ERROR, 3, 4),
        ("n = int(input())\nwhile n == 2: pass\nprint(2 * n)", Outcome.TIME_LIMIT, 2, 3),
        ("n = int(input())\nx = bytearray(n << 40)\nprint(2 * n)", Outcome.MEMORY_LIMIT, 1, 2),
        ("print('x' * 70_000)", Outcome.WRONG_ANSWER, 0, 1),
        ("while True: print('x' * 70_000)", Outcome.OUTPUT_LIMIT, 0, 1),
        ("print(2 * int(input()))\nraise SystemExit(3)", Outcome.RUNTIME_ERROR, 0, 1),
        ("print(2 * int(input()))\n1 / 0", Outcome.RUNTIME_ERROR, 0, 1),
        ("", Outcome.WRONG_ANSWER, 0, 1),
        ("\ud800", Outcome.RUNTIME_ERROR, 0, 1),
        ("print(1)\0", Outcome.RUNTIME_ERROR, 0, 1),
    ],
)
def test_verdicts_of_stdin_tests(sandbox, program, outcome, failing, tests_run):
    judgement = sandbox.judge(program, DOUBLES, Limits(cpu=1.0, wall=10.0, output=1 << 20))
    assert (judgement.outcome, judgement.failing, judgement.tests_run) == (outcome, failing, tests_run), judgement
    assert judgement.seconds > 0
    assert bool(judgement.detail) == (outcome is not Outcome.SOLVED)


@pytest.mark.parametrize(
    "left_behind",
    [
        "import builtins; builtins.print = None",
        "import os; os.close(0); os.close(1)",
        "import sys; sys.stdin = sys.stdout = sys.__stdout__ = None",
        "import os; os.closerange(0, 99)",
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "import sys; sys.modules.clear()",
        "import os, sys; sys.stdout.flush(); os._exit(0)",
        "import sys; sys.set_int_max_str_digits(640); sys.setrecursionlimit(60)",
        "import signal; signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)",
    ],
)
def test_what_a_test_breaks_is_no_later_tests_failure(sandbox, left_behind):
    program = f"import sys\nprint(2 * int(input()))\nsys.stdout.flush()\n{left_behind}\n"
    assert sandbox.judge(program, DOUBLES).outcome is Outcome.SOLVED


def test_a_program_that_counts_its_tests_is_judged_in_a_fresh_process(sandbox):
    program = (
        "import os\nn = int(os.environ.get('N', 0)) + 1\nos.environ['N'] = str(n)\nprint(2 * int(input()) if n < 4 else 0)"
    )
    assert sandbox.judge(program, DOUBLES).outcome is Outcome.SOLVED


def test_the_time_of_all_tests_together_is_limited(sandbox):
    program = "import time\ntime.sleep(0.2)\nprint(2 * int(input()))"
    judgement = sandbox.judge(program, DOUBLES, Limits(total=0.5))
    assert judgement.outcome is Outcome.TIME_LIMIT
    assert 0 < judgement.failing < 7


def test_an_input_may_be_large_and_hold_anything(sandbox):
    text = "".join(map(chr, range(1, 0x300))).replace("\r", "") * 2000
    suite = StdinSuite((StdinTest(text, str(len(text))), StdinTest("", "0")))
    assert sandbox.judge("import sys\nprint(len(sys.stdin.read()))", suite).outcome is Outcome.SOLVED


def test_an_input_may_be_larger_than_any_output(sandbox):
    suite = StdinSuite((StdinTest("x" * (3 << 20), str(3 << 20)),) * 2)
    assert sandbox.judge("print(len(input()))", suite, Limits(output=1 << 20)).outcome is Outcome.SOLVED
    assert sandbox.judge("print(input())", suite, Limits(output=1 << 20)).outcome is Outcome.OUTPUT_LIMIT


@pytest.mark.parametrize("generator", ["import random; draw = random.random", "import numpy; draw = numpy.random.rand"])
def test_a_program_that_draws_at_random_does_the_same_each_time(generator):
    suite = StdinSuite((StdinTest("", ""),) * 2)
    found = set()
    for _ in range(2):
        with Sandbox(1) as sandbox:
            found.add(sandbox.behaviour(f"{generator}\nprint(draw(), hash('text'))", suite))
    assert len(found) == 1
    assert None not in found


def test_floats_are_close_only_where_a_suite_says_so(sandbox):
    exact = StdinSuite((StdinTest("", "0.3333333"),))
    close = dataclasses.replace(exact, tolerance=1e-6)
    assert sandbox.judge("print(1 / 3)", exact).outcome is Outcome.WRONG_ANSWER
    assert sandbox.judge("print(1 / 3)", close).outcome is Outcome.SOLVED
    assert sandbox.judge("def f(): return 1 / 3", function(((), 0.3333333))).outcome is Outcome.WRONG_ANSWER
    assert sandbox.judge("def f(): return 1 / 3", function(((), 0.3333333), tolerance=1e-6)).outcome is Outcome.SOLVED


@pytest.mark.parametrize(
    ("program", "suite", "outcome"),
    [
        ("class Solution:\n def f(self, a, b): return a + b", function(([1, 2], 3), (["a", "b"], "ab")), Outcome.SOLVED),
        ("def f(a): return a", function(([[1, {"k": None}]], [1, {"k": None}])), Outcome.SOLVED),
        ("def f(a): return tuple(a)", function(([[1, 2]], [1, 2])), Outcome.SOLVED),
        ("def f(a): return [tuple(a)]", function(([[1, 2]], [[1, 2]])), Outcome.WRONG_ANSWER),
        ("def f(a): return set(a)", function(([[1, 2]], [1, 2])), Outcome.WRONG_ANSWER),
        ("def f(a): return 10**30 + a", function(([1], 10**30 + 1)), Outcome.SOLVED),
        ("def f(a): return str(a)", function(([1], 1)), Outcome.WRONG_ANSWER),
        ("def f(a): return None", function(([1], None)), Outcome.SOLVED),
        ("def f(a): return float(a)", function(([1], 1)), Outcome.SOLVED),
        ("import numpy\ndef f(a): return numpy.int64(a)", function(([1], 1)), Outcome.SOLVED),
        ("def f(a): a.append(1); return a", function(([[]], [1]), ([[]], [1])), Outcome.SOLVED),
        ("def g(a): return a", function(([1], 1)), Outcome.RUNTIME_ERROR),
        ("def f(): return 1", function(([1], 1)), Outcome.RUNTIME_ERROR),
        ("raise ValueError", function(([1], 1)), Outcome.RUNTIME_ERROR),
        ("seen = []\ndef f(a): seen.append(a); return len(seen)", function(([1], 1), ([1], 1)), Outcome.SOLVED),
        ("def f(a):\n print('debug' * 99)\n return a", function(([1], 1)), Outcome.SOLVED),
        ("def f(n: int) -> List[int]: return list(range(n))", function(([3], [0, 1, 2])), Outcome.SOLVED),
    ],
)
def test_verdicts_of_function_tests(sandbox, program, suite, outcome):
    assert sandbox.judge(program, suite).outcome is outcome


RAISES = "try:\n    f(-1)\n    assert False\nexcept ValueError as error:\n    assert str(error) == 'negative'"


def test_a_programs_own_check_is_no_test(sandbox):
    program = "def check(text): return len(set(text)) == 1"
    right, wrong = AssertSuite("check", ("assert check('aa') == True",)), AssertSuite("check", ("assert check('ab')",))
    assert sandbox.judge(program, right).outcome is Outcome.SOLVED
    assert sandbox.judge(program, wrong).outcome is Outcome.WRONG_ANSWER
    defined = AssertSuite("f", ("def check(candidate):\n    assert candidate(1) == 1",))
    assert sandbox.judge("def f(x): return x", defined).outcome is Outcome.SOLVED
    assert sandbox.judge("def f(x): return 2", defined).outcome is Outcome.WRONG_ANSWER


@pytest.mark.parametrize(
    ("program", "tests", "outcome"),
    [
        ("def f(x): return {x: (x, {x})}", ["assert f(1) == {1: (1, {1})}"], Outcome.SOLVED),
        ("def f(x): return x + 1", ["assert f(1) == 2", "assert f(2) == 4"], Outcome.WRONG_ANSWER),
        ("def f(x): return x + 1", ["def check(candidate):\n    assert candidate(1) == 2"], Outcome.SOLVED),
        ("def f(x): return x + 1", ["def check(candidate):\n    assert candidate(1) == 3"], Outcome.WRONG_ANSWER),
        ("def f(x):\n if x < 0: raise ValueError('negative')", [RAISES], Outcome.SOLVED),
        ("def f(x):\n if x < 0: raise KeyError('negative')", [RAISES], Outcome.RUNTIME_ERROR),
        ("def f(x):\n return x", [RAISES], Outcome.WRONG_ANSWER),
        ("def f(*a, k=0): return sum(a) + k", ["assert f(1, 2, k=3) == 6"], Outcome.SOLVED),
        ("def f(x): return map(str, x)", ["assert list(f([1])) == ['1']", "assert f([1]) != ['1']"], Outcome.SOLVED),
        ("def f(x): return range(x)", ["assert f(2) == range(2)", "assert len(f(2)) == 2"], Outcome.SOLVED),
        ("def f(x): return x.keys()", ["assert sorted(f({1: 2})) == [1]"], Outcome.SOLVED),
        ("def f(x): return abs(x)\ndef g(x): return f(x)", ["assert f(g(-1)) == 1"], Outcome.SOLVED),
        (
            "class f:\n def __init__(self, x): self.x = x\n def twice(self): return 2 * self.x",
            ["assert f(2).twice() == 4"],
            Outcome.SOLVED,
        ),
        ("def f(x): return object()", ["assert f(1) == 1"], Outcome.WRONG_ANSWER),
        ("def f(x): return object()", ["f(1).nothing"], Outcome.RUNTIME_ERROR),
        ("def f(x): return [0] * 10**12", ["assert f(1)"], Outcome.MEMORY_LIMIT),
        ("def f(x):\n while True: pass", ["assert f(1)"], Outcome.TIME_LIMIT),
        ("def f(x): return bytes(20 << 20)", ["assert f(1)"], Outcome.RUNTIME_ERROR),
        ("1 / 0", ["assert f(1)"], Outcome.RUNTIME_ERROR),
        ("n = 0\ndef f():\n global n\n n += 1\n return n", ["assert f() == 1", "assert f() == 1"], Outcome.SOLVED),
        ("def f(x): return helper(x)", ["assert f(1) == helper(1)"], Outcome.RUNTIME_ERROR),
    ],
)
def test_verdicts_of_assert_tests(sandbox, program, tests, outcome):
    suite = AssertSuite("f", tuple(tests), setup="def helper(x): return x\ndef f(x): return 'a stub'")
    assert sandbox.judge(program, suite, Limits(cpu=1.0)).outcome is outcome


def test_equal_programs_are_judged_once(sandbox):
    program = "import time\nprint(2 * int(input()))  # once"
    first = sandbox.judge(program, DOUBLES)
    assert sandbox.judge(program, DOUBLES) is first
    assert sandbox.judge(program + " ", DOUBLES) is not first
    assert sandbox.judge(program, DOUBLES, Limits(cpu=5.0)) is not first
    assert sandbox.judge(program, StdinSuite(DOUBLES.tests[:1])) is not first


def test_a_result_of_another_type_is_another_test(sandbox):
    program = "def f(a): return '1'"
    assert sandbox.judge(program, function(([1], "1"))).outcome is Outcome.SOLVED
    assert sandbox.judge(program, function(([1], 1))).outcome is Outcome.WRONG_ANSWER


@pytest.mark.parametrize(
    ("suite", "one", "same", "other"),
    [
        (DOUBLES, "print(int(input()))", "print(input(), '.0', sep='', end='  ')", "print(-1)"),
        (function(([3], 0)), "def f(x): return x", "def f(x): return float(x)", "def f(x): return [x]"),
        (function(([3], 0)), "def f(x): return {1, x}", "def f(x): return {x, 1}", "def f(x): return [1, x]"),
        (AssertSuite("f", ("assert f(1) == 1",)), "def f(x): return 5", "def f(x): return 6", "def f(x): return 1"),
    ],
)
def test_programs_that_do_the_same_behave_the_same(sandbox, suite, one, same, other):
    assert sandbox.behaviour(one, suite) == sandbox.behaviour(same, suite)
    assert sandbox.behaviour(one, suite) != sandbox.behaviour(other, suite)


@pytest.mark.parametrize("program", ["1 / 0", "while True: pass", "if int(input()) > 3: 1 / 0"])
def test_a_program_that_gives_nothing_has_no_behaviour(sandbox, program):
    assert sandbox.behaviour(program, DOUBLES, Limits(cpu=0.3)) is None


def test_bad_input_is_refused_with_a_reason(sandbox):
    with pytest.raises(UsageError, match="without tests"):
        sandbox.judge("", StdinSuite(()))
    for limit in ({"cpu": 0}, {"wall": float("inf")}, {"total": float("nan")}, {"memory": 1}, {"files": 3}, {"threads": 0}):
        with pytest.raises(UsageError, match=f"limit {next(iter(limit))} must be a number above"):
            Limits(**limit)
