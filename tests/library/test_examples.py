"""The Python examples of the README and of `docs/library.md` run, in their order, against the fake server or llama.cpp."""

import re
from pathlib import Path

import pytest

from tests.fake_server import FakeServer

ROOT = Path(__file__).parents[2]
EXAMPLES = re.compile(r"(?:^<!-- not run here: [^\n]* -->\n)?^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ADDRESS = "http://localhost:8000/v1"
MODEL = "Qwen/Qwen3-4B-Instruct-2507"
REAL = "LlamaCpp"  # an example that names it starts a real server


def examples(path: Path) -> list[tuple[str, bool]]:
    """The examples of a page, and whether each is run."""
    found = EXAMPLES.finditer(path.read_text(encoding="utf-8"))
    return [(match[1], not match[0].startswith("<!--")) for match in found]


def run(code: str, path: Path, names: dict[str, object]) -> None:
    exec(compile(code, f"an example of {path.name}:\n{code}", "exec"), names)


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "docs" / "library.md"], ids=lambda path: path.name)
def test_examples_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    ran = 0
    with FakeServer(models=(MODEL,)) as server:
        for code, runs in examples(path):
            if runs and REAL not in code:
                run(code.replace(ADDRESS, server.url), path, names)
                ran += 1
        assert server.requests
    assert ran


@pytest.mark.llamacpp
@pytest.mark.timeout(400)
def test_examples_that_start_a_server_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = [code for code, runs in examples(ROOT / "README.md") if runs and REAL in code]
    for code in found:
        run(code, ROOT / "README.md", {"__name__": "__main__"})
    assert found
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda path: path.name)
def test_examples_that_are_not_run_are_python_at_least(path):
    for code, _ in examples(path):
        compile(code, path.name, "exec")
