import os
import sys

import pytest

from evals.sandbox import Level, Outcome, Sandbox, SandboxUnavailable, StdinSuite, StdinTest
from rsa.errors import UsageError

ECHO = StdinSuite((StdinTest("x\n", "x\n"),))


@pytest.fixture
def linux():
    if not sys.platform.startswith("linux"):
        pytest.skip("programs can be shut in on Linux only")


def best_level() -> Level:
    with Sandbox(1) as sandbox:
        return sandbox.level


@pytest.mark.usefixtures("linux")
@pytest.mark.parametrize(
    ("without", "level"),
    [
        ((), Level.FULL),
        (("namespaces",), Level.STRONG),
        (("namespaces", "landlock"), Level.SEALED),
        (("identity",), Level.FULL),
    ],
)
def test_the_level_is_what_the_layers_make(without, level):
    with Sandbox(1, _without=without) as sandbox:
        if not without and sandbox.level is not level:
            pytest.skip(f"this machine offers {sandbox.level} only: {dict(sandbox.refused)}")
        if best_level() is Level.FULL:
            assert sandbox.level is level
        assert set(without) <= set(sandbox.refused)
        assert sandbox.judge("print(input())", ECHO).outcome is Outcome.SOLVED


@pytest.mark.usefixtures("linux")
@pytest.mark.parametrize("use", [lambda s: s.level, lambda s: s.judge("", ECHO), lambda s: s.call("json:loads", {})])
def test_without_the_filter_nothing_runs(use):
    with (
        Sandbox(1, _without=("seccomp",)) as sandbox,
        pytest.raises(SandboxUnavailable, match=r"libseccomp.*--sandbox unsafe"),
    ):
        use(sandbox)


@pytest.mark.usefixtures("linux")
def test_unsafe_runs_without_the_filter_and_says_so():
    with Sandbox(1, unsafe=True, _without=("seccomp", "namespaces", "landlock")) as sandbox:
        assert sandbox.level is Level.UNSAFE
        assert sandbox.judge("print(input())", ECHO).outcome is Outcome.SOLVED


@pytest.mark.usefixtures("linux")
def test_unsafe_is_as_safe_as_it_can_be():
    with Sandbox(1, unsafe=True) as sandbox:
        assert sandbox.level is best_level()


def test_other_systems_are_told_to_use_a_container(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with Sandbox(1) as sandbox, pytest.raises(SandboxUnavailable, match="container"):
        _ = sandbox.level


def test_a_sandbox_has_workers_and_an_end():
    with pytest.raises(UsageError, match="at least 1 worker"):
        Sandbox(0)
    sandbox = Sandbox(1)
    sandbox.close()
    with pytest.raises(UsageError, match="closed"):
        sandbox.judge("", ECHO)


@pytest.mark.usefixtures("linux")
def test_a_missing_interpreter_is_a_reason_and_no_traceback(monkeypatch):
    monkeypatch.setattr(sys, "executable", os.devnull)
    with Sandbox(1) as sandbox, pytest.raises(SandboxUnavailable, match="does not start"):
        _ = sandbox.level
