"""Comparisons through the real command line against the fake server."""

import json
import signal
from typing import Any

import pytest
import yaml

from tests.evaluation.runs import PROBLEMS, begin, chains, wait_for

STRATEGIES = ("majority(n=6)", "rejection(n=3)", "self_refine(steps=3,n=2)", "rsa(n=4,k=2,steps=3)", "rsa(n=4,k=2,steps=2)")
DISTINCT = 6 + 3 + 4 + 8  # chains a problem: samples, judgements, refinements, aggregations of the longer RSA
CHARGED = 6 + 6 + 6 + 12 + 8


@pytest.fixture
def start(server, tmp_path):
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PROBLEMS))
    named = [part for strategy in STRATEGIES for part in ("--strategy", strategy)]
    return ("compare", "--data", "data.jsonl", "--base-url", server.url, *named)


def comparison(folder) -> dict[str, Any]:
    return json.loads((folder / "comparison.json").read_text())


def timeless(folder) -> str:
    """The comparison without what depends on the clock."""
    content = comparison(folder)
    for curve in content["curves"]:
        for point in curve["points"]:
            del point["cost"]["seconds"]
    return json.dumps(content)


def test_no_chain_is_generated_twice_and_every_strategy_is_charged_in_full(start, server, rsa_eval, tmp_path):
    done = rsa_eval(*start, "--out", "c")
    assert done.returncode == 0, done.stderr
    asked = [(json.dumps(body["messages"]), body["seed"]) for body in server.requests]
    assert len(set(asked)) == len(asked) == DISTINCT * len(PROBLEMS)
    folder = tmp_path / "c"
    found = comparison(folder)
    assert [run["chains"] for run in found["runs"]] == [count * len(PROBLEMS) for count in (6, 6, 6, 12, 8)]
    assert found["saved"]["chains"] == (CHARGED - DISTINCT) * len(PROBLEMS)
    ends = {curve["name"]: curve["points"][-1]["cost"] for curve in found["curves"]}
    assert {name: cost["generations"] for name, cost in ends.items()} == dict(zip(STRATEGIES, (6, 6, 3, 12, 8), strict=True))
    samples = [chains(folder / run["directory"])["p1", 0, 1, 0] for run in found["runs"]]
    assert len({(sample["text"], sample["seed"], sample["prompt_sha256"]) for sample in samples}) == 1
    assert [sample.get("origin") for sample in samples] == [None, *["majority(n=6)"] * 4]
    assert "saved" in done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines())


def test_a_finished_comparison_generates_nothing_and_takes_further_strategies(start, server, rsa_eval, tmp_path):
    assert rsa_eval(*start, "--out", "c").returncode == 0
    first = timeless(tmp_path / "c")
    asked = len(server.requests)
    assert rsa_eval("resume", "c").returncode == 0
    assert (len(server.requests), timeless(tmp_path / "c")) == (asked, first)
    done = rsa_eval(*start, "--strategy", "majority(n=8)", "--out", "c", "--json")
    assert len(server.requests) == asked + 2 * len(PROBLEMS)
    assert len(json.loads(done.stdout)["comparison"]["curves"]) == len(STRATEGIES) + 1


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_a_comparison_that_was_stopped_goes_on_to_the_same_end(start, server, rsa_eval, tmp_path, blow):
    assert rsa_eval(*start, "--out", "whole").returncode == 0
    before = len(server.requests)
    stopped = begin([*start, "--out", "cut", "--max-concurrency", "2", "--concurrency", "fixed"], tmp_path)
    wait_for(lambda: len(server.requests) > before + 40)
    stopped.send_signal(blow)
    _, errors = stopped.communicate(timeout=60)
    if blow == signal.SIGINT:
        assert stopped.returncode == 3
        assert "rsa-eval resume cut" in errors
    assert rsa_eval("resume", "cut").returncode == 0
    assert timeless(tmp_path / "cut") == timeless(tmp_path / "whole")


def test_runs_that_are_there_are_compared_without_a_server(start, rsa_eval, tmp_path, server):
    base = ("--data", "data.jsonl", "--base-url", server.url)
    assert rsa_eval("run", *base, "--strategy", "majority", "--n", "4", "--out", "a").returncode == 0
    assert rsa_eval("run", *base, "--n", "3", "--k", "2", "--steps", "2", "--seed", "5", "--out", "b").returncode == 0
    asked = len(server.requests)
    prices = ("--set", "prices.prompt=1", "--set", "prices.completion=2")
    done = rsa_eval("compare", "a", "b", "--match", "price", *prices, "--out", "both", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == comparison(tmp_path / "both")
    assert (found["match"], found["reference"], len(server.requests)) == ("price", "rsa(n=3,k=2,steps=2)", asked)
    assert any("seed (" in remark for remark in found["remarks"])
    assert (tmp_path / "both" / "report.html").is_file()


def test_a_sweep_runs_every_combination_that_there_is(server, rsa_eval, tmp_path, start):
    base = ("--data", "data.jsonl", "--base-url", server.url, "--set", "strategy.steps=2")
    done = rsa_eval("compare", *base, "--sweep", "k=1,2,3", "--sweep", "n=2,4", "--out", "s")
    assert done.returncode == 0, done.stderr
    assert "left out: k=3 n=2" in done.stderr
    found = {curve["name"] for curve in comparison(tmp_path / "s")["curves"]}
    assert found == {f"rsa(n={n},k={k},steps=2)" for n, k in ((2, 1), (4, 1), (2, 2), (4, 2), (4, 3))}
    other = rsa_eval("compare", *base[:4], "--sweep", "temperature=0.5,1.0", "--out", "t", "--set", "strategy=sample")
    assert other.returncode == 0, other.stderr
    content = comparison(tmp_path / "t")
    assert [curve["name"] for curve in content["curves"]] == ["sample temperature=0.5", "sample temperature=1.0"]
    assert content["saved"]["chains"] == 0, "samples at another temperature are others"


def test_a_budget_ends_a_comparison_and_more_of_it_goes_on(start, rsa_eval, tmp_path):
    done = rsa_eval(*start, "--out", "c", "--budget-calls", "10")
    assert done.returncode == 3
    assert "rsa-eval resume c" in done.stderr
    assert "not whole" in done.stdout
    assert comparison(tmp_path / "c")["runs"][0]["complete"] is False
    assert rsa_eval("resume", "c", "--set", "budget.calls=null").returncode == 0
    assert all(run["complete"] for run in comparison(tmp_path / "c")["runs"])


def test_a_file_says_what_to_compare(server, rsa_eval, tmp_path, start):
    content = {
        "task": {"data": "data.jsonl"},
        "endpoint": {"base_url": server.url},
        "strategies": ["sample", {"name": "rsa", "n": 3, "k": 2, "steps": 2}],
        "match": "depth",
        "votes": True,
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(content))
    done = rsa_eval("compare", "c.yaml", "--out", "c")
    assert done.returncode == 0, done.stderr
    found = comparison(tmp_path / "c")
    assert (found["match"], [row["name"] for row in found["table"]]) == (
        "depth",
        ["sample", "rsa(n=3,k=2,steps=2)", "rsa(n=3,k=2,steps=2) + vote"],
    )
    run = rsa_eval("run", "c.yaml")
    assert (run.returncode, "rsa-eval compare c.yaml" in run.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to compare"),
        (("--strategy", "rsa(n=2,k=4)"), "k=4 candidates cannot be drawn"),
        (("--strategy", "majorty(n=4)"), "did you mean 'majority'"),
        (("--strategy", "majority(m=4)"), "unknown key"),
        (("--strategy", "sample", "--strategy", "sample"), "sample is there twice"),
        (("--strategy", "sample", "--match", "token"), "match"),
        (("--sweep", "k"), "not of the form key=value,value"),
        (("--sweep", "m=1,2"), "unknown key 'm'"),
        (("--sweep", "k=9", "--set", "strategy.n=4"), "cannot be drawn"),
        (("--strategy", "sample", "--set", "strategy.n=4"), "strategy.n is not used beside --strategy"),
        (("--strategy", "rsa(n=4,k=2,step=3)"), "did you mean 'steps'"),
    ],
)
def test_what_cannot_be_compared_is_told_before_anything_is_sent(start, server, rsa_eval, tmp_path, arguments, message):
    done = rsa_eval(*start[:5], *arguments, "--out", "c")
    assert (done.returncode, server.requests) == (2, [])
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "c").exists()


def test_directories_that_do_not_belong_together_are_told(start, server, rsa_eval, tmp_path):
    base = ("--data", "data.jsonl", "--base-url", server.url, "--strategy", "sample")
    assert rsa_eval("run", *base, "--out", "all").returncode == 0
    assert rsa_eval("run", *base, "--limit", "2", "--out", "some").returncode == 0
    (tmp_path / "other").mkdir()
    for arguments, message in (
        (("all", "some"), "only in the first: p2, p3"),
        (("all", "other"), "not a run directory"),
        (("all", "nowhere"), "nowhere is no run directory"),
        (("all", "--match", "price"), "give prices"),
        (("all", "--reference", "smple"), "did you mean 'sample'"),
        (("all", "--limit", "2"), "cannot be chosen for runs that are there"),
        (("all", "--out", "other/../some"), "not a comparison and not empty"),
    ):
        done = rsa_eval("compare", *arguments)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        assert message in done.stderr


def test_a_plan_counts_what_is_shared_once_and_sends_nothing(start, rsa_eval, server, tmp_path):
    planned = json.loads(rsa_eval(*start, "--out", "c", "--plan", "--json").stdout)
    assert (server.requests, (tmp_path / "c").exists()) == ([], False)
    assert planned["calls"] == DISTINCT * len(PROBLEMS)
    assert [run["calls"] for run in planned["runs"]] == [count * len(PROBLEMS) for count in (6, 6, 6, 12, 8)]
    told = rsa_eval(*start, "--plan").stdout
    assert f"{DISTINCT * len(PROBLEMS)} calls in all" in told


def test_nothing_is_left_of_a_comparison_that_never_started(start, rsa_eval, tmp_path, server):
    done = rsa_eval(*start[:3], "--base-url", "http://127.0.0.1:9/v1", *start[5:], "--out", "c")
    assert done.returncode == 2, done.stderr
    assert not (tmp_path / "c").exists()
