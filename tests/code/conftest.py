from collections.abc import Iterator

import pytest

from evals.sandbox import Sandbox, SandboxUnavailable


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=2) as ready:
        try:
            assert ready.level
        except SandboxUnavailable as error:
            pytest.skip(f"programs cannot be shut in here: {error}")
        yield ready
