"""The page itself, and the page in a real browser."""

import base64
import csv
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser

import pytest

from evals.report import page as page_module
from evals.report import write_report
from evals.report.page import embedded
from evals.report.vega import LibraryMissing
from tests.report.conftest import DRAWN, HOSTILE, MODEL


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the texts of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._inside = False
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag == "script" and not attrs:
            self.scripts.append("")
            self._inside = True

    def handle_endtag(self, tag):
        self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.scripts[-1] += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def hostile(content):
    """The same where every text that a user or a model may choose holds markup, in names that differ."""
    if isinstance(content, dict):
        return {key: hostile(value) for key, value in content.items()}
    if isinstance(content, list):
        return [hostile(value) for value in content]
    if isinstance(content, str) and ("(n=" in content or content == MODEL):
        return f"{content}{HOSTILE[0]}{HOSTILE[1]}{HOSTILE[2]}"
    return content


def written(made, path, comparison=None, **more):
    write_report(path, made.records, made.summaries, {**(comparison or made.comparison), **more})
    return path.read_text()


def test_the_policy_allows_just_the_two_scripts_that_are_there(report):
    elements = Elements(report.read_text())
    (policy,) = [each["content"] for each in elements.named("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    hashes = ["sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in elements.scripts]
    assert policy == (
        f"default-src 'none'; script-src '{hashes[0]}' '{hashes[1]}'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert all(each.get("type") for each in elements.named("script") if each)


def test_nothing_is_fetched_and_no_handler_is_in_the_markup(report):
    elements = Elements(report.read_text())
    for tag, attributes in elements.found:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "srcset", "action", "data")], tag
        assert (attributes.get("href") or "#").startswith("#")
        assert tag not in ("link", "iframe", "object", "embed", "form", "base", "img")


def test_hostile_texts_stay_texts(made, tmp_path):
    comparison = hostile(made.comparison)
    text = written(made, tmp_path / "page.html", comparison, remarks=list(HOSTILE))
    assert text.count("window.broken") > 20
    elements = Elements(text)
    assert elements.named("b") == elements.named("img") == []
    assert len(elements.scripts) == 2
    assert not re.search(r"<!--", text.partition("<main")[2].partition('id="chains"')[0])


@pytest.mark.parametrize("text", [*HOSTILE, "</SCRIPT ", "\ud800 \x00", "]]>"])
def test_json_in_a_script_element_cannot_end_it(text):
    found = embedded({text: [text]})
    assert json.loads(found) == {text: [text]}
    assert "<" not in found
    assert found.isascii()


def test_the_page_without_its_plots_still_has_everything_else(made, tmp_path, monkeypatch):
    def missing():
        raise LibraryMissing("no space left")

    monkeypatch.setattr(page_module, "library", missing)
    text = written(made, tmp_path / "page.html")
    assert "The plots are missing, because their library could not be made ready: no space left" in text
    assert Elements(text).named("table")
    assert "data-plot=" not in text


def test_a_run_that_is_not_whole_is_said_to_be(made, tmp_path):
    runs = [{**made.comparison["runs"][0], "complete": False, "chains": 7}, made.comparison["runs"][1]]
    assert "majority(n=6) is not complete (7 of 48 chains)" in written(made, tmp_path / "page.html", runs=runs)


def test_the_page_is_in_order_and_can_be_walked_through(report):
    elements = Elements(report.read_text())
    headings = [int(tag[1]) for tag, _ in elements.found if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(headings))
    sections = [each["id"] for each in elements.named("section") if "id" in each]
    order = ["comparison", "budget", "samples", "steps", "problems", "chains", "story", "tokens", "reading", "provenance"]
    assert [each for each in sections if each in order] == order
    assert [each["href"] for each in elements.named("a")][:11] == ["#main", *(f"#{name}" for name in order)]
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert len(elements.named("caption")) == len(elements.named("table"))
    assert all(each.get("scope") for each in elements.named("th"))
    plots = [each for each in elements.named("div") if each.get("class") == "canvas"]
    assert plots
    assert all(each["role"] == "img" and len(each["aria-label"]) > 20 for each in plots)


def test_everything_is_drawn_without_complaint(drawn):
    figures = drawn.locator("figure.plot").all()
    assert len(figures) > 12
    for figure in figures:
        assert figure.locator("svg .mark-symbol path, svg .mark-rect path").count() > 0, figure.get_attribute("data-plot")
    assert drawn.locator("#steps table").count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_telephone(visit, report, scheme):
    page = visit(report, viewport={"width": 390, "height": 800}, color_scheme=scheme).page
    page.wait_for_selector(DRAWN)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    widths = page.evaluate(
        "[...document.querySelectorAll('.canvas > svg')].map((each) => each.getBoundingClientRect().width)"
    )
    assert max(widths) <= 390
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 28)")


def test_the_axis_can_be_chosen_with_the_keyboard(drawn, made):
    figure = drawn.locator("figure[data-plot=accuracy-against-budget]")
    before = figure.locator("svg").inner_html()
    axis = made.comparison["axes"][1]
    figure.locator("select").press("ArrowDown")
    figure.locator(f"svg :text-is('{axis['label']}')").wait_for()
    assert figure.locator("svg").inner_html() != before
    log = figure.locator("input")
    ticks = figure.locator("svg .role-axis-label").first.text_content()
    log.press("Space")
    drawn.wait_for_selector("figure[data-plot=accuracy-against-budget][data-drawn='3']")
    assert figure.locator("svg .role-axis-label").first.text_content() != ticks


def test_hovering_tells_the_numbers_and_no_markup(visit, made, tmp_path):
    path = tmp_path / "page.html"
    comparison = hostile(made.comparison)
    written(made, path, comparison)
    page = visit(path).page
    page.wait_for_selector(DRAWN)
    page.locator("figure[data-plot=accuracy-against-budget] .mark-symbol path").first.hover()
    tip = page.locator(".tip")
    tip.wait_for()
    assert comparison["curves"][0]["name"].split("\u2028")[0][:20] in tip.inner_text()
    assert "accuracy" in tip.inner_text()
    assert tip.locator("b, img, script").count() == 0


def test_plots_and_tables_are_saved(drawn, tmp_path):

    def saved(selector):
        with drawn.expect_download() as download:
            drawn.locator(selector).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        return path

    svg = saved("figure[data-plot=accuracy-against-budget] [data-save=svg]").read_text()
    assert svg.startswith("<svg")
    assert "var(--" not in svg
    assert "#0b7fd4" in svg
    png = saved("figure[data-plot=problems-2] [data-save=png]").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert len(png) > 2000
    with saved("figure[data-plot=problems-2] [data-save=csv]").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 3
    assert {row["problem"] for row in rows} == {*HOSTILE[:3], "'" + HOSTILE[3]}
    table = saved("figure[data-sheet=comparison] [data-save=tex]").read_text()
    assert table == json.loads(drawn.locator("#page-data").text_content())["sheets"]["comparison"]["tex"]


def test_the_data_of_a_plot_are_a_table_beside_it(drawn):
    drawn.locator("figure[data-plot=problems-2] summary").press("Enter")
    table = drawn.locator("figure[data-plot=problems-2] details table")
    table.wait_for()
    assert table.locator("tbody tr").count() == 4 * 3
    assert table.locator("thead").inner_text().split() == ["problem", "step", "mean", "chains"]


def test_a_click_on_the_heat_map_opens_the_population(drawn):
    cell = drawn.locator("figure[data-plot=problems-2] .mark-rect path").nth(1)
    cell.click()
    drawn.wait_for_url(re.compile(r"#1/[^/]+/0/2$"))
    assert drawn.evaluate("document.activeElement.closest('#chains') !== null")


def test_without_javascript_the_tables_are_there(visit, report):
    page = visit(report, java_script_enabled=False).page
    assert page.locator("figure[data-sheet=comparison] td").count() > 10
    assert page.locator("noscript").first.is_visible()
    assert not page.locator(".tools").first.is_visible()
    page.locator("#provenance summary").first.click()
    assert page.locator("#provenance pre").first.is_visible()


def test_paper_shows_results_and_no_controls(visit, report):
    page = visit(report, color_scheme="dark").page
    page.wait_for_selector(DRAWN)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper')") == "#ffffff"
    assert not page.locator("nav, .tools, .controls").first.is_visible()
    assert page.locator("figure[data-plot=accuracy-against-budget] svg").is_visible()
    assert page.locator("figure[data-sheet=comparison] table").is_visible()
