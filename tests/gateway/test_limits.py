"""Who may ask, how many at a time, for how long; and that nothing goes on for a client that is gone."""

import json
import logging
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from rsa.errors import UsageError
from rsa.gateway.asks import understood
from rsa.gateway.config import GatewayConfig, Keys
from rsa.gateway.keys import Guard, read_keys
from rsa.gateway.runs import Run
from rsa.gateway.wire import read_request
from tests.fake_server import Trouble
from tests.gateway.running import QUESTION, SMALL, running_gateway, until

SECOND = 1.0


def leave_in_the_middle(gateway, upstream, body):
    """Ask, and go away when the upstream is at work; how long that took to get there, in seconds."""
    connection = gateway.connection()
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    until(lambda: upstream.in_flight > 0)
    left = time.monotonic()
    connection.close()
    connection.sock = None
    until(lambda: upstream.in_flight == 0)
    return time.monotonic() - left


@pytest.mark.parametrize(
    "body",
    [
        {"model": "fake", "messages": QUESTION, "rsa": {"n": 5, "k": 2, "steps": 3}},
        {"model": "fake", "messages": QUESTION, "rsa": SMALL, "stream": True},
        {"model": "fake:plain", "messages": QUESTION},
        {"model": "fake:plain", "messages": QUESTION, "stream": True},
    ],
    ids=["rsa", "rsa streamed", "plain", "plain streamed"],
)
def test_a_client_that_goes_away_cancels_everything_upstream(gateway, upstream, body):
    upstream.trouble = lambda body: Trouble(hang=True)
    assert leave_in_the_middle(gateway, upstream, body) < SECOND
    sent = len(upstream.requests)
    upstream.trouble = lambda body: None
    until(lambda: "rsa_requests_working 0.0" in gateway.get("/metrics").text)
    assert len(upstream.requests) == sent


def test_a_client_that_goes_away_amid_the_answers_own_tokens(gateway, upstream):
    upstream.hold = threading.Event()
    connection = gateway.connection()
    body = {"model": "fake", "messages": QUESTION, "rsa": SMALL, "stream": True}
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    response = connection.getresponse()
    until(lambda: upstream.streamed)
    response.close()
    connection.close()
    assert upstream.left.wait(SECOND)


def test_a_full_queue_turns_away_with_a_time_to_come_back(upstream):
    upstream.trouble = lambda body: Trouble(hang=True)
    with (
        running_gateway(upstream.url, limits={"requests": 1, "queue": 1}) as gateway,
        ThreadPoolExecutor(1) as pool,
    ):
        first = gateway.connection()
        first.request("POST", "/v1/chat/completions", json.dumps({"model": "fake", "messages": QUESTION}))
        until(lambda: upstream.in_flight > 0)
        second = pool.submit(gateway.chat)
        until(lambda: "rsa_requests_waiting 1.0" in gateway.get("/metrics").text)
        third = gateway.chat()
        assert (third.status, third.json["error"]["code"]) == (429, "queue_full")
        assert 1 <= int(third.headers["retry-after"]) <= 120
        assert gateway.chat(stream=True).status == 429
        upstream.trouble = lambda body: None
        first.close()
        assert second.result().status == 200


def test_the_time_limit_counts_the_time_in_the_queue(upstream):
    upstream.trouble = lambda body: Trouble(hang=True)
    with (
        running_gateway(upstream.url, limits={"requests": 1, "seconds": 0.5}) as gateway,
        ThreadPoolExecutor(4) as pool,
    ):
        statuses = [reply.result().status for reply in [pool.submit(gateway.chat) for _ in range(4)]]
        assert set(statuses) <= {429, 504}
        assert 429 in statuses  # one after the other each would have had its time, and 504


def test_one_key_cannot_take_the_places_of_another(upstream, monkeypatch):
    monkeypatch.setenv("GATEWAY_KEYS", "alpha-key, beta-key")
    upstream.trouble = lambda body: Trouble(hang=True) if "slow" in str(body["messages"]) else None
    slow = {"model": "fake:plain", "messages": [{"role": "user", "content": "slow"}]}
    limits = {"requests": 4, "per_key": 1, "seconds": 1.0}
    with (
        running_gateway(upstream.url, limits=limits, keys={"env": "GATEWAY_KEYS"}) as gateway,
        ThreadPoolExecutor(1) as pool,
    ):
        alpha, beta = {"Authorization": "Bearer alpha-key"}, {"Authorization": "Bearer beta-key"}
        waiting = pool.submit(gateway.request, "POST", "/v1/chat/completions", slow, **alpha)
        until(lambda: upstream.in_flight > 0)
        quick = {"model": "fake", "messages": QUESTION, "rsa": SMALL}
        reply = gateway.request("POST", "/v1/chat/completions", quick, **beta)
        assert reply.status == 200
        assert not waiting.done()
        assert gateway.get(reply.json["rsa"]["lineage"], **beta).status == 200
        assert gateway.get(reply.json["rsa"]["lineage"], **alpha).status == 404
        assert waiting.result().status == 504


def test_only_who_has_a_key_gets_in(upstream, tmp_path, caplog, capfd):
    (tmp_path / "keys").write_text("# ours\nalpha-key\n")
    caplog.set_level(logging.DEBUG)
    with running_gateway(upstream.url, keys={"file": str(tmp_path / "keys")}) as gateway:
        for header in (None, "Bearer wrong", "Bearer ", "alpha-key", "Basic alpha-key", "Bearer alpha-ke\xff"):
            sent = {"Authorization": header} if header else {}
            for path in ("/v1/models", "/v1/rsa/runs/x"):
                assert gateway.get(path, **sent).status == 401
            reply = gateway.request("POST", "/v1/chat/completions", b"{", **sent)
            assert (reply.status, reply.json["error"]["code"]) == (401, "invalid_api_key")
            assert reply.headers["www-authenticate"] == "Bearer"
        assert gateway.get("/v1/models", Authorization="Bearer alpha-key").status == 200
        assert gateway.get("/health").status == 200
    shown = caplog.text + "".join(capfd.readouterr())
    assert "alpha-key" not in shown
    assert "alpha-key" not in repr(Guard(["alpha-key"]).__dict__)


def test_keys_that_are_not_there(monkeypatch, tmp_path):
    monkeypatch.delenv("NO_KEYS", raising=False)
    (tmp_path / "empty").write_text("\n# nothing\n")
    for keys in (Keys(env="NO_KEYS"), Keys(file=str(tmp_path / "empty")), Keys(file=str(tmp_path / "none"))):
        with pytest.raises(UsageError, match=r"NO_KEYS is not set|holds no key|cannot be read"):
            read_keys(keys)


def test_keys_are_read_as_they_are_meant(tmp_path):
    file = tmp_path / "keys"
    file.write_text("\ufeffalpha\n  # a remark\n pass-wört \n", encoding="utf-8")
    keys = read_keys(Keys(file=str(file)))
    assert keys == ["alpha", "pass-wört"]
    as_it_came = "Bearer pass-wört".encode().decode("latin-1")  # a header is bytes
    assert Guard(keys).owner({"authorization": as_it_came}) == "key-2"


def test_runs_are_kept_for_a_time_and_in_a_number(upstream):
    with running_gateway(upstream.url, runs={"number": 2, "seconds": 100}) as gateway:
        paths = [gateway.chat().json["rsa"]["lineage"] for _ in range(3)]
        assert [gateway.get(path).status for path in paths] == [404, 200, 200]
    with running_gateway(upstream.url, runs={"seconds": 1e-9}) as gateway:
        assert gateway.get(gateway.chat().json["rsa"]["lineage"]).status == 404


def test_runs_are_kept_up_to_a_size(upstream):
    upstream.reply = lambda body: "x" * 1000
    with running_gateway(upstream.url, runs={"bytes": 33_000}) as gateway:
        paths = [gateway.chat(rsa={**SMALL, "select": "majority"}).json["rsa"]["lineage"] for _ in range(3)]
        assert [gateway.get(path).status for path in paths] == [404, 200, 200]
        assert "33,000 bytes" in gateway.get(paths[0]).json["error"]["message"]


def test_the_size_of_a_run_is_about_its_memory():
    config = GatewayConfig.model_validate({"upstream": {"base_url": "http://x/v1"}})
    long = {"metadata": {"a": "b" * 1_000_000}, "response_format": {"c": "d" * 1_000_000}}
    for more in (long, {"messages": QUESTION * 1000}, {"rsa": {"n": 64, "k": 16, "steps": 8}}):
        content = json.dumps({"model": "m", "messages": QUESTION, **more}).encode()
        tracemalloc.start()
        run = Run(understood(*read_request(content), config, "m"), "")
        run.end()
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert taken / 3 < run.size < taken * 3


def test_a_run_at_work_is_let_go_when_it_grows_too_large(upstream):
    upstream.reply = lambda body: "x" * 1000
    upstream.hold = threading.Event()
    body = {"model": "fake", "messages": QUESTION, "rsa": {"n": 4, "k": 4, "steps": 2}, "stream": True}
    with running_gateway(upstream.url, runs={"bytes": 3500}) as gateway:
        connection = gateway.connection()
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        response = connection.getresponse()
        until(lambda: upstream.streamed)
        path = f"/v1/rsa/runs/{response.headers['X-RSA-Run']}"
        assert gateway.get(path).status == 404
        upstream.hold.set()
        assert "x" * 1000 in response.read().decode()
        connection.close()
        assert gateway.get(path).status == 404


@pytest.mark.parametrize("page", ["metrics", "health"])
def test_metrics_and_health_need_a_key_where_that_is_asked_for(upstream, monkeypatch, page):
    monkeypatch.setenv("GATEWAY_KEYS", "alpha-key")
    for needed in (False, True):
        with running_gateway(upstream.url, keys={"env": "GATEWAY_KEYS", page: needed}) as gateway:
            assert gateway.get(f"/{page}").status == (401 if needed else 200)
            assert gateway.get(f"/{page}", Authorization="Bearer alpha-key").status == 200
    with running_gateway(upstream.url, keys={page: True}) as gateway:
        assert gateway.get(f"/{page}").status == 200  # there are no keys


def test_pages_of_other_origins_only_where_they_are_named(gateway, upstream):
    asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in gateway.get("/v1/models", **asked).headers
    with running_gateway(upstream.url, cors=["https://page.example"]) as open_gateway:
        reply = open_gateway.request("OPTIONS", "/v1/chat/completions", **asked)
        assert reply.headers["access-control-allow-origin"] == "https://page.example"
        other = open_gateway.get("/v1/models", Origin="https://other.example")
        assert "access-control-allow-origin" not in other.headers


def test_a_page_of_another_origin_cannot_send_what_no_browser_asks_about_first(gateway, upstream):
    body = json.dumps({"model": "fake", "messages": QUESTION}).encode()
    for kind in ({"Content-Type": "text/plain"}, {}):
        reply = gateway.request("POST", "/v1/chat/completions", body, Origin="https://page.example", **kind)
        assert (reply.status, reply.json["error"]["code"]) == (415, "not_json")
    assert upstream.requests == []
    own = {"Origin": f"http://127.0.0.1:{gateway.port}", "Content-Type": "application/json"}
    assert gateway.request("POST", "/v1/chat/completions", body, **own).status == 200
    assert gateway.request("POST", "/v1/chat/completions", body).status == 200


def test_what_is_complete_when_the_time_is_over_answers(upstream):
    upstream.trouble = lambda body: Trouble(hang=True) if len(body["messages"][0]["content"]) > 50 else None
    with running_gateway(upstream.url, limits={"seconds": 0.5}) as gateway:
        told = gateway.chat(rsa={**SMALL, "select": "majority"}).json
    assert told["rsa"]["stopped"] == "the time limit of 0.5 seconds is over"
    assert told["rsa"]["chosen"][0][0] == 1
    assert upstream.in_flight == 0


def test_the_maxima_hold_where_a_request_says_nothing(upstream):
    with running_gateway(upstream.url, maxima={"max_tokens": 50, "calls": 3}) as gateway:
        told = gateway.chat(rsa={**SMALL, "select": "majority"}).json
        assert {body["max_tokens"] for body in upstream.requests} == {50}
        assert len(upstream.requests) == 3
        assert "calls" in told["rsa"]["stopped"]
        gateway.chat({"model": "fake:plain", "messages": QUESTION})
        assert upstream.requests[-1]["max_tokens"] == 50
        assert gateway.chat({"model": "fake:plain", "messages": QUESTION, "n": 65}).json["error"]["param"] == "n"
        for fields, param in (({"max_tokens": 51}, "max_tokens"), ({"rsa": {"budget": {"calls": 4}}}, "rsa.budget.calls")):
            assert gateway.chat(**fields).json["error"]["param"] == param


def test_after_the_budgets_seconds_nothing_waits_to_be_sent(upstream):
    upstream.trouble = lambda body: Trouble(hang=True)
    with (
        running_gateway(upstream.url, upstream={"max_concurrency": 1}, limits={"seconds": 1.5}) as gateway,
        ThreadPoolExecutor(1) as pool,
    ):
        before = pool.submit(gateway.chat)
        until(lambda: upstream.in_flight > 0)
        reply = gateway.chat(rsa={**SMALL, "budget": {"seconds": 0.1}})
        assert not before.done()
    assert len(upstream.requests) == 1
    assert (reply.status, reply.json["error"]["code"]) == (504, "time_limit")
    assert "0.1 seconds are over" in reply.json["error"]["message"]
