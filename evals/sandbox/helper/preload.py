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
from typing import Any

__all__ = ["load", "names_in_reach", "settle"]

_MODULES = """
    abc argparse array ast asyncio atexit base64 bisect builtins bz2 calendar cmath cmd code codecs collections
    collections.abc colorsys concurrent.futures concurrent.futures.thread configparser contextlib contextvars copy
    copyreg csv ctypes dataclasses datetime decimal difflib dis doctest email email.message enum errno faulthandler
    fcntl filecmp fileinput fnmatch fractions functools gc getopt gettext glob graphlib gzip hashlib heapq hmac html
    html.parser http http.client importlib importlib.util inspect io ipaddress itertools json keyword linecache locale
    logging lzma marshal math mimetypes mmap multiprocessing multiprocessing.pool multiprocessing.popen_fork numbers
    operator optparse os os.path pathlib pickle pkgutil platform plistlib posixpath pprint profile pstats queue quopri
    random re reprlib resource runpy sched secrets select selectors shelve shlex shutil signal socket socketserver
    sqlite3 ssl stat statistics string stringprep struct subprocess symtable sys sysconfig tarfile tempfile textwrap
    threading time timeit token tokenize trace traceback tracemalloc types typing unicodedata unittest unittest.mock
    urllib.parse urllib.request uuid warnings wave weakref xml.dom.minidom xml.etree.ElementTree zipfile zlib zoneinfo
    _bisect _datetime _decimal _heapq _json _random _statistics _strptime _struct encodings.ascii encodings.cp1252
    encodings.idna encodings.latin_1 encodings.raw_unicode_escape encodings.unicode_escape encodings.utf_16
    encodings.utf_32 encodings.utf_8_sig numpy
"""
_IN_REACH = """
    string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json
"""


def load() -> None:
    """Import what of the modules is installed, and do once what the first program would otherwise have to do."""
    screen, sys.stdout = sys.stdout, io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in _MODULES.split():
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
    """The names that programs find defined, as LiveCodeBench's header does: its modules and all that is in them."""
    names: dict[str, Any] = {}
    modules = _IN_REACH.split()
    for module in [*modules, "builtins", "typing"]:
        exec(f"from {module} import *", names)  # noqa: S102  (our own list)
    for module in modules:
        exec(f"import {module}", names)  # noqa: S102
    del names["__builtins__"]
    return names


def settle() -> None:
    """Keep what is loaded out of the collector's way, so that children share its memory."""
    gc.collect()
    gc.freeze()
    gc.disable()
