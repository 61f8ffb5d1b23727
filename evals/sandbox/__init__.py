"""Runs programs that must not be trusted, and judges them by tests that they never see the answers of.

Each program runs in a process of its own that is forked, shut in, used and ended. It gets its input through a file in memory
and gives its output the same way; expected answers stay with the runner, which compares plain text and plain data.

What this does not do. A program can see the inputs of later tests, though never an expected answer, and can measure time.
An assert cannot see what a function does to its arguments, for it gets a copy of them, and cannot compare objects of a
program's own classes. Hostile arguments of `Sandbox.call` cannot get out, but can forge the result of that call.
"""

from evals.sandbox.sandbox import Sandbox
from evals.sandbox.suites import AssertSuite, FunctionSuite, FunctionTest, StdinSuite, StdinTest, Suite
from evals.sandbox.verdicts import CallResult, Judgement, Level, Limits, Outcome, SandboxUnavailable

__all__ = [
    "AssertSuite",
    "CallResult",
    "FunctionSuite",
    "FunctionTest",
    "Judgement",
    "Level",
    "Limits",
    "Outcome",
    "Sandbox",
    "SandboxUnavailable",
    "StdinSuite",
    "StdinTest",
    "Suite",
]
