"""Where results are shown: standard output, as text or as JSON, also when nobody reads it to its end."""

import json
import os
import sys
from typing import Any

from rich.console import Console

__all__ = ["PatientConsole", "output", "write_json"]


class PatientConsole(Console):
    """A console that falls silent when its reader is gone (`| head`), instead of ending the run."""

    def on_broken_pipe(self) -> None:
        """Called by Rich when a write finds the pipe closed."""
        self.quiet = True
        _discard_output(1 if self.file is sys.stdout else 2)


def output() -> Console:
    """Standard output; 100 columns wide where it is not a terminal."""
    console = PatientConsole(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 100
    return console


def write_json(content: Any) -> None:
    """One JSON value on standard output."""
    try:
        sys.stdout.write(json.dumps(content) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output(1)


def _discard_output(descriptor: int) -> None:
    """Send what is still written there nowhere; Python would otherwise complain when it flushes at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
