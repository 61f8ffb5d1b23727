import pytest

from tests.train.building import Builder, problems


@pytest.fixture
def builder(tmp_path, server):
    """A builder of sixteen problems, of which a third of the candidates is right."""
    made = Builder(tmp_path, server)
    made.data(problems(16))
    made.config()
    return made
