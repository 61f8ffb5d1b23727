"""The chain viewer of unusual runs and in other surroundings: hostile, long, narrow, left out, and in a whole report."""

import json
from urllib.parse import quote

import pytest

from tests.report.conftest import HOSTILE as HOSTILE_IDS
from tests.report.viewer_runs import HOSTILE, parts_of, recorded, write_page, write_run
from tests.report.viewer_sample import IDS, PROBLEMS, RSA, chain, focused, head, improving, options


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("viewer") / "run", PROBLEMS, improving, strategy=RSA, task={"repeats": 2})


def test_texts_that_were_left_out_are_asked_for(visit, folder, tmp_path):
    page = visit(write_page(tmp_path / "page.html", parts_of(folder, texts=0))).page
    page.get_by_text("rsa-eval report DIR --texts all").wait_for()
    chain(page, 3, 0).click()
    page.wait_for_selector(".chain-edge")
    page.get_by_text("rsa-eval report DIR --texts all").wait_for()
    assert "Step 3, slot 0: right · answer 4" in head(page)


def test_hostile_texts_are_only_shown(visit, tmp_path):
    attack = f"{HOSTILE}<img src=x onerror='window.broken = 1'><b>bold</b> $\\text{{<script>window.broken = 2</script>}}$ "
    safe = attack.replace("\ud800", "")

    def hostile(problem, planned):
        text = f"{attack}\n# {attack}\n- {attack}\n\n|{attack}|\n|-|\n\n`{attack}`\n```{attack}\n{attack}\n\\boxed{{{safe}}}"
        return {"text": text, "reasoning": attack, "finish_reason": attack}

    problem = {"id": safe, "question": attack.replace("\ud800", ""), "answer": safe}
    keys = {"strategy": RSA, "task": {"kind": "text", "scorer": "exact"}}
    folder = write_run(tmp_path / "run", [problem], hostile, **keys)
    page = visit(write_page(tmp_path / "page.html", parts_of(folder))).page
    page.wait_for_selector(".chain-graph")
    chain(page, 2, 0).click()
    page.wait_for_selector(".viewer-relatives a")
    page.get_by_text("Prompt as sent").click()
    page.get_by_text("Reasoning that").click()
    page.wait_for_selector(".viewer-message pre")
    assert page.locator("#viewer").evaluate("node => node.querySelectorAll('img, script, b, iframe').length") == 0
    assert page.locator(".viewer-message pre").text_content().count("<img src=x") == 17
    turning = page.locator(".chain-graph").evaluate("node => /[\\u202a-\\u202e\\u2066-\\u2069]/.test(node.outerHTML)")
    assert not turning
    page.get_by_role("button", name="Raw text").click()
    raw = page.locator(".viewer-text > .viewer-raw").evaluate("node => JSON.stringify(node.textContent)")
    text = recorded(folder)[safe, 0, 2, 0]["text"]
    assert json.loads(raw) == text
    page.locator(".chain-head").first.click()
    page.get_by_role("table", name="Votes of the population").wait_for()


def test_the_viewer_of_a_report(visit, report):
    """In the whole page, with its style and its other scripts."""
    page = visit(report, f"#1/{quote(HOSTILE_IDS[0], safe='')}/0/2/1").page
    page.locator(".viewer-head", has_text="Step 2, slot 1").wait_for()
    assert page.locator(".viewer-relatives a").count() >= 2
    page.get_by_text("Prompt as sent").click()
    page.wait_for_selector(".viewer-message pre")
    assert options(page)[1:] != []
    assert page.locator("#chains").evaluate("node => Math.abs(node.getBoundingClientRect().top) < innerHeight")


def test_a_cell_of_a_heat_map_opens_its_population(visit, folder, tmp_path):
    """As the page calls it; for what is not there nothing happens."""
    page = visit(write_page(tmp_path / "page.html", parts_of(folder), "startViewer, showPopulation")).page
    page.evaluate("inside.startViewer()")
    page.evaluate("(id) => inside.showPopulation(0, id, 1, 2)", IDS[0])
    page.get_by_role("table", name="Votes of the population").wait_for()
    assert page.locator(".chain-head[aria-pressed=true]").get_attribute("data-key") == "2/head"
    assert page.locator("select[aria-label=Repeat]").input_value() == "1"
    assert page.evaluate("document.activeElement.className") == "viewer-head"
    page.evaluate("inside.showPopulation(5, 'nothing', 0, 1)")
    assert page.locator(".viewer-title").inner_text() == IDS[0]


def test_the_last_wish_counts(visit, folder, tmp_path):
    """A block that is unpacked only after something else was wanted is not shown."""
    page = visit(write_page(tmp_path / "page.html", parts_of(folder), "startViewer")).page
    place = "{ run: 0, problem, repeat: 0, step: null, slot: null }"
    ask = f"(problem) => viewer.show({place})"
    page.evaluate(f"inside.startViewer().then((viewer) => Promise.all([1, 0].map({ask})))")
    assert page.locator(".viewer-title").inner_text() == IDS[0]


def test_a_narrow_screen_needs_no_sideways_scrolling(visit, tmp_path):
    """But the graph has a scroll of its own, which shows what was chosen."""
    folder = write_run(tmp_path / "run", PROBLEMS[1:2], improving, strategy={"name": "self_refine", "n": 2, "steps": 12})
    page_file = write_page(tmp_path / "page.html", parts_of(folder))
    page = visit(page_file, "#0/second/0/12/1", viewport={"width": 390, "height": 800}).page
    page.get_by_text("Chain 12/1 of second").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".chain-edge").count() == 11
    box, canvas = (page.locator(each).bounding_box() for each in ("[data-key='12/1']", ".viewer-canvas"))
    assert canvas["x"] <= box["x"]
    assert box["x"] + box["width"] <= canvas["x"] + canvas["width"]


def test_many_problems_are_listed_bit_by_bit(visit, tmp_path):
    problems = [{"id": f"n{number}", "question": "?", "answer": "1"} for number in range(450)]
    folder = write_run(tmp_path / "run", problems, lambda *_: {"text": "1"}, strategy="sample", task={"scorer": "exact"})
    page = visit(write_page(tmp_path / "page.html", parts_of(folder))).page
    page.get_by_text("450 problems").wait_for()
    assert len(options(page)) == 200
    page.get_by_role("button", name="Show more").click()
    page.get_by_role("button", name="Show more").click()
    assert len(options(page)) == 450
    assert not page.get_by_role("button", name="Show more").is_visible()


def test_a_long_population_takes_several_columns(visit, tmp_path):
    def told(problem, planned):
        return {"text": f"\\boxed{{{planned.slot % 3}}}"}

    folder = write_run(tmp_path / "run", PROBLEMS[1:2], told, strategy={"name": "majority", "n": 50})
    page = visit(write_page(tmp_path / "page.html", parts_of(folder))).page
    page.wait_for_selector(".chain-graph")
    chain(page, 1, 5).focus()
    chain(page, 1, 5).click()
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("step 1 slot 25,")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("step 1 slot 45,")
    assert page.locator(".chain-graph .chain").count() == 50
