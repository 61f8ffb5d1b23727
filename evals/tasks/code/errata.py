"""LiveCodeBench problems that no right program can be sure to pass, with what is wrong with them.

The authors' list, https://github.com/LiveCodeBench/LiveCodeBench/blob/main/ERRATA.md as of commit 6ebcdda, and abc343_a from
issue 106 of the same repository. AtCoder problems go by their question_id; LeetCode problems, as there, by their title.
"""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ERRATA"]

_SEVERAL = "several answers are right, the tests take one"
_INTERACTIVE = "interactive: the program would have to talk to a judge"
_BROKEN = "broken or invalid test cases"

ERRATA: Mapping[str, str] = MappingProxyType(
    {
        "abc311_c": _SEVERAL,
        "abc326_d": _SEVERAL,
        "abc327_b": _SEVERAL,
        "abc333_e": _SEVERAL,
        "abc337_e": _INTERACTIVE,
        "abc343_a": _SEVERAL,
        "abc343_e": _SEVERAL,
        "abc350_c": _BROKEN,
        "abc355_e": _INTERACTIVE,
        "abc362_c": _SEVERAL,
        "apply-operations-to-make-string-empty": _BROKEN,
        "find-the-peaks": _SEVERAL,
        "find-words-containing-character": _SEVERAL,
        "generate-binary-strings-without-adjacent-zeros": _SEVERAL,
        "most-frequent-ids": _BROKEN,
    }
)
"""Reasons by question_id or title."""
