"""The command `inspect` as a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log

TASKS = Path(__file__).with_name("tasks.py")


def inspect_command(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The command, ended. What it writes besides logs goes to the folder as well."""
    places = {name: str(folder / name) for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "INSPECT_LOG_DIR")}
    return subprocess.run(
        [sys.executable, "-m", "inspect_ai", *arguments],
        cwd=folder,
        env={**os.environ, "INSPECT_DISPLAY": "plain", "INSPECT_EVAL_CTL_SERVER": "false", **places, **env},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def logs_in(folder: Path) -> list[EvalLog]:
    """All logs that commands left, the newest first."""
    return [read_eval_log(info, resolve_attachments=True) for info in list_eval_logs(str(folder / "INSPECT_LOG_DIR"))]
