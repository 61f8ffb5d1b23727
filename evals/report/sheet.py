"""A table of a report, and the same table as CSV, Markdown and LaTeX."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

__all__ = ["Sheet", "csv_text", "latex_text", "markdown_text"]

_FORMULA = ("=", "+", "-", "@", "\t", "\n")
_SPACE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_LATEX: Mapping[str, str] = MappingProxyType(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "±": r"$\pm$",
        "\u2212": r"$-$",
        "\u2013": "--",
        "≤": r"$\le$",
        "≥": r"$\ge$",
    }
)
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#$!])")


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows` under `columns` are what people read, `values` under `fields` what programs do.

    `name` is that of its files. The first column names the row, and is text where `words` says so; so is the last where
    `remarked`. All others are numbers.
    """

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    fields: tuple[str, ...]
    values: Sequence[tuple[Any, ...]]
    words: bool = True
    remarked: bool = False

    def texts(self) -> dict[str, str]:
        """The table in every format, by the ending of its file."""
        return {"csv": csv_text(self.fields, self.values), "md": markdown_text(self), "tex": latex_text(self)}

    def textual(self, column: int) -> bool:
        """Whether a column holds words."""
        return (self.words and column == 0) or (self.remarked and column == len(self.columns) - 1)


def csv_text(fields: Sequence[str], values: Iterable[Sequence[Any]]) -> str:
    """Comma-separated values. Texts that a spreadsheet would take for formulas get an apostrophe in front; None is empty."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows([_calm(value) for value in row] for row in values)
    return file.getvalue()


def _calm(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # which the writer would leave without quotation marks
    return f"'{text}" if text.startswith(_FORMULA) else text


def markdown_text(sheet: Sheet) -> str:
    """A pipe table with its caption above."""
    sides = [":---" if sheet.textual(number) else "---:" for number in range(len(sheet.columns))]
    rows = [[_markdown(cell) for cell in row] for row in (sheet.columns, *sheet.rows)]
    lines = [rows[0], sides, *rows[1:]]
    return f"{_markdown(sheet.caption)}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _markdown(text: str) -> str:
    calm = _SPACE.sub(" ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", calm)


def latex_text(sheet: Sheet) -> str:
    """A table environment that needs no package (T1 fonts show quotation marks as they are)."""
    sides = "".join("l" if sheet.textual(number) else "r" for number in range(len(sheet.columns)))
    head, *rows = [" & ".join(_latex(cell) for cell in row) + r" \\" for row in (sheet.columns, *sheet.rows)]
    return "\n".join(
        (
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(sheet.caption)}}}",
            rf"\begin{{tabular}}{{{sides}}}",
            r"\hline",
            head,
            r"\hline",
            *rows,
            r"\hline",
            r"\end{tabular}",
            r"\end{table}",
            "",
        )
    )


def _latex(text: str) -> str:
    """The text in which nothing is a command. A bracket or star at its start would belong to the line end before it."""
    calm = "".join(_LATEX.get(character, character) for character in _SPACE.sub(" ", text).strip())
    return f"{{{calm[0]}}}{calm[1:]}" if calm.startswith(("[", "*")) else calm
