"""Debian's Chromium without a window, for the tests of pages; they are skipped where it is not there."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["chromium"]

_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser as Playwright drives it. While it lasts, no other loop can run in this thread."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no chromium: apt-get install chromium, or set CHROMIUM to the path of one")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=list(_FLAGS))
        yield browser
        browser.close()
