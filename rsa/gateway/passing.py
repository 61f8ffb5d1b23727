"""Requests that go to the model server as they are: without RSA, but with its retries, and counted like all others."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from rsa.endpoint import Client
from rsa.endpoint.faults import read_usage
from rsa.errors import CallFailed
from rsa.gateway.asks import PassedOn
from rsa.gateway.meters import Meters

__all__ = ["Passing"]

_END = "[DONE]"


class Passing:
    """Passes one request on. Whatever the reply holds is passed back; only the usage in it is read."""

    def __init__(self, task: PassedOn, client: Client, meters: Meters) -> None:
        self.task = task
        self._client = client
        self._meters = meters

    async def whole(self) -> str:
        """The reply. Raises what `Client.pass_on` does."""
        text = await self._sent(self.task.body)
        self._meters.used(read_usage(_object(text).get("usage")))
        return text

    async def streamed(self, tell: Callable[[str], None]) -> None:
        """Tells the data of each event. Raises what `Client.pass_on` does; once something was told nothing is sent again.

        The usage is asked for in any case, and kept from a client that did not.
        """
        asked = self.task.body.get("stream_options")
        options = dict(asked) if isinstance(asked, Mapping) else {}
        wanted, usage = bool(options.get("include_usage")), None

        def hear(data: str) -> None:
            nonlocal usage
            event = _object(data) if '"usage"' in data else {}
            usage = event.get("usage") or usage  # where each event has one, the last is that of all
            if data != _END and (wanted or not event.get("usage") or event.get("choices")):
                tell(data)

        try:
            await self._sent({**self.task.body, "stream_options": {**options, "include_usage": True}}, hear)
        finally:
            self._meters.used(read_usage(usage))

    async def _sent(self, body: Mapping[str, Any], hear: Callable[[str], None] | None = None) -> str:
        try:
            reply = await self._client.pass_on(body, hear, self.task.session)
        except CallFailed as error:
            self._meters.calls.inc(error.attempts)
            raise
        self._meters.calls.inc(reply.attempts)
        return reply.text


def _object(text: str) -> Mapping[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
