"""Whole runs that are killed, interrupted, starved and lied to."""

import shlex
import signal
import subprocess
import sys

import pytest

from evals.store import read_log
from tests.chaos.invariants import timeless
from tests.evaluation.runs import PLANNED, begin, chains, identity, wait_for
from tests.fake_server import FakeServer, Trouble, boxed_digit


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
    assert "no answer for 0.5 s: is the server running?" in errors
    assert all(record["status"] == "ok" for record in chains(tmp_path / "run").values())
    with FakeServer() as revived:
        assert rsa_eval("resume", "run", "--base-url", revived.url).returncode == 0
    assert len(chains(tmp_path / "run")) == PLANNED


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
