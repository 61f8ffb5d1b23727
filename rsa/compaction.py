"""What of a candidate the next prompt carries."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from rsa.answers import after_thinking

__all__ = ["COMPACTIONS", "Compaction"]

Compaction = Callable[[str, str | None], str]
"""Takes a chain's text and its separate reasoning, gives what a prompt shows. Never blank if one of the two is not."""


def _answer(text: str, reasoning: str | None) -> str:
    """The text after the thinking block. A chain cut inside its thinking shows the thinking it has."""
    for part in (after_thinking(text), text):
        if part.strip():
            return part
    return reasoning or ""


def _full(text: str, reasoning: str | None) -> str:
    """Everything, with reasoning that the server kept apart put first."""
    return "\n\n".join(part for part in (reasoning, text) if part and part.strip())


COMPACTIONS: Mapping[str, Compaction] = MappingProxyType({"answer": _answer, "full": _full})
"""Every rule by its name. `answer` is the default: candidates are shown without their thinking."""
