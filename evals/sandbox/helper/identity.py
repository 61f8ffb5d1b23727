"""Identity: a child is nobody, and cannot become anybody.

Under root a child takes a user id that owns nothing and that no other helper uses, so that the limit on threads counts its
own alone. In every case it gives up all capabilities, and with no-new-privileges no file it could execute would give it any.
"""

import os
import struct

from .kernel import call

__all__ = ["drop", "nobodys_id"]

_CAPABILITY_VERSION_3 = 0x20080522
_NO_NEW_PRIVILEGES = 38


def nobodys_id(pid: int) -> int | None:
    """A user id to take in the children; None if this process is not root or may not change to one.

    `pid` is this process's number in a table that it shares with all the other helpers of this machine or container.
    """
    if os.getuid():
        return None
    drawn = int.from_bytes(os.urandom(4)) >> 5  # other containers have other tables, but the kernel counts users over all
    for candidate in (0x70000000 + drawn, 60_000 + pid % 5_000):  # a container maps no more than the first 65,536, as a rule
        child = os.fork()
        if not child:
            try:
                _become(candidate)
                os._exit(0)
            except OSError:
                os._exit(1)
        if not os.waitpid(child, 0)[1]:
            return candidate
    return None


def drop(user: int | None) -> None:
    """Take the user id, if there is one, and give up every privilege for good."""
    if user is not None:
        _become(user)
    call("capset", struct.pack("Ii", _CAPABILITY_VERSION_3, 0), bytes(24))
    call("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
