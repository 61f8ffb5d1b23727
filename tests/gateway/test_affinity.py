"""All calls of one step of a request have the header by which a router keeps them on one of several servers."""

from tests.gateway.running import SMALL, running_gateway


def sessions(upstream):
    found = {headers.get("X-Session-ID") for headers in upstream.headers}
    upstream.headers.clear()
    return found


def test_each_step_of_each_request_has_its_own(gateway, upstream):
    gateway.chat(stream=True)
    gateway.chat(stream=True)
    assert len(sessions(upstream)) == 2 * SMALL["steps"]
    gateway.chat(rsa={**SMALL, "seed": 1})
    assert len(sessions(upstream)) == SMALL["steps"]


def test_none_is_sent_where_that_is_configured(upstream):
    with running_gateway(upstream.url, upstream={"affinity_header": None}) as gateway:
        gateway.chat()
    assert sessions(upstream) == {None}
