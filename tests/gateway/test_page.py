"""The page at `/`, used in a real browser in front of the real server."""

import base64
import hashlib
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser import chromium
from tests.fake_server import Trouble, message
from tests.gateway.running import running_gateway, until
from tests.gateway.visiting import Visit, visiting

HOSTILE = "<img src=x onerror='window.broken = 1'></script><script>window.broken = 2</script> & \u202e\\boxed{<b>42</b>}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def visit(browser) -> Iterator[Callable[..., Visit]]:
    with visiting(browser) as opened:
        yield opened


def test_it_is_one_response_that_runs_its_own_script_and_no_other(gateway, upstream):
    reply = gateway.get("/")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = dict(part.split(" ", 1) for part in reply.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    for tag, source in (("style", "style-src"), ('script type="module"', "script-src")):
        [content] = re.findall(rf"<{tag}>(.*?)</{tag.split()[0]}>", reply.text, re.DOTALL)
        assert policy[source] == f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", reply.text)


def test_it_can_be_left_out(upstream):
    with running_gateway(upstream.url, page=False) as gateway:
        assert gateway.get("/").status == 404
        assert gateway.chat().status == 200


def test_an_answer_while_it_is_written_and_when_it_is_there(visit, gateway, upstream):
    upstream.hold = threading.Event()
    shown = visit(gateway).asked(n="4", k="2", steps="2", seed="5", system="Be brief.")
    shown.page.locator("#text", has_text="that it is").wait_for()
    shown.page.wait_for_selector("[data-place^='2/'] .running")
    assert "boxed" not in shown.text("#text")
    assert shown.text("#told") == "being written"
    assert shown.states() == {"done": 2, "being written": 1, "not needed": 5}
    upstream.hold.set()
    shown.ended()
    assert re.fullmatch(r"I think that it is \\boxed\{\d\}\.", shown.text("#text"))
    assert shown.text("#told") == "done"
    assert shown.states() == {"done": 3, "not needed": 5}
    facts = shown.text("#facts")
    assert re.search(r"answer \d · 3 chains, 3 calls · 87 new tokens and [\d,]+ prompt tokens \([\d,]+ cached\)", facts)
    assert facts.endswith("rsa(n=4,k=2,steps=2), seed 5")
    assert shown.text("#status").startswith("Complete: answer ")
    body = shown.sent()
    assert (body["rsa"], body["seed"]) == ({"n": 4, "k": 2, "steps": 2}, 5)
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]
    run = gateway.get(f"/{shown.page.locator('#lineage').get_attribute('href')}").json
    assert [run["status"], run["seed"]] == ["done", 5]


def test_any_chain_can_be_read_with_its_parents(visit, gateway, upstream):
    upstream.finish_reason = lambda body: "length" if len(upstream.requests) == 1 else "stop"
    upstream.trouble = lambda body: Trouble(500) if len(upstream.requests) == 2 else None
    shown = visit(gateway).asked(n="3", k="2", steps="3", seed="4", select="majority").ended()
    page = shown.page
    assert shown.states() == {"done": 7, "cut off": 1, "dead": 1}
    [answering] = [label for label in shown.labels() if label.endswith("it answers")]
    assert answering.startswith("step 3, slot ")
    assert page.locator("#legend").inner_text().count("chain") >= 1
    page.click("[data-place='3/1']")
    record = gateway.get(f"/{page.locator('#lineage').get_attribute('href')}").json
    chain = next(each for each in record["chains"] if (each["step"], each["slot"]) == (3, 1))
    assert shown.text("#chain h3") == "Step 3, slot 1"
    assert shown.text("#chain .text") == chain["text"]
    assert shown.text("#chain dl").split() >= ["Ended", "by", "itself", "(stop)"]
    assert page.locator(".kin-1").get_attribute("d").count("M") == 2
    parents = [text.split()[0] for text in page.locator("#chain .kin").all_inner_texts()]
    assert parents == [f"2/{slot}" for slot in chain["parents"]]
    page.locator("#chain .kin").first.click()
    assert shown.text("#chain h3") == f"Step 2, slot {chain['parents'][0]}"
    assert page.evaluate("document.activeElement.textContent") == shown.text("#chain h3")
    dead = next(each for each in record["chains"] if each["status"] == "dead")
    page.click(f"[data-place='{dead['step']}/{dead['slot']}']")
    assert dead["error"] in shown.text("#chain .problem")


def test_it_is_used_by_keyboard(visit, gateway, upstream):
    page = (shown := visit(gateway)).page
    page.focus("#question")
    page.keyboard.type("What is 6 times 7?")
    page.keyboard.press("Enter")
    page.keyboard.type("Be exact.")
    page.keyboard.press("Control+Enter")
    shown.page.wait_for_selector("#answer:visible")
    shown.ended()
    assert shown.sent()["messages"][-1]["content"] == "What is 6 times 7?\nBe exact."
    page.focus(".chain[tabindex='0']")
    for key, heading in (("ArrowRight", "Step 2, slot 0"), ("ArrowDown", "Step 2, slot 1"), ("End", "Step 2, slot 7")):
        page.keyboard.press(key)
        assert shown.text("#chain h3") == heading
    page.keyboard.press("ArrowDown")
    assert shown.text("#chain h3") == "Step 2, slot 7"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Step 2, slot 7"
    assert page.locator(".chain[tabindex='0']").count() == 1


def test_what_a_model_says_is_text_and_nothing_else(visit, gateway, upstream):
    upstream.reply = lambda body: HOSTILE
    shown = visit(gateway).asked(HOSTILE, system=HOSTILE, n="2", k="1", steps="2", select="majority").ended()
    assert shown.page.locator("#text").evaluate("node => node.textContent") == HOSTILE
    shown.page.click("[data-place='2/0']")
    assert shown.page.locator("#chain .text").evaluate("node => node.textContent") == HOSTILE
    assert shown.page.locator("img, #result b").count() == 0
    assert "<b>42</b>" in shown.text("#legend")


def test_stopping_ends_the_calls_upstream(visit, gateway, upstream):
    upstream.hold = threading.Event()
    shown = visit(gateway).asked(n="2", k="2", steps="2")
    shown.page.wait_for_selector("#text:not(:empty)")
    shown.page.click("#stop")
    assert upstream.left.wait(5)
    shown.ended()
    assert shown.text("#told") == "stopped by you: this text is not complete"
    assert shown.states()["never made"] == 1
    assert shown.text("#status") == "Stopped."
    assert shown.page.evaluate("document.activeElement.id") == "ask"


def test_a_key_is_asked_for_and_kept_out_of_everything(visit, upstream, monkeypatch):
    monkeypatch.setenv("KEYS", "s3cret")
    with running_gateway(upstream.url, keys={"env": "KEYS"}) as gateway:
        shown = visit(gateway, ready=False)
        assert shown.problem().startswith("This server wants an API key. No API key: send it")
        assert shown.page.evaluate("document.activeElement.id") == "key"
        shown.page.keyboard.type("wrong")
        shown.page.keyboard.press("Tab")
        shown.page.locator("#problem", has_text="is wrong").wait_for()
        shown.page.fill("#key", "s3cret")
        shown.asked().ended()
        assert shown.text("#told") == "done"
        assert shown.page.locator("#problem").is_hidden()
        with shown.page.expect_download() as download:
            shown.page.click("#lineage")
        assert json.loads(download.value.path().read_text())["status"] == "done"
        command = shown.copied("#copy-curl")
        assert "Bearer $RSA_API_KEY" in command
        assert not [url for url in [command, *(each.url for each in shown.requests)] if "s3cret" in url]


def test_the_request_as_a_command_gives_the_same_answer(visit, gateway, upstream):
    shown = visit(gateway).asked("What's 6 'times' 7? $(false) `false` \\", seed="3", temperature="0.5").ended()
    command = shown.copied("#copy-curl")
    out = subprocess.run(["bash", "-c", f"{command} -sS"], capture_output=True, text=True, check=True, timeout=60).stdout
    events = [json.loads(line[6:]) for line in out.splitlines() if line.startswith("data: {")]
    said = [choice["delta"].get("content") or "" for event in events for choice in event["choices"]]
    assert "".join(said) == shown.copied("#copy-answer") == shown.page.locator("#text").evaluate("node => node.textContent")


def test_a_full_server_says_when_to_come_back(visit, upstream):
    with running_gateway(upstream.url, limits={"requests": 1, "queue": 0}) as gateway:
        upstream.trouble = lambda body: Trouble(hang=True)
        busy = gateway.connection()
        busy.request(
            "POST", "/v1/chat/completions", json.dumps({"model": "fake", "messages": [{"role": "user", "content": "?"}]})
        )
        until(lambda: upstream.in_flight > 0)
        shown = visit(gateway).asked()
        assert re.search(r"try again later \(in \d+ seconds?\)", shown.problem())
        shown.ended()
        assert shown.text("#told") == "failed"
        busy.close()


@pytest.mark.parametrize(
    ("trouble", "fields", "words"),
    [
        (Trouble(400, '{"error": {"message": "the context window is 5 tokens"}}'), {}, "context window is 5 tokens"),
        (Trouble(500), {}, "every chain of the last population is dead"),
        (None, {"model": "fake:plain"}, "The model server failed"),
        (None, {"budget-tokens": "1"}, "before anything could answer: raise it"),
    ],
    ids=["refused", "all dead", "plain", "budget"],
)
def test_what_goes_wrong_is_told_in_words(visit, gateway, upstream, trouble, fields, words):
    upstream.trouble = lambda body: trouble or Trouble(500)
    shown = visit(gateway).asked(**fields)
    assert words in shown.problem()
    assert shown.ended().text("#told") == "failed"


def test_an_answer_that_breaks_off_is_kept_and_named(visit, gateway, upstream):
    upstream.breaks = True
    shown = visit(gateway).asked(n="2", k="2", steps="2")
    assert "answer broke off" in shown.problem()
    assert shown.ended().text("#told") == "failed: this text is not complete"
    assert shown.text("#text").startswith("I think")
    assert shown.states()["dead"] == 1


def test_a_server_that_is_gone_is_told(visit, upstream):
    with running_gateway(upstream.url) as gateway:
        shown = visit(gateway)
    shown.asked()
    assert shown.problem() == "The server cannot be reached. Is it still running?"
    assert shown.ended().text("#told") == "failed"


def test_what_cannot_be_set_says_why(visit, upstream):
    with running_gateway(upstream.url, maxima={"n": 10, "chains": 20, "max_tokens": 99}) as gateway:
        shown = visit(gateway)
        page = shown.page
        assert [page.locator(f"#{name}").get_attribute("max") for name in ("n", "max_tokens")] == ["10", "99"]
        assert shown.text("#size").startswith("24 chains, and this server allows 20")
        page.select_option("#strategy", "majority")
        assert shown.text("#k-hint") == "majority takes none."
        assert page.locator("#k").is_disabled()
        assert shown.text("#size") == "8 chains."
        page.select_option("#model", "fake:plain")
        assert shown.text("#strategy-hint") == "None without RSA."
        assert page.locator("#n").is_disabled()
        page.select_option("#model", "fake")
        page.select_option("#strategy", "rsa")
        shown.asked(n="3", k="4", steps="2")
        assert (
            page.locator("#k").evaluate("node => node.validationMessage") == "No chain can read 4 of 3: lower k or raise n."
        )
        assert upstream.requests == []
        shown.asked(k="3").ended()
        assert shown.sent()["rsa"] == {"n": 3, "k": 3, "steps": 2, "strategy": "rsa"}


def test_an_answer_whose_run_is_not_kept_is_shown_without_a_graph(visit, upstream):
    with running_gateway(upstream.url, runs={"bytes": 1}) as gateway:
        shown = visit(gateway).asked(n="2", k="2", steps="2").ended()
        assert shown.text("#told") == "done"
        assert shown.page.locator("#populations").is_hidden()


def test_a_plain_reply_has_no_populations(visit, gateway, upstream):
    shown = visit(gateway).asked(model="fake:plain").ended()
    assert "rsa" not in shown.sent()
    assert shown.text("#text").startswith("I think")
    assert shown.page.locator("#populations").is_hidden()
    assert "plain" in shown.text("#facts")


def test_thinking_is_kept_apart_from_the_answer(visit, gateway, upstream):
    upstream.trouble = lambda body: Trouble(body=message("It is 42.", reasoning_content="Let me see."))
    shown = visit(gateway).asked(n="2", k="2", steps="1", select="majority").ended()
    assert shown.text("#text") == "It is 42."
    assert shown.page.locator("#thinking-text").evaluate("node => node.textContent") == "Let me see."


def test_the_largest_populations_stay_readable(visit, gateway, upstream):
    upstream.reply = lambda body: f"{'A long text. ' * 400}\\boxed{{{body['seed'] % 9}}}"
    shown = visit(gateway).asked(n="64", k="16", steps="8", select="majority")
    shown.page.wait_for_selector("#ask:visible", timeout=60_000)
    assert shown.states() == {"done": 512}
    assert re.search(r"answer \d, \d+ of 64 agree · 512 chains, 512 calls", shown.text("#facts"))
    assert "further answer" in shown.text("#legend")
    shown.page.click("[data-place='8/63']")
    assert shown.text("#chain h3") == "Step 8, slot 63"
    assert shown.page.locator(".kin-1").get_attribute("d").count("M") == 16


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(visit, gateway, upstream, scheme):
    options = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "color_scheme": scheme}
    shown = visit(gateway, **options).asked(n="8", k="4", steps="6").ended()
    shown.page.tap("[data-place='6/0']")
    assert shown.page.evaluate("document.documentElement.scrollWidth") == 360
    assert shown.page.locator("#answer").bounding_box()["y"] < 740
