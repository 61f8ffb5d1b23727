import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.report import tally_of
from tests.chaos.server import ChaosServer
from tests.chaos.tally import Tally
from tests.evaluation.runs import PROBLEMS


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Counts for the report at the end of the session."""
    return tally_of(request.config)


@pytest.fixture
def chaos(tally: Tally) -> Iterator[ChaosServer]:
    with ChaosServer() as running:
        yield running
        tally.add_server(running)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with the problems of a run."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PROBLEMS))
    return folder


@pytest.fixture
def start(chaos: ChaosServer) -> tuple[str, ...]:
    """The arguments of a run on four problems, N=4 K=2 T=3."""
    return ("run", "--data", "data.jsonl", "--base-url", chaos.url, "--n", "4", "--k", "2", "--steps", "3")
