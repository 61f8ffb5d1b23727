import sys
from collections.abc import Iterator

import pytest

from evals.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    if not sys.platform.startswith("linux"):
        pytest.skip("programs can be shut in on Linux only")
    with Sandbox(workers=2) as running:
        yield running
