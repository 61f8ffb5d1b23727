"""What is in memory before anything is shut: a program opens no file, so what it may import has been imported for it."""

import builtins
import contextlib
import ctypes
import gc
import importlib
import io
import json
import sys
import warnings
from collections.abc import Iterable
from typing import Any

from . import modules

__all__ = ["load", "names_in_reach", "settle"]


def load(groups: Iterable[str]) -> None:
    """Import the common modules and those of the groups, and do once what the first program would otherwise have to do."""
    screen, sys.stdout = sys.stdout, io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in [*modules.COMMON, *(module for group in groups for module in modules.GROUPS[group])]:
            try:
                importlib.import_module(module)
            except ImportError:  # not part of this Python, or not installed
                continue
    sys.stdout = screen
    with contextlib.suppress(OSError):  # another C library has no need of it
        ctypes.CDLL("libgcc_s.so.1")  # the C library opens it when a thread first ends
    if not hasattr(builtins, "exit"):  # a Python without its site module lacks them
        quitter = importlib.import_module("_sitebuiltins").Quitter
        for name in ("exit", "quit"):
            setattr(builtins, name, quitter(name, "Ctrl-D (i.e. EOF)"))
    compile("def f(x):\n    return [i for i in x]\n", "warm-up", "exec")  # the first one takes milliseconds
    json.loads(json.dumps([1, "x", 1.5, None]))


def names_in_reach() -> dict[str, Any]:
    """The names that programs find defined."""
    names: dict[str, Any] = {}
    for module in [*modules.NAMES_IN_REACH, "builtins", "typing"]:
        exec(f"from {module} import *", names)  # noqa: S102  (our own list)
    for module in modules.NAMES_IN_REACH:
        exec(f"import {module}", names)  # noqa: S102
    del names["__builtins__"]
    return names


def settle() -> None:
    """Keep what is loaded out of the collector's way, so that children share its memory."""
    gc.collect()
    gc.freeze()
    gc.disable()
