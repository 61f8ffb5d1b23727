"""The plot library: made once, kept whole, and made again where what is kept is not."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from evals.report import vega
from evals.report.vega import LibraryMissing, library, script_hash

SOURCE = "window.vegaEmbed = 1; // </script> <!--\r\n" + "x" * 100_000


@pytest.fixture
def made(monkeypatch, tmp_path):
    """How often it was made; the user's cache is an empty folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    calls = []

    def make():
        calls.append(1)
        return SOURCE

    monkeypatch.setattr(vega, "_made", make)
    return calls


def kept(tmp_path):
    (path,) = (tmp_path / "cache" / "recursive-self-aggregation").iterdir()
    return path


def test_the_real_library_draws():
    found = library()
    assert found.hash == script_hash(found.source)
    assert "window.vegaEmbed=" in found.source
    assert not {"</script", "<!--", "\r"} & {text for text in ("</script", "<!--", "\r") if text in found.source}


def test_it_is_made_once_and_cannot_end_its_element(made, tmp_path):
    first, second = library(), library()
    assert first == second
    assert made == [1]
    assert "</script" not in first.source
    assert "<!--" not in first.source
    assert kept(tmp_path).name.startswith("vega-")


@pytest.mark.parametrize("damage", [b"", b"half", b"\xff\xfe", b"sha256-no\nother"])
def test_a_damaged_cache_is_made_again(made, tmp_path, damage):
    whole = library()
    kept(tmp_path).write_bytes(damage)
    assert library() == whole
    assert made == [1, 1]
    assert library() == whole
    assert made == [1, 1]


def test_another_version_is_another_library(made, monkeypatch):
    library()
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99.0")
    library()
    assert made == [1, 1]


def test_many_at_once_leave_one_whole_file(made, tmp_path):
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: library(), range(8)))
    assert len(found) == 1
    assert kept(tmp_path).read_text().startswith(found.pop().hash)


def test_where_nothing_can_be_kept_it_is_made_each_time(made, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert library() == library()
    assert made == [1, 1]


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (
            subprocess.CalledProcessError(1, "python", stderr=b"Traceback\nImportError: no vl_convert"),
            "ImportError: no vl_convert",
        ),
        (subprocess.CalledProcessError(-9, "python", stderr=b""), "ended with code -9"),
        (subprocess.TimeoutExpired("python", 120), "timed out"),
        (OSError("no memory"), "no memory"),
    ],
)
def test_a_library_that_cannot_be_made_is_told(monkeypatch, tmp_path, ended, told):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def fail(*arguments, **options):
        raise ended

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(LibraryMissing, match=told):
        library()
