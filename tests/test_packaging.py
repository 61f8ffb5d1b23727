import ast
import importlib.metadata
from pathlib import Path

import pytest

from evals import clash

ROOT = Path(__file__).parents[1]


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_rsa_never_imports_evals():
    for path in (ROOT / "rsa").rglob("*.py"):
        assert "evals" not in imports(path), path


def test_no_other_package_called_rsa_comes_along():
    """A cryptography package also imports as rsa; none of our dependencies or extras may pull it in."""
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.distribution("rsa")
    declared = importlib.metadata.requires("recursive-self-aggregation") or []
    assert not [requirement for requirement in declared if requirement.split(">")[0].strip() == "rsa"]


def test_a_name_clash_is_told_at_start_up(monkeypatch, capsys):
    clash.warn_of_name_clash()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(clash, "clashing_version", lambda: "4.9")
    clash.warn_of_name_clash()
    assert "the cryptography package 'rsa' 4.9 is installed" in capsys.readouterr().err
