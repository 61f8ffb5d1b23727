import json

import pytest

from tests.evaluation.runs import PROBLEMS


@pytest.fixture
def start(server, tmp_path):
    """The arguments of a run on four problems, N=4 K=2 T=3."""
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PROBLEMS))
    return ("run", "--data", "data.jsonl", "--base-url", server.url, "--n", "4", "--k", "2", "--steps", "3")
