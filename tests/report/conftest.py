"""A browser for the tests of this folder, and a report of two real runs whose every text is hostile."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evals.comparison import compare
from evals.records import Records, open_records
from evals.report import write_report
from tests.browser import chromium
from tests.fake_server import FakeServer

HOSTILE = (
    "</script><script>window.broken = 1</script>",
    "<!-- <script> & \"quoted\" 'single' -->",
    "<img src=x onerror='window.broken = 2'>",
    "=HYPERLINK(1) \\frac{a}{b} $x_1$ | a\u2028b \u202eRTL",
)
DRAWN = "html[data-plots=drawn]"
MODEL = "<b onmouseover='window.broken = 3'>model</b>"
_VOTES = ("--strategy", "majority", "--n", "6")
_OURS = ("--n", "4", "--k", "2", "--steps", "3")


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium, started once. It ends with this folder's tests, for its loop would be in the way of asynchronous ones."""
    with chromium() as running:
        yield running


@dataclass
class Visit:
    """A page that is open, and what it should never do: complain, or ask for anything but itself."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def visiting(browser: Any) -> Iterator[Callable[..., Visit]]:
    """Opens files; in the end nothing may have been complained of, and nothing asked for but the files themselves."""
    with ExitStack() as stack:
        visits = []

        def opened(path: Path, anchor: str = "", **options: Any) -> Visit:
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
            stack.callback(context.close)
            found = Visit(context.new_page())
            visits.append((found, path.as_uri()))
            found.page.on("console", lambda said: found.complaints.append(f"{said.type}: {said.text}"))
            found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
            found.page.on("request", lambda request: found.requests.append(request.url))
            found.page.goto(path.as_uri() + anchor)
            return found

        yield opened
        for found, uri in visits:
            assert found.complaints == []
            assert {request.partition("#")[0] for request in found.requests if not request.startswith("blob:")} == {uri}
            assert found.page.evaluate("window.broken") is None


@pytest.fixture
def visit(browser) -> Iterator[Callable[..., Visit]]:
    """Opens a file for one test."""
    with visiting(browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def drawn(browser, report) -> Iterator[Any]:
    """The report with all its plots, for tests that leave it as they find it, or do not care how they do."""
    with visiting(browser) as opened:
        page = opened(report, accept_downloads=True).page
        page.wait_for_selector(DRAWN)
        yield page


@dataclass(frozen=True)
class Made:
    """Two runs with hostile texts: their folders, and what a report is made of."""

    folders: tuple[Path, ...]
    records: list[Records]
    summaries: list[dict[str, Any]]
    comparison: dict[str, Any]


@pytest.fixture(scope="package")
def made(launcher, tmp_path_factory) -> Iterator[Made]:
    """A run of majority and one of RSA on the same four problems, twice each."""
    folder = tmp_path_factory.mktemp("made")
    problems = [{"id": text, "question": text, "answer": text} for text in HOSTILE]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in problems))
    with FakeServer(models=(MODEL,)) as server:
        server.reply = _reply
        for name, arguments in {"votes": _VOTES, "ours": _OURS}.items():
            own = ("--base-url", server.url, "--repeats", "2", "--out", name, *arguments)
            done = launcher.run(folder, "run", "--data", "data.jsonl", "--kind", "text", "--scorer", "exact", *own)
            assert done.code == 0, done.errors
    folders = (folder / "votes", folder / "ours")
    with ExitStack() as stack:
        records = [stack.enter_context(open_records(each)) for each in folders]
        summaries = [json.loads((each / "summary.json").read_text()) for each in folders]
        yield Made(folders, records, summaries, compare(records))


@pytest.fixture(scope="package")
def report(made, tmp_path_factory) -> Path:
    """The report of both."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, made.records, made.summaries, made.comparison)
    return path


def _reply(body: dict[str, Any]) -> str:
    """The right answer or another, by the seed; the text says hostile things of its own."""
    question = next(text for text in HOSTILE if text in body["messages"][-1]["content"])
    right = body["seed"] % 3 > 0
    return f"{HOSTILE[0]} {HOSTILE[1]} \\boxed{{{question if right else HOSTILE[body['seed'] % 2]}}}"
