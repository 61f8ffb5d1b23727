"""The sandbox as the rest of the package sees it: programs and suites in, verdicts out."""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any

from evals.sandbox.calls import result_of_call
from evals.sandbox.findings import Finding
from evals.sandbox.pool import ServerPool
from evals.sandbox.server import Kind, ServerDied
from evals.sandbox.styles import style_of
from evals.sandbox.suites import Suite, fingerprint
from evals.sandbox.trial import findings
from evals.sandbox.verdicts import CallResult, Judgement, Level, Limits, Outcome
from rsa.errors import UsageError

__all__ = ["Sandbox"]

_REMEMBERED = 10_000
_ATTEMPTS = 2  # on a server each


class Sandbox:
    """Runs hostile programs. A context manager; its methods block, and any number of threads may call them.

    `workers` programs run at a time, by default as many as there are processors. With `unsafe`, programs run even where the
    machine offers no way to shut them in.
    """

    def __init__(self, workers: int | None = None, *, unsafe: bool = False, _without: Collection[str] = ()) -> None:
        self._pool = ServerPool(workers, unsafe, _without)
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, Judgement] = OrderedDict()

    @property
    def level(self) -> Level:
        """How well programs are shut in on this machine. Raises `SandboxUnavailable` if that is not enough."""
        return self._pool.level

    @property
    def refused(self) -> Mapping[str, str]:
        """Which layers are missing on this machine, and why. Raises as `level` does."""
        return self._pool.refused

    def judge(self, program: str, suite: Suite, limits: Limits = Limits()) -> Judgement:  # noqa: B008  (it is frozen)
        """Run a program on its tests, up to the first that it fails.

        Equal programs on equal tests are judged once. Raises `UsageError` for a suite without tests, and
        `SandboxUnavailable`.
        """
        key = fingerprint(program, suite, limits)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        judgement = self._judge(program, suite, limits)
        if judgement.outcome is not Outcome.SANDBOX_ERROR:
            with self._lock:
                self._known[key] = judgement
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return judgement

    def behaviour(self, program: str, suite: Suite, limits: Limits = Limits()) -> str | None:  # noqa: B008  (it is frozen)
        """A hash of what a program gives on the tests, right or not: equal for programs that do the same.

        None if it gives nothing on one of them: an error, a limit. Raises as `judge` does.
        """
        found = self._examine(program, suite, limits, judging=False)
        if any(finding.outcome is not Outcome.SOLVED for finding in found):
            return None
        return fingerprint(tuple(str(finding.answer) for finding in found)).hex()

    def call(self, target: str, arguments: Mapping[str, Any], limits: Limits = Limits()) -> CallResult:  # noqa: B008
        """Call the function `target` ("package.module:function") with a JSON object of hostile arguments, shut in.

        The function is trusted, its module is imported before anything is shut. Where that module has a function
        `warm_up`, it is called with `arguments["warm"]`, which has to be trusted, before the first call that has this value.
        What the arguments make the function do cannot get out, but it can forge the function's own result.
        """
        data = json.dumps(dict(arguments)).encode()
        began = time.monotonic()
        failure = ""
        for _ in range(_ATTEMPTS):
            try:
                with self._pool.lend(Kind(target)) as server:
                    result = result_of_call(server, data, arguments.get("warm"), limits)
                    return replace(result, seconds=time.monotonic() - began)
            except ServerDied as error:
                failure = str(error)
        return CallResult("sandbox_error", None, f"the sandbox died: {failure}", time.monotonic() - began)

    def close(self) -> None:
        """End all processes of the sandbox."""
        self._pool.close()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _judge(self, program: str, suite: Suite, limits: Limits) -> Judgement:
        began = time.monotonic()
        found = self._examine(program, suite, limits, judging=True)
        last = found[-1]
        failing = None if last.outcome is Outcome.SOLVED else len(found) - 1
        return Judgement(last.outcome, failing, last.detail, time.monotonic() - began, len(found))

    def _examine(self, program: str, suite: Suite, limits: Limits, judging: bool) -> list[Finding]:
        if not suite.tests:
            raise UsageError("a program cannot be judged by a suite without tests")
        style = style_of(suite, limits, judging)
        failure = ""
        for _ in range(_ATTEMPTS):
            try:
                with self._pool.lend(Kind.for_program(program)) as server:
                    return list(findings(server, program, style, limits))
            except ServerDied as error:
                failure = str(error)
        return [Finding(Outcome.SANDBOX_ERROR, f"the sandbox died: {failure}")]
