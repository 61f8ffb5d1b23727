"""The page at `/`, open in a browser."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.gateway.running import Gateway

__all__ = ["Visit", "visiting"]

_TOLD_BY_STATUS = re.compile(r"Failed to load resource: .*(status of [45]\d\d|ERR_CONNECTION_REFUSED)")


@dataclass
class Visit:
    """A page that is open. It may complain of statuses that the test provokes, and of nothing else."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)

    def note(self, request: Any) -> None:
        self.requests.append(request)

    def asked(self, question: str = "What is 6 times 7?", **fields: str) -> "Visit":
        """With a question typed and sent; fields are filled by their id."""
        self.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        self.page.fill("#question", question)
        for name, value in fields.items():
            node = self.page.locator(f"#{name}")
            (node.select_option if node.evaluate("node => node.tagName") == "SELECT" else node.fill)(value)
        self.page.click("#ask")
        return self

    def ended(self) -> "Visit":
        self.page.wait_for_selector("#ask:visible")
        return self

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def problem(self) -> str:
        self.page.wait_for_selector("#problem:visible")
        return self.text("#problem")

    def labels(self) -> list[str]:
        """What the chains of the graph are called."""
        return self.page.locator(".chain").evaluate_all("nodes => nodes.map(node => node.getAttribute('aria-label'))")

    def states(self) -> Counter[str]:
        """How many chains of the graph are in which state."""
        return Counter(label.split(", ")[2] for label in self.labels())

    def sent(self) -> Any:
        """The body of the one question that was asked."""
        [body] = [request.post_data_json for request in self.requests if request.method == "POST"]
        return body

    def copied(self, button: str) -> str:
        """What is in the clipboard after a click."""
        self.page.click(button)
        self.page.locator(button, has_text="Copied").wait_for()
        return self.page.evaluate("navigator.clipboard.readText()")


@contextmanager
def visiting(browser: Any) -> Iterator[Callable[..., Visit]]:
    """Opens the page of a gateway; in the end nothing may have been complained of, asked of others, or stored."""
    with ExitStack() as stack:
        visits = []

        def opened(gateway: Gateway, ready: bool = True, **options: Any) -> Visit:
            context = browser.new_context(**{"permissions": ["clipboard-read", "clipboard-write"], **options})
            stack.callback(context.close)
            context.set_default_timeout(15_000)
            found = Visit(context.new_page())
            visits.append((found, gateway))
            found.page.on("console", lambda said: found.complaints.append(f"{said.type}: {said.text}"))
            found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
            found.page.on("request", found.note)
            found.page.goto(f"http://127.0.0.1:{gateway.port}/")
            if ready:
                found.page.locator("#model option").first.wait_for(state="attached")
            return found

        yield opened
        for found, gateway in visits:
            assert [said for said in found.complaints if not _TOLD_BY_STATUS.search(said)] == []
            addresses = [request.url for request in found.requests if not request.url.startswith(("data:", "blob:"))]
            assert all(url.startswith(f"http://127.0.0.1:{gateway.port}/") for url in addresses)
            assert found.page.evaluate("window.broken") is None
            assert found.page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0
