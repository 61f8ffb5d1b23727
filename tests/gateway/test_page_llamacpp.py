"""The page in front of a real model."""

import pytest

from rsa.serving import LlamaCpp
from tests.browser import chromium
from tests.gateway.running import running_gateway
from tests.gateway.visiting import visiting
from tests.integration.serving import running_server

pytestmark = [pytest.mark.llamacpp, pytest.mark.timeout(200)]


def test_a_real_model_answers_on_the_page(tmp_path):
    with (
        running_server(LlamaCpp(context=2048, threads=1), tmp_path) as url,
        running_gateway(url, defaults={"n": 3, "k": 2, "steps": 2, "max_tokens": 24, "kind": "number"}) as gateway,
        chromium() as browser,
        visiting(browser) as opened,
    ):
        shown = opened(gateway)
        shown.asked("What is 3 times 4?", select="majority", seed="1", temperature="0.5")
        shown.page.wait_for_selector("#ask:visible", timeout=60_000)
        assert shown.text("#told") in ("done", "cut off at the token limit")
        assert sum(shown.states().values()) == 6
        assert "6 chains, 6 calls" in shown.text("#facts")
        shown.page.click("[data-place='2/0']")
        assert shown.text("#chain .text").strip()
        assert "24 new tokens" in shown.text("#chain dl") or "(stop)" in shown.text("#chain dl")
