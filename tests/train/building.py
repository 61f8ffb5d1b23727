"""What the tests of `rsa-train build` share: problems, a configuration, the command in this process, and what it left."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml
from typer.testing import CliRunner

from evals.train.cli import app
from tests.fake_server import FakeServer

FILES = ("build.yaml", "card.md", "card.png", "card.svg", "dropped.jsonl", "train.parquet", "validation.parquet")


def problems(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"id": f"p{number}", "question": f"Question {number}?", "answer": str(number % 3)} for number in range(first, count)
    ]


@dataclass
class Builder:
    """A folder with problems and a configuration, built against a fake server."""

    folder: Path
    server: FakeServer

    def data(self, rows: list[dict[str, Any]], name: str = "data.jsonl") -> None:
        (self.folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def config(self, **changes: Any) -> None:
        content = {
            "sources": [{"task": {"data": "data.jsonl", "kind": "math"}}],
            "endpoint": {"base_url": self.server.url},
            "sampling": {"max_tokens": 100},
            "max_prompt_tokens": 2000,
            "validation_share": 0.25,
        }
        (self.folder / "build.yaml").write_text(yaml.safe_dump({**content, **changes}))

    def run(self, *arguments: str) -> Any:
        """`rsa-train build build.yaml ARGUMENTS`; the result has `exit_code`, `stdout` and `stderr`."""
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            return CliRunner().invoke(app, ["build", "build.yaml", *arguments], catch_exceptions=False)
        finally:
            os.chdir(before)

    def built(self, *arguments: str, out: str = "out") -> dict[str, Any]:
        """The summary of a build that must succeed."""
        done = self.run("--out", out, "--json", *arguments)
        assert done.exit_code == 0, done.stderr
        assert (done.stderr, json.loads(done.stdout)["state"]) == ("", "done")
        summary: dict[str, Any] = json.loads(done.stdout)["summary"]
        return summary

    def rows(self, split: str = "train", out: str = "out") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(self.folder / out / f"{split}.parquet").to_pylist()
        return rows

    def both(self, out: str = "out") -> list[dict[str, Any]]:
        return self.rows("train", out) + self.rows("validation", out)

    def dropped(self, out: str = "out") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / out / "dropped.jsonl").read_text().splitlines()]
