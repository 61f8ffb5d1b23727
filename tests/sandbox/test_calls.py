import importlib.util

import pytest

from evals.sandbox import Limits, SandboxUnavailable

EVALUATE = "tests.sandbox.scorers:evaluate"
QUICK = Limits(cpu=0.5, wall=10.0, memory=256 << 20, output=1 << 20)


@pytest.mark.parametrize(
    ("expression", "status", "value"),
    [
        ("1 + 1", "ok", 2),
        ("[None, {'a': 'ä'}]", "ok", [None, {"a": "ä"}]),
        ("10**10**10", "time_limit", None),
        ("[0] * 10**12", "memory_limit", None),
        ("1 / 0", "error", None),
        ("object()", "error", None),
        ("'x' * (5 << 20)", "error", None),
        ("exit(0)", "error", None),
        ("__import__('os')._exit(0)", "error", None),
        ("__import__('os').fork()", "error", None),
        ("open('/etc/passwd').read()", "error", None),
        ("len(__import__('os').environ)", "ok", 6),
        ("__import__('os').system('true') == 0", "ok", False),
        ("arguments.clear()", "ok", None),
    ],
)
def test_a_call_gives_a_value_or_says_what_went_wrong(sandbox, expression, status, value):
    result = sandbox.call(EVALUATE, {"expression": expression}, QUICK)
    assert (result.status, result.value) == (status, value), result
    assert bool(result.detail) == (status != "ok")
    assert result.seconds > 0


def test_each_call_starts_from_the_same_state(sandbox):
    for _ in range(2):
        assert sandbox.call(EVALUATE, {"expression": "warmed.append(1) or len(warmed)"}, QUICK).value == 1


def test_a_module_is_warmed_up_once_for_each_name(sandbox):
    def ask(name):
        return sandbox.call("tests.sandbox.scorers:what_is_warm", {"warm": name}, QUICK).value

    assert [ask("a"), ask("a"), ask({"b": 1}), ask("a")] == [["a"], ["a"], ["a", {"b": 1}], ["a", {"b": 1}]]


def test_a_failed_warm_up_is_a_failure_of_ours(sandbox):
    result = sandbox.call("tests.sandbox.scorers:what_is_warm", {"warm": "no such thing"}, QUICK)
    assert result.status == "sandbox_error"
    assert "LookupError: no such thing" in result.detail


@pytest.mark.parametrize("target", ["tests.sandbox.nothing:here", "tests.sandbox.scorers:nothing", "tests.sandbox.scorers"])
def test_a_target_that_is_not_there_is_named(sandbox, target):
    with pytest.raises(SandboxUnavailable, match=r"nothing|scorers"):
        sandbox.call(target, {}, QUICK)


ENTRY = {"question": "", "answer": "1 + 2 + 3", "metadata": {"numbers": [1, 2, 3], "target": 6}}


@pytest.mark.parametrize(
    ("answer", "status", "value"),
    [
        ("1 + 2 + 3", "ok", 1.0),
        ("3 * 2 * 1", "ok", 1.0),
        ("1 + 2", "ok", 0.05),
        ("__import__('os').system('touch breach')", "ok", 0.05),
        ("10**10**10", "time_limit", None),
    ],
)
@pytest.mark.skipif(importlib.util.find_spec("reasoning_gym") is None, reason="reasoning_gym is not installed")
def test_reasoning_gym_judges_hostile_answers_shut_in(sandbox, answer, status, value):
    arguments = {"warm": "countdown", "answer": answer, "entry": ENTRY}
    result = sandbox.call("tests.sandbox.gym_scorer:score", arguments, Limits(cpu=1.0))
    assert (result.status, result.value) == (status, value)
