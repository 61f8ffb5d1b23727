"""Whole runs through the real command line against the fake server: resuming, killing, failing."""

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from evals.store import read_log
from tests.fake_server import FakeServer, Trouble, boxed_digit

PROBLEMS = [{"id": f"p{number}", "question": f"Question {number}?", "answer": str(number % 3)} for number in range(4)]
PLANNED = 4 * 4 * 3


@pytest.fixture
def start(server, tmp_path):
    """The arguments of a run on four problems, N=4 K=2 T=3."""
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PROBLEMS))
    return ("run", "--data", "data.jsonl", "--base-url", server.url, "--n", "4", "--k", "2", "--steps", "3")


def chains(directory: Path) -> dict[tuple, dict]:
    found = [record for _, _, record in read_log(directory / "chains.jsonl")]
    by_place = {(record["problem"], record["repeat"], record["step"], record["slot"]): record for record in found}
    assert len(by_place) == len(found), "a recorded chain was generated twice"
    return by_place


def timeless(directory: Path) -> str:
    def strip(value):
        if isinstance(value, dict):
            return {name: strip(each) for name, each in value.items() if name != "seconds"}
        return [strip(each) for each in value] if isinstance(value, list) else value

    return json.dumps(strip(json.loads((directory / "summary.json").read_text())))


def identity(directory: Path) -> dict[tuple, tuple]:
    return {
        place: (tuple(record["parents"]), record["seed"], record["prompt_sha256"], record["text"])
        for place, record in chains(directory).items()
    }


def test_a_run_leaves_the_whole_directory(server, start, rsa_eval, tmp_path):
    done = rsa_eval(*start, "--out", "run")
    assert done.returncode == 0, done.stderr
    assert "Run directory: run" in done.stdout
    assert "step 3: 16/16" in done.stderr
    run = tmp_path / "run"
    assert {path.name for path in run.iterdir()} == {
        "run.yaml",
        "run.lock",
        "problems.jsonl",
        "prompts",
        "chains.jsonl",
        "verdicts.jsonl",
        "summary.json",
        "report.html",
    }
    assert len(chains(run)) == len(server.requests) == PLANNED
    recorded = yaml.safe_load((run / "run.yaml").read_text())
    assert recorded["format"] == 1
    assert recorded["config"]["sampling"]["max_tokens"] == 8192
    assert recorded["config"]["strategy"] == {"name": "rsa", "n": 4, "k": 2, "steps": 3}
    assert recorded["provenance"]["served_models"] == [{"id": "fake", "context": 100_000, "owned_by": ""}]
    assert recorded["provenance"]["dataset"]["problems"] == 4
    steps = json.loads((run / "summary.json").read_text())["strategies"]["rsa(n=4,k=2,steps=3)"]["steps"]
    assert [(step["step"], step["problems"], step["chains"], step["calls"]) for step in steps] == [
        (1, 4, 16, 16),
        (2, 4, 16, 16),
        (3, 4, 16, 16),
    ]
    page = (run / "report.html").read_text()
    assert "rsa(n=4,k=2,steps=3)" in page
    assert "<script" not in page


def test_verdicts_agree_with_the_texts(start, rsa_eval, tmp_path):
    assert rsa_eval(*start, "--out", "run").returncode == 0
    gold = {row["id"]: row["answer"] for row in PROBLEMS}
    verdicts = [record for _, _, record in read_log(tmp_path / "run" / "verdicts.jsonl")]
    texts = chains(tmp_path / "run")
    assert len(verdicts) == PLANNED
    for record in verdicts:
        text = texts[record["problem"], record["repeat"], record["step"], record["slot"]]["text"]
        assert record["solved"] == (f"\\boxed{{{gold[record['problem']]}}}" in text)


def test_json_is_one_object_on_stdout_and_nothing_else(start, rsa_eval):
    done = rsa_eval(*start, "--out", "run", "--json")
    content = json.loads(done.stdout)
    assert (content["run"], content["state"], content["problem"]) == ("run", "done", None)
    assert done.stderr == ""


def test_the_same_run_again_generates_nothing(server, start, rsa_eval):
    assert rsa_eval(*start, "--out", "run").returncode == 0
    before = len(server.requests)
    again = rsa_eval(*start, "--out", "run", "--max-concurrency", "2")
    assert (again.returncode, len(server.requests)) == (0, before)
    resumed = rsa_eval("resume", "run")
    assert (resumed.returncode, len(server.requests)) == (0, before)


def test_another_configuration_in_the_same_folder_is_refused_with_what_differs(server, start, rsa_eval, tmp_path):
    assert rsa_eval(*start, "--out", "run").returncode == 0
    content = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    other = rsa_eval(*start, "--out", "run", "--seed", "5", "--temperature", "0.5")
    assert other.returncode == 2
    assert "seed: 0 there, 5 here" in other.stderr
    assert "sampling.temperature: 1.0 there, 0.5 here" in other.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == content


def test_concurrency_and_order_do_not_change_what_is_generated(start, rsa_eval, tmp_path):
    for name, limit in (("one", "1"), ("many", "64")):
        assert rsa_eval(*start, "--out", name, "--max-concurrency", limit).returncode == 0
    assert identity(tmp_path / "one") == identity(tmp_path / "many")
    assert timeless(tmp_path / "one") == timeless(tmp_path / "many")


def test_strategies_share_their_first_samples(start, rsa_eval, tmp_path):
    assert rsa_eval(*start, "--out", "ours").returncode == 0
    majority = [*start[: start.index("--n")], "--strategy", "majority", "--n", "6"]
    assert rsa_eval(*majority, "--out", "majority").returncode == 0
    rsa, other = identity(tmp_path / "ours"), identity(tmp_path / "majority")
    shared = [place for place in rsa if place[2] == 1]
    assert len(shared) == 16
    assert all(rsa[place] == other[place] for place in shared)


def test_any_text_in_the_configuration_survives(start, rsa_eval):
    strange = 'sampling.system="next line \\x85 and \\u2028, Ω"'
    assert rsa_eval(*start, "--out", "run", "--set", strange).returncode == 0
    assert rsa_eval("score", "run").returncode == 0


def test_repeats_are_different_draws(start, rsa_eval, tmp_path):
    assert rsa_eval(*start, "--out", "run", "--repeats", "2").returncode == 0
    found = identity(tmp_path / "run")
    assert len(found) == 2 * PLANNED
    assert {found["p0", 0, 1, slot][1] for slot in range(4)}.isdisjoint(found["p0", 1, 1, slot][1] for slot in range(4))


def begin(arguments, folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "evals", *arguments],
        cwd=folder,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline


@pytest.mark.parametrize("after", [1, 7, 20, 40])
def test_killed_and_resumed_ends_as_if_never_cut(server, start, rsa_eval, tmp_path, after):
    assert rsa_eval(*start, "--out", "whole").returncode == 0
    seen = len(server.requests)
    server.trouble = lambda body: Trouble(hang=True) if len(server.requests) - seen > after else None
    with begin([*start, "--out", "cut", "--max-concurrency", "3"], tmp_path) as running:
        server.hanging.wait(60)
        running.send_signal(signal.SIGKILL)
    with (tmp_path / "cut" / "chains.jsonl").open("ab") as log:
        log.write(b'{"problem": "p0", "torn')
    server.trouble = lambda body: None
    resumed = rsa_eval("resume", "cut")
    assert resumed.returncode == 0, resumed.stderr
    assert identity(tmp_path / "cut") == identity(tmp_path / "whole")
    assert timeless(tmp_path / "cut") == timeless(tmp_path / "whole")


def test_ctrl_c_once_finishes_what_is_in_flight_and_prints_the_resume_command(server, start, rsa_eval, tmp_path):
    release = []
    server.reply = lambda body: boxed_digit(body) if release else wait_and_answer(body)

    def wait_and_answer(body):
        server.hanging.set()
        wait_for(lambda: release)
        return boxed_digit(body)

    with begin([*start, "--out", "run", "--max-concurrency", "1"], tmp_path) as running:
        server.hanging.wait(60)
        running.send_signal(signal.SIGINT)
        wait_for(lambda: "Stopping: waiting for the chains in flight" in running.stderr.readline())
        release.append(True)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 3
    assert "Resume with: rsa-eval resume run" in errors
    assert len(chains(tmp_path / "run")) == 1
    assert rsa_eval("resume", "run").returncode == 0
    assert len(chains(tmp_path / "run")) == len(server.requests) == PLANNED


@pytest.mark.parametrize("signals", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM,)], ids=["ctrl-c twice", "sigterm"])
def test_stopping_at_once_leaves_no_request_behind(server, start, rsa_eval, tmp_path, signals):
    server.trouble = lambda body: Trouble(hang=True) if len(server.requests) > 6 else None
    with begin([*start, "--out", "run", "--max-concurrency", "3"], tmp_path) as running:
        server.hanging.wait(60)
        for number in signals:
            running.send_signal(number)
            if len(signals) > 1 and number is signals[0]:
                wait_for(lambda: "Stopping" in running.stderr.readline())
                signals = signals[1:]
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 3, errors
    assert "Resume with: rsa-eval resume run" in errors
    wait_for(lambda: server.in_flight == 0)
    server.trouble = lambda body: None
    assert rsa_eval("resume", "run").returncode == 0
    assert len(chains(tmp_path / "run")) == PLANNED


def test_a_verdict_that_a_crash_swallowed_is_made_up_for(start, rsa_eval, tmp_path):
    assert rsa_eval(*start, "--out", "run").returncode == 0
    expected = timeless(tmp_path / "run")
    verdicts = tmp_path / "run" / "verdicts.jsonl"
    verdicts.write_bytes(b"".join(verdicts.read_bytes().splitlines(keepends=True)[:5]))
    (tmp_path / "run" / "summary.json").unlink()
    assert rsa_eval("resume", "run").returncode == 0
    assert timeless(tmp_path / "run") == expected


def test_dead_chains_are_replaced_counted_apart_and_make_the_run_incomplete(server, start, rsa_eval, tmp_path):
    def unlucky(body):
        return Trouble(500, "boom") if body["seed"] % 5 == 0 else None

    server.trouble = unlucky
    done = rsa_eval(*start, "--out", "run", "--set", "endpoint.retries=0")
    found = chains(tmp_path / "run")
    dead = {place for place, record in found.items() if record["status"] == "dead"}
    assert dead
    assert done.returncode == 3
    assert f"{len(dead)} of {PLANNED} chains are dead, more than max_dead=0.05 allows" in done.stderr
    for (problem, repeat, step, _), record in found.items():
        assert not {(problem, repeat, step - 1, parent) for parent in record["parents"]} & dead
        assert len(record["parents"]) == (0 if step == 1 else 2)
    verdicts = {
        (record["problem"], record["repeat"], record["step"], record["slot"])
        for _, _, record in read_log(tmp_path / "run" / "verdicts.jsonl")
    }
    assert verdicts == set(found) - dead
    assert "HTTP 500: boom" in found[next(iter(dead))]["error"]


def test_a_refusal_in_mid_run_ends_it_with_one_message(server, start, rsa_eval, tmp_path):
    server.trouble = lambda body: Trouble(401, '{"error": {"message": "key revoked"}}') if len(server.requests) > 9 else None
    done = rsa_eval(*start, "--out", "run", "--max-concurrency", "2")
    assert done.returncode == 1
    assert done.stderr.count("key revoked") == 1
    assert len(server.requests) < 14
    server.trouble = lambda body: None
    assert rsa_eval("resume", "run").returncode == 0


def test_a_server_that_goes_away_ends_the_run_resumable(start, rsa_eval, tmp_path):
    with FakeServer() as dying:
        arguments = [dying.url if part.startswith("http") else part for part in start]
        dying.trouble = lambda body: Trouble(hang=True) if len(dying.requests) > 9 else None
        running = begin([*arguments, "--out", "run", "--set", "endpoint.patience=0.5"], tmp_path)
        dying.hanging.wait(60)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 3
    assert "no connection for 0.5 s: is the server running?" in errors
    assert all(record["status"] == "ok" for record in chains(tmp_path / "run").values())
    with FakeServer() as revived:
        assert rsa_eval("resume", "run", "--base-url", revived.url).returncode == 0
    assert len(chains(tmp_path / "run")) == PLANNED


def test_resuming_may_change_how_but_not_which(server, start, rsa_eval, tmp_path):
    assert rsa_eval(*start, "--out", "run").returncode == 0
    for key in ("seed=1", "strategy.n=8", "sampling.temperature=0.1", "endpoint.model=other", "prompts=brief"):
        refused = rsa_eval("resume", "run", "--set", key)
        assert (refused.returncode, "cannot be resumed with another" in refused.stderr) == (2, True)
    server.models = ("another",)
    lines = (tmp_path / "run" / "chains.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "run" / "chains.jsonl").write_bytes(b"".join(lines[:3]))
    other = rsa_eval("resume", "run")
    assert other.returncode == 2
    assert "serves no model 'fake'" in other.stderr


def test_prompts_are_frozen_with_the_run(server, start, rsa_eval, tmp_path):
    preset = tmp_path / "mine"
    preset.mkdir()
    (preset / "aggregate.j2").write_text("{{ question }} {{ candidates }}")
    arguments = [*start, "--out", "run", "--set", "prompts=mine"]
    assert rsa_eval(*arguments).returncode == 0
    (preset / "aggregate.j2").write_text("{{ question }}")
    assert rsa_eval("resume", "run").returncode == rsa_eval("score", "run").returncode == 0
    changed = rsa_eval(*arguments)
    assert changed.returncode == 2
    assert "prompts (SHA-256)" in changed.stderr


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("run.yaml", "seed: 0", "seed: 1"),
        ("run.yaml", "n: 4", "n: 5"),
        ("prompts/aggregate.j2", "Study", "Read"),
        ("problems.jsonl", "Question 0", "Question 9"),
        ("run.yaml", "model: fake", "model: [fake"),
    ],
)
def test_an_edited_run_is_not_taken_for_the_one_that_was_started(start, rsa_eval, tmp_path, name, old, new):
    assert rsa_eval(*start, "--out", "run").returncode == 0
    path = tmp_path / "run" / name
    path.write_text(path.read_text().replace(old, new))
    for command in ("resume", "score"):
        done = rsa_eval(command, "run")
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("chains.jsonl", '{"problem": "unknown"}'),
        ("verdicts.jsonl", "{}"),
        ("chains.jsonl", "[]"),
        ("verdicts.jsonl", "no json"),
    ],
)
def test_a_damaged_log_is_told_not_passed_over(start, rsa_eval, tmp_path, name, line):
    assert rsa_eval(*start, "--out", "run").returncode == 0
    path = tmp_path / "run" / name
    path.write_text(line + "\n" + path.read_text())
    done = rsa_eval("resume", "run")
    assert done.returncode == 2, done.stderr
    assert f"{name}" in done.stderr
    assert "Traceback" not in done.stderr


def test_score_without_chains_overwrites_nothing(start, rsa_eval, tmp_path):
    assert rsa_eval(*start, "--out", "run").returncode == 0
    summary = (tmp_path / "run" / "summary.json").read_bytes()
    (tmp_path / "run" / "chains.jsonl").unlink()
    done = rsa_eval("score", "run")
    assert (done.returncode, "there is nothing to score" in done.stderr) == (2, True)
    assert (tmp_path / "run" / "summary.json").read_bytes() == summary


def test_a_second_process_is_kept_out(server, start, rsa_eval, tmp_path):
    server.trouble = lambda body: Trouble(hang=True)
    with begin([*start, "--out", "run"], tmp_path) as running:
        server.hanging.wait(60)
        for command in (["resume", "run"], ["score", "run"], [*start, "--out", "run"]):
            done = rsa_eval(*command)
            assert (done.returncode, f"in use by another process (pid {running.pid})" in done.stderr) == (2, True), (
                done.stderr
            )
        running.kill()
        running.communicate()
    server.trouble = lambda body: None
    assert rsa_eval("resume", "run").returncode == 0


def test_dead_chains_can_be_taken_back(server, start, rsa_eval, tmp_path):
    assert rsa_eval(*start, "--out", "whole").returncode == 0
    server.trouble = lambda body: Trouble(500) if body["seed"] % 5 == 0 else None
    assert rsa_eval(*start, "--out", "run", "--set", "endpoint.retries=0").returncode == 3
    assert identity(tmp_path / "run") != identity(tmp_path / "whole")
    server.trouble = lambda body: None
    again = rsa_eval("resume", "run")
    assert (again.returncode, "--retry-dead" in again.stderr) == (3, True)
    healed = rsa_eval("resume", "run", "--retry-dead")
    assert healed.returncode == 0, healed.stderr
    assert identity(tmp_path / "run") == identity(tmp_path / "whole")
    assert timeless(tmp_path / "run") == timeless(tmp_path / "whole")
    assert (tmp_path / "run" / "chains.1.jsonl").is_file()


def test_a_server_that_only_fails_stops_the_run_instead_of_killing_every_chain(server, start, rsa_eval, tmp_path):
    server.trouble = lambda body: Trouble(503)
    done = rsa_eval(*start, "--out", "run", "--max-concurrency", "2", "--set", "endpoint.retries=0")
    assert done.returncode == 3
    assert "10 calls in a row failed for good" in done.stderr
    assert len(server.requests) < 16
    server.trouble = lambda body: None
    assert rsa_eval("resume", "run", "--retry-dead").returncode == 0
    assert not [record for record in chains(tmp_path / "run").values() if record["status"] == "dead"]


def test_one_prompt_that_is_refused_is_one_dead_chain(server, start, rsa_eval, tmp_path):
    def filtered(body):
        return Trouble(400, '{"error": "content_filter"}') if "Question 0" in body["messages"][-1]["content"] else None

    server.trouble = filtered
    done = rsa_eval(*start, "--out", "run")
    assert done.returncode == 3
    dead = {place[0] for place, record in chains(tmp_path / "run").items() if record["status"] == "dead"}
    assert dead == {"p0"}


def test_a_reader_that_leaves_does_not_end_the_run(server, start, tmp_path):
    command = shlex.join([sys.executable, "-m", "evals", *start, "--out", "run", "--max-concurrency", "1"])
    script = f"{command} 2>&1 | head -1; echo ${{PIPESTATUS[0]}}"
    shown = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=True)
    assert shown.stdout.splitlines()[-1] == "0", shown.stdout
    assert len(chains(tmp_path / "run")) == PLANNED
    quiet = f"{command} --json | true; echo ${{PIPESTATUS[0]}}"
    shown = subprocess.run(["bash", "-c", quiet], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=True)
    assert (shown.stdout, shown.stderr) == ("0\n", "")


def test_pauses_do_not_count_as_time(start, rsa_eval, tmp_path):
    assert rsa_eval(*start, "--out", "run").returncode == 0
    path = tmp_path / "run" / "chains.jsonl"
    shifted = []
    for number, line in enumerate(path.read_text().splitlines()):
        record = json.loads(line)
        record["started"], record["ended"] = (100.0, 101.0) if number % 2 else (5000.0, 5002.0)
        shifted.append(json.dumps(record) + "\n")
    path.write_text("".join(shifted))
    assert rsa_eval("score", "run").returncode == 0
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["seconds"] == 3.0


def test_scoring_again_keeps_the_verdicts_before(start, rsa_eval, tmp_path):
    assert rsa_eval(*start, "--out", "run").returncode == 0
    expected = timeless(tmp_path / "run")
    verdicts = tmp_path / "run" / "verdicts.jsonl"
    lines = verdicts.read_text().splitlines(keepends=True)
    broken = json.loads(lines[0])
    broken["solved"], broken["answer"] = not broken["solved"], "999"
    verdicts.write_text(json.dumps(broken) + "\n" + "".join(lines[1:]))
    scored = rsa_eval("score", "run")
    assert scored.returncode == 0, scored.stderr
    assert f"{PLANNED} chains scored, 1 verdicts changed" in scored.stdout
    assert "'999'" in scored.stdout
    assert timeless(tmp_path / "run") == expected
    assert json.loads((tmp_path / "run" / "verdicts.1.jsonl").read_text().splitlines()[0])["answer"] == "999"
    assert json.loads(rsa_eval("score", "run", "--json").stdout)["changed"] == []


def test_the_api_key_is_in_no_file_and_no_output(server, start, rsa_eval, tmp_path):
    server.required_key = "sk-very-secret"
    refused = rsa_eval(*start, "--api-key-env", "MY_KEY", "--out", "run", env={"MY_KEY": "sk-wrong-secret"})
    assert refused.returncode == 2
    assert "HTTP 401: wrong key: Bearer ***" in refused.stderr
    done = rsa_eval(*start, "--api-key-env", "MY_KEY", "--out", "run", env={"MY_KEY": "sk-very-secret"})
    assert done.returncode == 0, done.stderr
    for text in (
        refused.stdout,
        refused.stderr,
        done.stdout,
        done.stderr,
        *(path.read_text() for path in (tmp_path / "run").rglob("*") if path.is_file()),
    ):
        assert "secret" not in text


@pytest.mark.parametrize("kilobytes", [1, 4, 12])
def test_a_disk_that_fills_up_stops_the_run_and_nothing_is_corrupt(start, rsa_eval, tmp_path, kilobytes):
    """A limit on the size of files stands for the full disk."""
    assert rsa_eval(*start, "--out", "whole").returncode == 0
    command = shlex.join([sys.executable, "-m", "evals", *start, "--out", "cut"])
    limited = ["bash", "-c", f"ulimit -f {kilobytes}; {command}"]
    full = subprocess.run(limited, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert full.returncode == 3
    assert "make space, then resume" in full.stderr
    assert "Traceback" not in full.stderr
    command = ["resume", "cut"] if (tmp_path / "cut" / "run.yaml").exists() else [*start, "--out", "cut"]
    assert rsa_eval(*command).returncode == 0
    assert identity(tmp_path / "cut") == identity(tmp_path / "whole")
    assert timeless(tmp_path / "cut") == timeless(tmp_path / "whole")
