"""Questions and candidates -> prompt text, through Jinja2 files that a user can replace.

A preset is a folder with `aggregate.j2` (two or more candidates), `refine.j2` (one), `verify.j2` and `summarize.j2`. The
variables are `question`, `candidates` (a list of texts), `problem_kind` ("math problem"), `answer_format` (a sentence) and
`task` (the kind's name). Rendering adds nothing that the file does not say and strips nothing that it does, except that
Jinja2 reads every line break of a template file as a line feed. Two presets are shipped: `default`, and `brief` for very
small models, which repeat long instructions instead of following them.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import jinja2

from rsa.errors import UsageError
from rsa.kinds import Kind
from rsa.text import did_you_mean

__all__ = ["PROMPTS_FOLDER", "Prompts"]

PROMPTS_FOLDER = Path(__file__).parent
_TEMPLATES = ("aggregate", "refine", "summarize", "verify")


class Prompts:
    """A loaded preset. `sha256` identifies the texts of all its templates."""

    def __init__(self, preset: str | Path = "default") -> None:
        self.preset = str(preset)
        sources = _read(_folder(preset))
        digest = hashlib.sha256()
        for name, source in sorted(sources.items()):
            digest.update(f"{name}\0{source}\0".encode())
        self.sha256 = digest.hexdigest()
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - plain text
        self._templates = {name: _compile(environment, name, source, preset) for name, source in sources.items()}

    def render(self, template: str, question: str, candidates: Sequence[str], kind: Kind) -> str:
        """The text of one prompt. Raises `UsageError` if the template asks for a variable that there is none of."""
        try:
            return self._templates[template].render(
                question=question,
                candidates=list(candidates),
                problem_kind=kind.noun,
                answer_format=kind.answer_format,
                task=kind.name,
            )
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            raise UsageError(f"prompt preset {self.preset!r}: {template}.j2 cannot be rendered: {error}") from error


def _folder(preset: str | Path) -> Path:
    shipped = PROMPTS_FOLDER / preset
    if isinstance(preset, str) and (shipped / "aggregate.j2").is_file():
        return shipped
    if Path(preset).is_dir():
        return Path(preset)
    names = [folder.name for folder in PROMPTS_FOLDER.iterdir() if (folder / "aggregate.j2").is_file()]
    raise UsageError(f"prompts: {str(preset)!r} is neither a folder nor a shipped preset{did_you_mean(str(preset), names)}")


def _read(folder: Path) -> dict[str, str]:
    sources = {}
    for name in _TEMPLATES:
        path = folder / f"{name}.j2"
        try:
            sources[name] = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"prompts: cannot read {path}: {error}; a preset folder holds "
                f"{', '.join(f'{name}.j2' for name in _TEMPLATES)}"
            ) from error
    return sources


def _compile(environment: jinja2.Environment, name: str, source: str, preset: str | Path) -> jinja2.Template:
    try:
        return environment.from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise UsageError(f"prompts: {preset}/{name}.j2, line {error.lineno}: {error.message}") from error
