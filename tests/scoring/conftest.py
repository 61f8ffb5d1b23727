from collections.abc import Iterator

import pytest

from evals.scoring import Scoring


@pytest.fixture(scope="session")
def scoring() -> Iterator[Scoring]:
    """The scorer of each kind; its processes are shared by all tests."""
    with Scoring() as running:
        yield running
