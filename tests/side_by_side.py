"""How the tests are shared out among processes that run side by side (`make test`, `pytest -n 3`)."""

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# These files begin first, because a process that came to one of them last would be busy long after the others are done.
# What the pattern matches of a test's name says which part of the file it belongs to.
LONG = {
    "tests/chaos/test_kills.py": r".*",
    "tests/sandbox/test_containment.py": r"\[\w+-\w+-",  # the verdicts of one setting are found out all at once
}


def unit(test: str) -> str:
    """What one process does from beginning to end: a file, whose tests share servers and look for what is left running,
    or a part of a long one.
    """
    file, _, name = test.partition("::")
    part = re.search(LONG[file], name) if file in LONG else None
    return f"{file} {part[0]}" if part else file


def begins(test: str) -> int:
    """The place of a test in the order of collection: the lower, the earlier."""
    file = test.partition("::")[0]
    return [*LONG].index(file) if file in LONG else len(LONG)


class SideBySide(LoadScopeScheduling):
    """Whoever is done takes the next unit in the order of collection."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
