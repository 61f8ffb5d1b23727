"""The commands of docs/serve.md, as they stand there but for the address and the model's name."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "serve.md"
HARNESSES = ROOT / ".venv-clients" / "bin"
_LIMIT = 300


@dataclass(frozen=True)
class Documented:
    """A gateway to run them against, in an empty folder."""

    url: str
    model: str
    folder: Path

    def run(self, section: str) -> list[str]:
        """What each block of code in a section prints. All of them must end well."""
        return [self._run(language, code) for language, code in blocks(section)]

    def _run(self, language: str, code: str) -> str:
        code = code.replace("http://localhost:8100/v1", self.url).replace("MODEL", self.model)
        command = [sys.executable, "-c", code] if language == "python" else ["bash", "-euo", "pipefail", "-c", code]
        environment = {
            **os.environ,
            "PATH": f"{HARNESSES}:{os.environ['PATH']}",
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(self.folder / "hub"),
            "INSPECT_DISPLAY": "plain",
        }
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=self.folder, env=environment, timeout=_LIMIT
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def blocks(section: str) -> list[tuple[str, str]]:
    """The language and the code of each block under a heading of the page."""
    text = PAGE.read_text(encoding="utf-8").partition(f"### {section}\n")[2]
    own = re.split(r"^##", text, maxsplit=1, flags=re.MULTILINE)[0]
    found = re.findall(r"^```(python|sh)\n(.*?)^```$", own, re.MULTILINE | re.DOTALL)
    assert found, f"{PAGE} shows no command under {section!r}"
    return found
