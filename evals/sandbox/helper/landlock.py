"""Landlock: no file may be opened or made, no port bound or connected to, whatever else should fail.

The kernel denies by itself, for each process that asks for it, without any privilege (Linux 5.13 and newer). It says nothing
about looking up whether a path exists.
"""

import struct

from .kernel import system_call

__all__ = ["prohibition", "restrict"]

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same numbers on every architecture
_ASK_VERSION = 1
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # version -> how many rights it knows
_NETWORK_RIGHTS, _SCOPES = 0b11, 0b11


def prohibition() -> int:
    """A descriptor of the rules that allow nothing. Raises `OSError` where the kernel has no Landlock."""
    version = system_call(_CREATE_RULESET, None, 0, _ASK_VERSION)
    rules = struct.pack("Q", (1 << _FILE_RIGHTS[min(version, 5)]) - 1)
    if version >= 4:
        rules += struct.pack("Q", _NETWORK_RIGHTS)
    if version >= 6:
        rules += struct.pack("Q", _SCOPES)
    return system_call(_CREATE_RULESET, rules, len(rules), 0)


def restrict(rules: int) -> None:
    """Put the calling process under the rules for good; it must not be able to gain privileges."""
    system_call(_RESTRICT_SELF, rules, 0)
