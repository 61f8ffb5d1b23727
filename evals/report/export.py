"""Every plot and table of a report as files of their own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.directory import write_parts
from evals.records import Records
from evals.report.heatmap import heat_of
from evals.report.plot import Plot
from evals.report.plots import plots
from evals.report.sheet import Sheet, csv_text
from evals.report.sheets import sheets
from evals.report.told import told
from rsa.errors import UsageError

__all__ = ["export", "pictures"]

_PNG_SCALE = 2.0


def export(
    folder: Path, records: Sequence[Records], summaries: Sequence[Mapping[str, Any]], comparison: Mapping[str, Any]
) -> list[Path]:
    """Write each plot as .svg and .png with its data as .csv, and each table as .csv, .md and .tex; give their paths.

    A plot with a choice of axes is written once for each. Files of the same name are replaced, others stay. Raises
    `UsageError` if the folder cannot be made, `Incomplete` if the disk does not take a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made ({error.strerror}): name another folder (--export)") from error
    drawn = plots(summaries, comparison, [heat_of(each) for each in records])
    tables = sheets(told(summaries, comparison), comparison)
    paths = []
    for name, content in _files(_all(drawn), _all(tables)):
        paths.append(folder / name)
        write_parts(paths[-1], [content])
    return paths


def _all(by_section: Mapping[str, Iterable[Any]]) -> Iterator[Any]:
    return (each for those in by_section.values() for each in those)


def _files(drawn: Iterable[Plot], tables: Iterable[Sheet]) -> Iterator[tuple[str, bytes]]:
    for sheet in tables:
        for ending, text in sheet.texts().items():
            yield f"table-{sheet.name}.{ending}", text.encode(errors="replace")
    for plot in drawn:
        yield f"plot-{plot.name}.csv", csv_text(*plot.facts()).encode(errors="replace")
        for name, spec in _drawings(plot):
            yield from pictures(f"plot-{name}", spec)


def _drawings(plot: Plot) -> Iterator[tuple[str, dict[str, Any]]]:
    """The plot, once for each axis where there is a choice."""
    if not plot.axes:
        yield plot.name, plot.whole()
    for axis in plot.axes:
        yield f"{plot.name}-{axis['name']}", plot.whole(axis, axis["log"])


def pictures(name: str, spec: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """A Vega-Lite specification as `name`.svg and `name`.png. Raises `UsageError` if it cannot be drawn."""
    import vl_convert  # noqa: PLC0415 - a JavaScript engine, needed only here

    try:
        svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
        png = vl_convert.svg_to_png(svg, scale=_PNG_SCALE)
    except ValueError as error:
        raise UsageError(f"{name} cannot be drawn: {error}") from error
    yield f"{name}.svg", svg.encode()
    yield f"{name}.png", png
