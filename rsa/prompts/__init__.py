"""Questions and candidates -> prompt text, through Jinja2 files that a user can replace.

A preset is a folder with `aggregate.j2` (two or more candidates), `refine.j2` (one), `verify.j2` and `summarize.j2`; what
it does not have comes from the default preset. The variables are `question`, `candidates` (a list of texts),
`problem_kind` ("math problem"), `answer_format` (a sentence) and `task` (the kind's name). Rendering adds nothing that the
file does not say and strips nothing that it does, except that Jinja2 reads every line break of a template file as a line
feed. Two presets are shipped: `default`, and `brief` for very small models, which repeat long instructions instead of
following them.
"""

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path

import jinja2

from rsa.errors import UsageError
from rsa.kinds import KINDS, Kind
from rsa.text import did_you_mean

__all__ = ["PROMPTS_FOLDER", "Prompts"]

PROMPTS_FOLDER = Path(__file__).parent
_TEMPLATES = ("aggregate", "refine", "summarize", "verify")


class Prompts:
    """A loaded preset. `sha256` identifies the texts of all its templates, `sources` are those texts by name.

    Every template is tried once, so that a mistake in one is told before anything is spent.
    """

    def __init__(self, preset: str | Path = "default") -> None:
        self.preset = str(preset)
        self.sources = _read(_folder(preset))
        digest = hashlib.sha256()
        for name, source in sorted(self.sources.items()):
            digest.update(f"{name}\0{source}\0".encode())
        self.sha256 = digest.hexdigest()
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)  # noqa: S701
        self._templates = {name: _compile(environment, name, source, preset) for name, source in self.sources.items()}
        for name in _TEMPLATES:
            for kind in KINDS.values():
                self.render(name, "?", ["a", "b"] if name == "aggregate" else ["a"], kind)

    def render(self, template: str, question: str, candidates: Sequence[str], kind: Kind) -> str:
        """The text of one prompt. Raises `UsageError` if the template cannot be rendered."""
        try:
            return self._templates[template].render(
                question=question,
                candidates=list(candidates),
                problem_kind=kind.noun,
                answer_format=kind.answer_format,
                task=kind.name,
            )
        except (jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise UsageError(f"prompt preset {self.preset!r}: {template}.j2 cannot be rendered: {error}") from error


def _folder(preset: str | Path) -> Path:
    names = [folder.name for folder in PROMPTS_FOLDER.iterdir() if (folder / "aggregate.j2").is_file()]
    if preset in names:
        return PROMPTS_FOLDER / preset
    with contextlib.suppress(OSError):  # a name that is too long, say
        if Path(preset).is_dir():
            return Path(preset)
    raise UsageError(f"prompts: {str(preset)!r} is neither a folder nor a shipped preset{did_you_mean(str(preset), names)}")


def _read(folder: Path) -> dict[str, str]:
    """The templates of a folder; those that it does not have are those of the default preset."""
    sources = {}
    present = [name for name in _TEMPLATES if (folder / f"{name}.j2").is_file()]
    if not present:
        files = ", ".join(f"{name}.j2" for name in _TEMPLATES)
        raise UsageError(f"prompts: {folder} holds none of {files}")
    for name in _TEMPLATES:
        path = (folder if name in present else PROMPTS_FOLDER / "default") / f"{name}.j2"
        try:
            sources[name] = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"prompts: cannot read {path}: {error}") from error
    return sources


def _compile(environment: jinja2.Environment, name: str, source: str, preset: str | Path) -> jinja2.Template:
    try:
        return environment.from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise UsageError(f"prompts: {preset}/{name}.j2, line {error.lineno}: {error.message}") from error
