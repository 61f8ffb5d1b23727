"""The public names are typed: a strict checker accepts their right use and refuses the wrong one."""

import inspect
import subprocess
import sys
from pathlib import Path

import rsa

ROOT = Path(__file__).parents[2]


def test_a_strict_checker_tells_right_use_from_wrong(tmp_path):
    program = Path(__file__).with_name("typed_use.py")
    settings = tmp_path / "mypy.ini"
    settings.write_text(
        "[mypy]\nstrict = true\nfollow_imports = silent\n"
        f"mypy_path = {ROOT}\ncache_dir = {ROOT / '.mypy_cache' / 'typed_use'}\n"
        "[mypy-litellm.*,vllm.*]\nignore_missing_imports = true\n"
    )
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(settings), str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert checked.stdout == "Success: no issues found in 1 source file\n", checked.stdout + checked.stderr


def test_the_options_of_all_functions_are_those_of_arun():
    own = {"question", "llm", "strategy", "first", "on_result"}
    assert set(inspect.signature(rsa.arun).parameters) - own == set(rsa.Options.__annotations__)
