"""The descriptors of a child: few, the same in every role, and no others."""

import os
from collections.abc import Mapping

__all__ = [
    "ANSWERED",
    "ASKED",
    "ERRORS",
    "INPUT",
    "INPUT_AGAIN",
    "OUTPUT",
    "OUTPUT_AGAIN",
    "PROGRAM",
    "PROGRESS",
    "READY",
    "RESULTS",
    "TESTS",
    "arrange",
]

INPUT, OUTPUT, ERRORS = 0, 1, 2
PROGRAM, TESTS = 3, 4
RESULTS = 5
PROGRESS = 6  # a pipe: one byte for each finished test
READY = 7  # a pipe: one byte when the child is shut in
ASKED, ANSWERED = 8, 9  # between the two children of assert tests
INPUT_AGAIN, OUTPUT_AGAIN = 10, 11  # copies of the first two, for when a program closes those
_CLEAR_OF_ALL = 100


def arrange(wanted: Mapping[int, int]) -> None:
    """Give each descriptor in `wanted` (number -> what it is now) its number, and close all others."""
    for number, now in wanted.items():
        os.dup2(now, _CLEAR_OF_ALL + number)
    os.closerange(0, _CLEAR_OF_ALL)
    for number in wanted:
        os.dup2(_CLEAR_OF_ALL + number, number, inheritable=number <= ERRORS)
    os.closerange(_CLEAR_OF_ALL, os.sysconf("SC_OPEN_MAX"))
