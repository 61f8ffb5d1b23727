"""How a run, or a comparison, ended: as JSON, and with what to type to go on."""

import shlex
from pathlib import Path
from typing import Any

from rsa.errors import Incomplete, RSAError

__all__ = ["ended", "resumable"]


def ended(path: Path, problem: RSAError | None) -> dict[str, Any]:
    """What `--json` says first: the directory, the state, and the problem if there is one."""
    state = "done" if problem is None else "incomplete" if isinstance(problem, Incomplete) else "failed"
    return {"run": str(path), "state": state, "problem": str(problem) if problem else None}


def resumable(path: Path, started: bool, problem: Incomplete) -> Incomplete:
    """The problem, with the command that goes on where anything was started."""
    if not started:
        return Incomplete(f"{problem} before anything was generated")
    command = shlex.join(["rsa-eval", "resume", str(path)])
    return Incomplete(f"{problem}\nResume with: {command} {problem.remedy}".rstrip())
