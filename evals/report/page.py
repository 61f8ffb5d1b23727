"""`report.html`: one file that opens from the disk, runs no script but its own, and fetches nothing."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import yaml
from markupsafe import Markup, escape

from evals.directory import write_parts
from evals.records import Records
from evals.report.heatmap import heat_of
from evals.report.plot import Plot
from evals.report.plots import plots
from evals.report.sheet import Sheet
from evals.report.sheets import sheets
from evals.report.texts import MOST_TEXTS, viewer_parts
from evals.report.theme import CONFIG, colours
from evals.report.told import told
from evals.report.vega import Library, LibraryMissing, library, script_hash
from evals.report.words import result_sentence, saved_sentence
from evals.tables import remarks

__all__ = ["page_parts", "write_report"]

_ASSETS = Path(__file__).with_name("assets")
_STYLES = ("page.css", "viewer.css")
_SCRIPTS = ("tables.js", "plots.js", "math.js", "graph.js", "viewer*.js", "main.js")
_OPEN_CELLS = 20_000
"""Heat maps that have more cells than this together stay folded, and are drawn when they are opened."""
_MOST_CAPTION = 400
"""Longer summaries are left to those who cannot see the plot."""
_SECTIONS = {
    "comparison": "Comparison",
    "budget": "Budget",
    "samples": "Samples",
    "steps": "Steps",
    "problems": "Problems",
    "chains": "Chains",
    "story": "Aggregation",
    "tokens": "Tokens and time",
    "reading": "How to read it",
    "provenance": "Provenance",
}
_ALWAYS = ("comparison", "steps", "chains", "tokens", "reading", "provenance")


def write_report(
    path: Path,
    records: Sequence[Records],
    summaries: Sequence[Mapping[str, Any]],
    comparison: Mapping[str, Any],
    texts: int = MOST_TEXTS,
) -> None:
    """Write the report of these runs to `path`, whole or not at all.

    `summaries` are theirs, `comparison` is what `evals.comparison` makes of them, `texts` the most bytes of text that go
    into the chain viewer. Raises `Incomplete` if the disk does not take it, `UsageError` for records that are damaged.
    """
    write_parts(path, (part.encode(errors="replace") for part in page_parts(records, summaries, comparison, texts)))


def page_parts(
    records: Sequence[Records], summaries: Sequence[Mapping[str, Any]], comparison: Mapping[str, Any], texts: int
) -> Iterator[str]:
    """The page, piece by piece, so that no more than one problem's texts are held at a time."""
    runs = told(summaries, comparison)
    tables = sheets(runs, comparison)
    try:
        vega, missing = library(), None
    except LibraryMissing as error:
        vega, missing = None, f"The plots are missing, because their library could not be made ready: {error}"
    drawn = plots(summaries, comparison, [heat_of(each) for each in records]) if vega else {}
    script = _script()
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["breakable"] = breakable
    template = environment.from_string((_ASSETS / "page.html.j2").read_text(encoding="utf-8"))
    return template.generate(
        **_facts(summaries, comparison, records),
        result=result_sentence(comparison, runs),
        saved=saved_sentence(comparison),
        warnings=[*_unfinished(comparison), *([missing] if missing else [])],
        contents=_contents(drawn, tables),
        several=len(comparison["table"]) > 1,
        plots=drawn,
        sheets=tables,
        most_caption=_MOST_CAPTION,
        open_maps=_open_maps(drawn.get("problems", [])),
        chains=viewer_parts(records, texts),
        policy=_policy(vega, script),
        css="".join((_ASSETS / name).read_text(encoding="utf-8") for name in _STYLES),
        content=embedded(_content(drawn, tables)),
        library=vega.source if vega else None,
        script=script,
    )


def _facts(
    summaries: Sequence[Mapping[str, Any]], comparison: Mapping[str, Any], records: Sequence[Records]
) -> dict[str, Any]:
    """What the page says about its runs."""
    listed = []
    for run, summary, each in zip(comparison["runs"], summaries, records, strict=True):
        content = yaml.safe_dump(each.run.directory.read_run(), sort_keys=False, allow_unicode=True, width=120)
        listed.append({**run, "yaml": content, "remarks": remarks(summary)})
    models = list(dict.fromkeys(run["model"] or "no model" for run in comparison["runs"]))
    task, problems, repeats = comparison["task"], comparison["problems"], comparison["repeats"]
    title = f"{task} with {models[0]}" if len(listed) == 1 else f"{len(comparison['table'])} strategies on {task}"
    times = "once each" if repeats == 1 else f"{repeats} times each"
    chains = sum(run["chains"] for run in comparison["runs"])
    facts = f"{problems:,} problem{'s' if problems != 1 else ''}, {times}; {chains:,} chains"
    own = listed[0]["remarks"] if len(listed) == 1 else []
    said = list(dict.fromkeys([*comparison["remarks"], *own]))
    return {"runs": listed, "models": models, "title": title, "facts": facts, "remarks": said}


def _unfinished(comparison: Mapping[str, Any]) -> Iterator[str]:
    for run in comparison["runs"]:
        if not run["complete"]:
            counts = f"{run['chains']:,} of {run['planned']:,} chains"
            yield f"{run['name']} is not complete ({counts}): its steps may tell of different problems."


def _contents(drawn: Mapping[str, Sequence[Plot]], tables: Mapping[str, Sequence[Sheet]]) -> list[tuple[str, str]]:
    """The sections that are there, with their names."""
    there = {*_ALWAYS, *(name for part in (drawn, tables) for name, those in part.items() if those)}
    return [(anchor, name) for anchor, name in _SECTIONS.items() if anchor in there]


def _open_maps(maps: Iterable[Plot]) -> int:
    """How many heat maps are drawn at once; the first always is."""
    cells = number = 0
    for plot in maps:
        cells += len(plot.rows)
        if number and cells > _OPEN_CELLS:
            break
        number += 1
    return number


def _content(drawn: Mapping[str, Iterable[Plot]], tables: Mapping[str, Iterable[Sheet]]) -> dict[str, Any]:
    return {
        "plots": [plot.content() for those in drawn.values() for plot in those],
        "sheets": {sheet.name: sheet.texts() for those in tables.values() for sheet in those},
        "config": dict(CONFIG),
        "colours": dict(colours()),
    }


def breakable(text: str) -> Markup:
    """A text, escaped, that may go on in a new line where a strategy's name has its parameters."""
    return escape(text).replace("(", Markup("<wbr>(")).replace(",", Markup(",<wbr>"))


def embedded(content: Any) -> str:
    """JSON that can stand in a script element: no text in it can end the element or open a comment."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e")


def _script() -> str:
    """All our JavaScript as one script."""
    paths = (path for pattern in _SCRIPTS for path in sorted(_ASSETS.glob(pattern)))
    parts = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    return f'(() => {{ "use strict";\n{parts}\n}})();'


def _policy(vega: Library | None, script: str) -> str:
    hashes = " ".join(f"'{each}'" for each in (*([vega.hash] if vega else ()), script_hash(script)))
    allowed = f"script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
