"""A plugin of pytest: the chaos report at the end of a session, summed over the processes that ran its tests."""

from typing import Any

import pytest

from tests.chaos.tally import Tally

_TALLY = pytest.StashKey[Tally]()
_SENT = "chaos"


def tally_of(config: pytest.Config) -> Tally:
    """The counts of this process, and of those that it shared the tests out to."""
    return config.stash.setdefault(_TALLY, Tally())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the counts to the process that shared out the tests, if there is one."""
    sent: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if sent is not None:
        sent[_SENT] = tally_of(session.config).plain()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Add the counts of a process that is done; one that crashed sends none."""
    plain = getattr(node, "workeroutput", {}).get(_SENT)
    if plain:
        tally_of(node.config).add(plain)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the report if there is anything to report."""
    tally = tally_of(config)
    if tally != Tally():
        terminalreporter.section("chaos report")
        for line in tally.lines():
            terminalreporter.write_line(line)
