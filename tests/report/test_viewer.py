"""The chain viewer, clicked through in a real browser. `visit` sees that nothing is complained of or asked for."""

import re

import pytest

from rsa.generation import prompt_sha256
from tests.report.viewer_runs import parts_of, recorded, write_page, write_run
from tests.report.viewer_sample import IDS, PROBLEMS, RSA, chain, focused, head, improving, opened, options


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("viewer") / "run", PROBLEMS, improving, strategy=RSA, task={"repeats": 2})


@pytest.fixture(scope="module")
def page_file(folder, tmp_path_factory):
    judged = write_run(
        tmp_path_factory.mktemp("judged") / "run",
        PROBLEMS[1:],
        lambda problem, planned: {"text": "\\boxed{correct}" if planned.step == 2 and planned.slot else "\\boxed{4}"},
        strategy={"name": "rejection", "n": 3},
    )
    return write_page(tmp_path_factory.mktemp("page") / "viewer.html", parts_of(folder, judged))


@pytest.fixture
def page(visit, page_file):
    shown = visit(page_file).page
    shown.wait_for_selector(".chain-graph")
    return shown


def test_choosing_a_problem_a_chain_and_its_parent(page):
    assert page.locator(".viewer-title").inner_text() == IDS[0]
    page.get_by_role("option", name="second").click()
    opened(page, "second")
    chain(page, 3, 2).click()
    page.get_by_text("Chain 3/2 of second").wait_for()
    assert head(page).strip().startswith("Step 3, slot 2: wrong")
    assert page.locator(".viewer-text math mfrac").count() == 1
    assert page.locator(".viewer-text strong").inner_text() == "Chain"
    parent = page.locator(".viewer-relatives a").first
    name = re.match(r"step 2 slot (\d), (right|wrong)", parent.get_attribute("aria-label"))
    parent.click()
    page.get_by_text(f"Chain 2/{name[1]} of second").wait_for()
    assert page.url.endswith(f"#0/second/0/2/{name[1]}")
    assert page.evaluate("document.activeElement.className") == "viewer-head"
    children = page.locator(".viewer-relatives a").evaluate_all("links => links.map(link => link.textContent)")
    assert "3/2" in children
    page.go_back()
    page.get_by_text("Chain 3/2 of second").wait_for()


def labels_of(page, selector):
    return page.locator(selector).evaluate_all("nodes => nodes.map(node => node.getAttribute('aria-label'))")


def test_the_graph_says_what_it_shows(page):
    labels = labels_of(page, ".chain-graph .chain")
    assert len(labels) == 18
    assert labels[0] == "step 1 slot 0, right, answer 4"
    assert re.fullmatch(r"step 2 slot 0, right, answer 4, reads \d, \d", labels[6])
    assert re.fullmatch(r"step 2 slot 5, dead, reads \d, \d", labels[11])
    assert sum("the run's answer" in label for label in labels) == 1
    heads = labels_of(page, ".chain-graph .chain-head")
    assert heads[0] == "step 1: 1 of 6 right, the vote says 8, which is wrong, with 3 of 6 votes"
    assert heads[1] == "step 2: 3 of 5 right, 1 dead, the vote says 4, which is right, with 3 of 5 votes"
    shapes = page.locator(".chain-graph .chain > path").evaluate_all("paths => paths.map(path => path.getAttribute('d'))")
    assert len(set(shapes)) == 3


def test_edges_are_those_of_the_chosen_chain(page):
    assert page.locator(".chain-edge").count() == 0
    chain(page, 3, 0).click()
    page.wait_for_selector(".chain-edge")
    assert page.locator(".chain-edge.distance-1").count() == 2
    assert 1 <= page.locator(".chain-edge.distance-2").count() <= 4
    assert page.locator(".chain-graph [aria-pressed=true]").get_attribute("data-key") == "3/0"


def test_every_prompt_is_shown_as_it_was_sent(page, folder):
    records = recorded(folder)
    for step, slot in [(1, 0), (2, 3), (3, 1), (3, 5)]:
        chain(page, step, slot).click()
        page.get_by_text(f"Chain {step}/{slot} of").first.wait_for()
        page.get_by_text("Prompt as sent").click()
        shown = page.locator(".viewer-message pre").text_content()
        page.get_by_text("Prompt as sent").click()
        record = records[IDS[0], 0, step, slot]
        assert prompt_sha256([{"role": "user", "content": shown}]) == record["prompt_sha256"]


def test_raw_text_reasoning_and_thinking(page):
    chain(page, 1, 1).click()
    page.get_by_text("Thinking, 11 characters").click()
    page.locator(".viewer-thinking em").wait_for()
    page.get_by_role("button", name="Raw text").click()
    assert page.locator(".viewer-raw").first.text_content().startswith("<think>Hm, *well*.</think>**Chain** 1/1")
    page.get_by_role("button", name="Raw text").click()
    assert page.locator(".viewer-text > .viewer-raw").count() == 0
    chain(page, 1, 2).click()
    page.get_by_text("Reasoning that the server kept apart").click()
    page.get_by_text("kept apart", exact=True).wait_for()


def test_copying(visit, page_file):
    page = visit(page_file, "#0/second/0/1/0", permissions=["clipboard-read", "clipboard-write"]).page
    page.get_by_role("button", name="Copy text").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("**Chain** 1/0 of second")


def test_with_the_keyboard_alone(page):
    page.locator("#viewer-search").focus()
    page.keyboard.press("Tab")  # filter
    page.keyboard.press("Tab")  # the list: one place
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    opened(page, "second")
    page.keyboard.press("Tab")  # repeats
    page.keyboard.press("Tab")  # the graph: one place
    assert focused(page).startswith("step 1:")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("step 1 slot 0,")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("step 2 slot 1,")
    page.keyboard.press("End")
    assert focused(page).startswith("step 2 slot 5,")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("step 2 slot 5,")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    assert focused(page).startswith("step 1:")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_text("Chain 1/0 of second").wait_for()
    assert focused(page).startswith("step 1 slot 0,")
    assert page.locator(".viewer-head").get_attribute("role") == "status"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "viewer-link"
    page.keyboard.press("Enter")
    page.get_by_text(re.compile(r"Chain 2/\d of second")).wait_for()


def test_focus_can_be_seen(page):
    page.locator("[role=option]").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    chain(page, 1, 0).focus()
    page.keyboard.press("ArrowDown")
    style = "getComputedStyle(document.activeElement.querySelector('.chain-back')).strokeWidth"
    assert page.evaluate(style) == "3px"


def test_search_and_filters(page):
    assert len(options(page)) == 3
    found = {}
    for name in ("up", "down", "never", "dead", "split", "outvoted"):
        page.locator("#viewer-filter").select_option(name)
        found[name] = options(page)
    assert found["up"] == [IDS[0]]
    assert found["down"] == [IDS[1]]
    assert found["never"] == [IDS[2]]
    assert found["dead"] == [IDS[0], IDS[2]]
    assert found["split"] == [IDS[1], IDS[2]]
    assert found["outvoted"] == [IDS[1]]
    page.locator("#viewer-filter").select_option("all")
    page.locator("#viewer-search").fill("for SECOND")
    assert options(page) == ["second"]
    assert page.locator(".viewer-count").inner_text() == "1 problem"
    page.locator("#viewer-search").fill("nothing like it")
    assert options(page) == []


def test_a_link_from_outside(visit, page_file):
    page = visit(page_file, "#0/first%2Fwith%20slash%20%26%20%3Cb%3E/1/2/5").page
    page.get_by_text("the server said <no>").wait_for()
    assert head(page).strip() == "Step 2, slot 5: dead"
    assert page.locator("select[aria-label=Repeat]").input_value() == "1"
    assert chain(page, 2, 5).get_attribute("tabindex") == "0"
    assert page.locator(".viewer-relatives a").count() == 2
    page.evaluate("location.hash = '#0/no such problem/0/1/1'")
    page.evaluate("location.hash = '#0/second/0/9/9'")
    opened(page, "second")
    page.evaluate("location.hash = '#%E0%A4%A'")
    page.evaluate("location.hash = '#0/third/0/2'")
    page.get_by_role("table", name="Votes of the population").wait_for()


def test_a_population_tells_its_votes(page):
    page.locator(".chain-head").nth(2).click()
    rows = page.get_by_role("table", name="Votes of the population").locator("tbody tr")
    rows.first.wait_for()
    assert rows.first.inner_text().split() == ["right", "4", "5", "3/0", "3/1", "3/2", "3/3", "3/4"]
    assert "the vote says 4, which is right, with 5 of 6 votes" in head(page)
    rows.first.get_by_role("link").last.click()
    page.get_by_text("Chain 3/4 of").wait_for()


def test_another_run_and_its_judgements(page):
    page.get_by_role("option", name="third").click()
    opened(page, "third")
    page.locator("select[aria-label=Run]").select_option("1")
    page.wait_for_selector(".chain.state-accept")
    assert page.locator(".viewer-title").inner_text() == "third"
    assert options(page) == ["second", "third"]
    assert chain(page, 2, 0).get_attribute("aria-label").startswith("step 2 slot 0, rejects slot 0")
    chain(page, 2, 2).click()
    page.wait_for_selector(".viewer-head a[aria-label='step 1 slot 2, right']")
    page.locator(".chain-head").nth(1).click()
    page.get_by_text("The population after judging: 1/1 1/2").wait_for()
