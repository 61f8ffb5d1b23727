"""Small helpers for messages to people."""

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean"]

_MOST_SHOWN = 20


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """A clause that names the nearest valid name and all of them, to end an error message with."""
    names = sorted(set(valid))
    shown = names[:_MOST_SHOWN] + ["..."] * (len(names) > _MOST_SHOWN)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{hint} (valid: {', '.join(shown)})"
