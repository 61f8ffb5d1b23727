from pathlib import Path

import pytest

from tests.fake_server import FakeServer
from tests.train.building import Builder, problems
from tests.train.digits import build_digits, shape


@pytest.fixture
def builder(tmp_path, server):
    """A builder of sixteen problems, of which a third of the candidates is right."""
    made = Builder(tmp_path, server)
    made.data(problems(16))
    made.config()
    return made


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A training set of digits to write."""
    with FakeServer() as server:
        return build_digits(tmp_path_factory.mktemp("build"), server)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """The shape of a model, without weights."""
    return shape(tmp_path_factory.mktemp("shape"))
