"""Runs a program on its tests: all in one child, and what goes wrong among others once more alone.

Many tests in one process cost little more than one. But a program may leave something broken behind for the next test, so
a test that fails there is run again in a fresh process, and only what happens there counts. Sharing a process can cost time,
never a verdict. The expected answers stay here, and the first failure ends the child.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

from evals.sandbox.files import JobFiles
from evals.sandbox.findings import Finding, Rows, after_ending, starved
from evals.sandbox.server import Ending, ForkServer
from evals.sandbox.styles import Style
from evals.sandbox.verdicts import Limits, Outcome

__all__ = ["findings"]


def findings(server: ForkServer, program: str, style: Style, limits: Limits) -> Iterator[Finding]:
    """What each test shows, in order, up to the first that fails. Raises `ServerDied`."""
    source = program.encode("utf-8", "surrogatepass")
    end = time.monotonic() + limits.total
    done = 0
    while done < style.size:
        batch = _run(server, source, style, range(done, style.size), _until(end, limits))
        last = batch[-1]
        if last.outcome is not Outcome.SOLVED and not last.settled:
            place = done + len(batch) - 1
            last = _run(server, source, style, range(place, place + 1), _until(end, limits))[0]
        yield from batch[:-1]
        yield last
        if last.outcome is not Outcome.SOLVED:
            return
        done += len(batch)


def _until(end: float, limits: Limits) -> Limits:
    return replace(limits, total=max(end - time.monotonic(), 1e-3))


def _run(server: ForkServer, source: bytes, style: Style, tests: range, limits: Limits) -> list[Finding]:
    """Run some tests in one child; what they show, up to the first that fails."""
    found: list[Finding] = []
    with JobFiles(source, style.block(tests)) as files:
        rows = Rows(files.results)

        def failed() -> bool:
            return bool(found) and found[-1].outcome is not Outcome.SOLVED

        def take(finished: int) -> bool:
            """Look at the tests that are finished; whether there is nothing more to wait for."""
            while len(found) < finished and not failed():
                test = tests[len(found)]
                row = rows.next(style.longest_rows[test])
                if row is None:
                    return True
                found.append(style.read(test, row, files))
            return failed()

        watching = take if len(tests) > 1 else _never  # one that is alone may go on to its end, whatever it writes
        ending = server.run(style.role, files, limits, len(tests), enough=watching)
        take(len(tests))
        if not failed() and len(found) < len(tests):
            found.append(_last(style, tests, len(found), ending, limits, files))
        elif failed() and (lost := starved(ending, limits, len(tests))):
            found[-1] = lost
    return [*found[:-1], replace(found[-1], settled=len(tests) == 1 or (found[-1].settled and len(found) == 1))]


def _never(finished: int) -> bool:
    return finished < 0


def _last(style: Style, tests: range, place: int, ending: Ending, limits: Limits, files: JobFiles) -> Finding:
    """The finding of the test that was due when the child ended."""
    orderly = ending.ready and ending.cut is None and ending.codes[0] == 0
    if orderly and len(tests) == 1 and style.judged_by_output:
        return style.read(tests[place], {"start": 0, "end": files.output.size}, files)
    return after_ending(ending, limits, len(tests), files)
