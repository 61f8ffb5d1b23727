"""What programs may import, and what of it a program asks for.

All of it has to be in memory before a program is shut in, and the more is in memory, the longer every fork takes. So the
rarer modules come in groups, which are loaded only where a program has the name of one of them somewhere in its text.
"""

import re

__all__ = ["COMMON", "GROUPS", "NAMES_IN_REACH", "groups_of"]

_COMMON = """
    abc array ast atexit base64 bisect builtins calendar cmath cmd code codecs collections collections.abc colorsys
    contextlib contextvars copy copyreg csv ctypes dataclasses datetime decimal dis enum errno faulthandler fcntl
    fnmatch fractions functools gc getopt glob graphlib hashlib heapq hmac importlib importlib.util inspect io
    itertools json keyword linecache locale marshal math mmap numbers opcode operator os os.path pkgutil posixpath
    pprint queue quopri random re reprlib resource sched secrets select selectors shlex signal socket stat statistics
    string struct symtable sys textwrap threading time timeit token tokenize traceback types typing unicodedata
    warnings weakref zlib _bisect _datetime _decimal _heapq _json _pylong _random _statistics _strptime _struct
    encodings.ascii encodings.cp1252 encodings.latin_1 encodings.raw_unicode_escape encodings.unicode_escape
    encodings.utf_16 encodings.utf_32 encodings.utf_8_sig
"""
_RARE = """
    argparse asyncio bz2 concurrent.futures concurrent.futures.thread configparser difflib doctest email email.message
    encodings.idna filecmp fileinput gettext gzip html html.parser http http.client ipaddress logging lzma mimetypes
    multiprocessing multiprocessing.pool multiprocessing.popen_fork optparse pathlib pickle platform plistlib profile
    pstats runpy shelve shutil socketserver sqlite3 ssl stringprep subprocess sysconfig tarfile tempfile trace
    tracemalloc unittest unittest.mock urllib.parse urllib.request uuid wave xml.dom.minidom xml.etree.ElementTree
    zipfile zoneinfo
"""
_NUMPY = "numpy numpy.fft numpy.linalg numpy.polynomial numpy.random"
_NAMES_IN_REACH = """
    string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json
"""
COMMON = _COMMON.split()
GROUPS = {"rare": _RARE.split(), "numpy": _NUMPY.split()}
NAMES_IN_REACH = _NAMES_IN_REACH.split()
"""LiveCodeBench puts a header before every program that imports these and all that is in them."""
_ROOTS = {group: {module.partition(".")[0] for module in modules} for group, modules in GROUPS.items()}


def groups_of(program: str) -> tuple[str, ...]:
    """The groups that a program needs, or might."""
    words = set(re.findall(r"\w+", program))
    return tuple(group for group, roots in _ROOTS.items() if words & roots)
