"""The plot library as one piece of JavaScript to put into a page.

Vega-Lite was chosen because one JSON specification gives both the plot in the page, drawn without `eval` and without a
network, and the files of an export; it is well kept, and the PyPI package vl-convert-python brings it whole.

To put the library together takes a second and 150 MB. So it is done once, in a process of its own, and kept in the user's
cache folder under the version of the package, with its checksum in front.
"""

import base64
import hashlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Library", "LibraryMissing", "library", "script_hash"]

_PACKAGE = "vl-convert-python"
_WRAPPING = 1
"""Changes when `_wrapped` does, so that a cache of before is not used."""
_MAKE = "import sys, vl_convert; sys.stdout.buffer.write(vl_convert.javascript_bundle().encode())"
_SECONDS = 120.0
_LEAST_BYTES = 100_000


class LibraryMissing(Exception):
    """The library could not be put together. The message says why."""


@dataclass(frozen=True, slots=True)
class Library:
    """JavaScript for a classic script element, and its hash as a content security policy names it."""

    source: str
    hash: str


def library() -> Library:
    """The library, out of the cache if it is there and whole. Raises `LibraryMissing`."""
    path = _cache_path()
    found = _cached(path)
    if found is None:
        source = _wrapped(_made())
        found = Library(source, script_hash(source))
        _keep(path, found)
    return found


def script_hash(source: str) -> str:
    """The hash of an inline script as a content security policy names it: `sha256-...`."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _cache_path() -> Path | None:
    """Where the library of the installed version is kept; None where a user has no home."""
    try:
        version = importlib.metadata.version(_PACKAGE)
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except importlib.metadata.PackageNotFoundError as error:
        raise LibraryMissing(f"{_PACKAGE} is not installed") from error
    except RuntimeError:
        return None
    return base / "recursive-self-aggregation" / f"vega-{version}-{_WRAPPING}.js"


def _cached(path: Path | None) -> Library | None:
    """What is kept, if it is whole: its first line is the hash of all that follows."""
    if path is None:
        return None
    try:
        first, _, source = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return Library(source, first) if first == script_hash(source) else None


def _keep(path: Path | None, made: Library) -> None:
    """Put it into the cache whole or not at all; several processes may do so at once, and none needs to."""
    if path is None:
        return
    scratch = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", dir=path.parent, delete=False) as file:
            scratch = Path(file.name)
            file.write(f"{made.hash}\n{made.source}")
        scratch.replace(path)
    except OSError:  # no cache, then: it is made each time
        if scratch:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)


def _made() -> str:
    """The library as the package puts it together. A Ctrl-C meant for the run does not reach it (a session of its own)."""
    command = [sys.executable, "-P", "-c", _MAKE]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_SECONDS, check=True, stdin=subprocess.DEVNULL, start_new_session=True
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise LibraryMissing(said[-1] if said else f"{_PACKAGE} ended with code {error.returncode}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise LibraryMissing(f"{_PACKAGE}: {error}") from error
    source = done.stdout.decode(errors="replace")
    if len(source) < _LEAST_BYTES:
        raise LibraryMissing(f"{_PACKAGE} gave {len(source)} bytes, which is no library")
    return source


def _wrapped(source: str) -> str:
    """Without names of its own at the top, and without what would end or confuse the script element around it."""
    calm = source.replace("</script", "<\\/script").replace("<!--", "<\\!--").replace("\r", "")
    return f"(() => {{\n{calm}\n}})();"
