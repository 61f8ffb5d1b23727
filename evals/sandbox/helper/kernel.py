"""The calls into the C library that Python 3.11 has no function for."""

import ctypes
import os
from functools import cache

__all__ = ["call", "system_call"]


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def call(function: str, *arguments: int | bytes | None) -> int:
    """Call a function of the C library; numbers are passed as long. Raises `OSError` where it gives a negative number."""
    result = int(getattr(_libc(), function)(*[ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{function}: {os.strerror(error)}")
    return result


def system_call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call that the C library has no function for. Raises `OSError` where it fails."""
    return call("syscall", number, *arguments)
