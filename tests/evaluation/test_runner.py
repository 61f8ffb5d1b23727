"""Whole runs through the real command line against the fake server: what they leave, and what resuming accepts."""

import json

import pytest
import yaml

from evals.store import read_log
from tests.chaos.invariants import timeless
from tests.evaluation.runs import PLANNED, PROBLEMS, chains, identity


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
        "answers.jsonl",
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
    assert "Content-Security-Policy" in page


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


def test_an_order_of_candidates_changes_no_subset_and_belongs_to_the_run(start, rsa_eval, tmp_path):
    shared = (*start, "--set", "candidate_order=shared", "--k", "3")
    assert rsa_eval(*shared, "--out", "shared").returncode == 0
    assert rsa_eval(*start, "--k", "3", "--out", "draw").returncode == 0
    ours, theirs = (
        {place: chain["parents"] for place, chain in chains(tmp_path / name).items()} for name in ("shared", "draw")
    )
    assert ours != theirs
    assert {place: sorted(parents) for place, parents in ours.items()} == {
        place: sorted(parents) for place, parents in theirs.items()
    }
    assert rsa_eval(*shared, "--out", "shared").returncode == 0
    other = rsa_eval(*start, "--k", "3", "--out", "shared")
    assert (other.returncode, "candidate_order" in other.stderr) == (2, True)
