"""The page at `/` to try it: one HTML response with its style and script inside, which fetches nothing but this server."""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rsa.compaction import COMPACTIONS
from rsa.gateway.asks import usual_values
from rsa.gateway.config import GatewayConfig
from rsa.kinds import KINDS
from rsa.strategies import STRATEGIES

__all__ = ["offer", "trial_page"]

_ASSETS = Path(__file__).with_name("assets")
_SCRIPTS = (
    "dom.js",
    "server.js",
    "form.js",
    "curl.js",
    "shades.js",
    "graph.js",
    "run.js",
    "chain.js",
    "answer.js",
    "main.js",
)
"""In this order they are one script."""


def trial_page() -> Callable[[Request], Awaitable[Response]]:
    """The page, read once. It needs no key and holds nothing of the configuration; what its script fetches needs one."""
    style = _asset("page.css")
    script = "".join(map(_asset, _SCRIPTS))
    html = _asset("page.html").replace("/* style */", style, 1).replace("/* script */", script, 1)
    headers = {
        "Content-Security-Policy": _policy(style, script),
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    async def page(_: Request) -> Response:
        return HTMLResponse(html, headers=headers)

    return page


def offer(config: GatewayConfig) -> dict[str, Any]:
    """What a request's `rsa` object may say here, as `/v1/rsa/offer` gives it.

    `strategies` are the parameters that each takes, with the values that hold where a request gives none, `maxima` what it
    may ask for at most (null: no bound).
    """
    return {
        "object": "rsa.offer",
        "strategies": {
            name: {
                "parameters": usual_values(name, config),
                "select": config.defaults.select or strategy.select,
            }
            for name, strategy in STRATEGIES.items()
        },
        "kinds": list(KINDS),
        "compactions": list(COMPACTIONS),
        "defaults": config.defaults.model_dump(
            include={"strategy", "kind", "compaction", "temperature", "top_p", "max_tokens"}
        ),
        "maxima": config.maxima.model_dump(),
    }


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """The page runs this script and no other, and no text can become markup (`require-trusted-types-for`)."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {_hash(style)}",
            f"script-src {_hash(script)}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ]
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
