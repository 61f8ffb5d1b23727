"""What the tests of `rsa-train run` share: models, the miniature's training set, and the command in this process."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from transformers import LlamaConfig
from typer.testing import CliRunner

from evals.train.cli import app
from tests.byte_tokenizer import byte_tokenizer
from tests.fake_server import FakeServer
from tests.train.building import Builder

CONFIGS = Path(__file__).parents[2] / "configs" / "train"
RIGHT, WRONG = "the 7 it is", "none at all"


def noise(body: dict[str, Any]) -> str:
    """What a model of random weights might say."""
    draw = random.Random(json.dumps(body["messages"]) + str(body["seed"]))
    return "".join(chr(draw.randrange(33, 126)) for _ in range(8))


def build_digits(folder: Path, server: FakeServer) -> Path:
    """The training set of the miniature, built by `rsa-train build` against a fake server."""
    builder = Builder(folder, server)
    server.reply = noise
    miniature = yaml.safe_load((CONFIGS / "miniature_data.yaml").read_text())
    source = {**miniature["sources"][0]["task"], "data": str(CONFIGS / "digits.jsonl")}
    kept = {key: miniature[key] for key in ("n", "k", "max_prompt_tokens", "validation_share", "sampling", "prompts")}
    builder.config(sources=[{"name": "digits", "task": source}], **kept)
    builder.built()
    return folder / "out"


def shape(folder: Path, context: int = 8192) -> Path:
    """A model's folder without weights."""
    LlamaConfig(max_position_embeddings=context).save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return folder


def rewritten(data: Path, folder: Path, **columns: Any) -> Path:
    """A copy of a training set with other values in columns of all its rows."""
    folder.mkdir()
    for name in ("train", "validation"):
        rows = pq.read_table(data / f"{name}.parquet").to_pylist()
        pq.write_table(pa.Table.from_pylist([{**row, **columns} for row in rows]), folder / f"{name}.parquet")
    return folder


def train(config: Path | str, *arguments: str, cwd: Path | None = None) -> Any:
    """`rsa-train run CONFIG ARGUMENTS`; the result has `exit_code`, `stdout` and `stderr`."""
    before = Path.cwd()
    os.chdir(cwd or before)
    try:
        return CliRunner().invoke(app, ["run", str(config), *arguments], catch_exceptions=False)
    finally:
        os.chdir(before)


def logged(out: Path) -> list[dict[str, Any]]:
    """The metrics of a run, an entry a step or evaluation."""
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def rewards(out: Path) -> list[float]:
    """The mean reward of every step."""
    return [entry["reward"] for entry in logged(out) if "reward" in entry]
