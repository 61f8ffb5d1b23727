"""Whole builds against a fake server: what is asked, what is written, what a second build does."""

import json
import subprocess
import sys

import pytest
import yaml

from evals.store import read_log
from evals.tasks.ground_truth import GroundTruth
from evals.train.building import commands, frozen
from evals.train.reward import Referee
from tests.fake_server import Trouble
from tests.train.building import FILES, problems


def test_a_training_set_has_half_of_each_prompt_and_all_its_files(builder):
    summary = builder.built()
    assert summary["prompts"] == {"train": {"plain": 6, "aggregate": 6}, "validation": {"plain": 2, "aggregate": 2}}
    assert len(builder.server.requests) == 16 * 4, "four candidates a problem, and nothing else"
    assert {path.name for path in (builder.folder / "out").iterdir()} == {*FILES, "samples", "run.lock"}, (
        "a file of the user's is not kept"
    )
    assert (builder.folder / "out" / "samples" / "data" / "run.yaml").is_file()
    assert not {row["problem"] for row in builder.rows()} & {row["problem"] for row in builder.rows("validation")}


def test_rows_hold_what_trainers_read(builder):
    builder.built()
    for index, row in enumerate(builder.rows()):
        shown = row["candidates"]
        right = sum(candidate["solved"] for candidate in shown)
        about = {"index": index, "split": "train", "problem": row["problem"], "mode": row["mode"]}
        assert row["extra_info"] == {**about, "candidates": len(shown), "right": right if shown else None}
        assert (row["data_source"], row["ability"], row["reward_model"]["style"]) == ("data", "math", "rule")
        assert [message["role"] for message in row["prompt"]] == ["user"]
        assert row["prompt_tokens"] == len(row["prompt"][0]["content"]), "the fake server counts characters"
        assert len(shown) == (4 if row["mode"] == "aggregate" else 0)
        assert all(candidate["text"] in row["prompt"][0]["content"] for candidate in shown)
        truth = GroundTruth.from_json(row["reward_model"]["ground_truth"])
        assert (truth.problem.id, truth.problem.question, truth.scorer) == (row["problem"], row["question"], "math")


def test_candidates_are_marked_as_the_reward_would(builder):
    builder.built()
    with Referee() as referee:
        for row in builder.both():
            for candidate in row["candidates"]:
                reward = referee.reward(row["reward_model"]["ground_truth"], candidate["text"])
                assert reward == float(candidate["solved"])


@pytest.mark.parametrize("order", ["draw", "shared"])
def test_aggregation_prompts_are_those_of_the_engine_at_step_2(builder, rsa_eval, order):
    builder.config(n=6, k=3, aggregations=2, candidate_order=order, seed=7, max_prompt_tokens=4000)
    builder.built()
    options = ["--n", "6", "--k", "3", "--steps", "2", "--seed", "7", "--max-tokens", "100"]
    rest = ["--set", f"candidate_order={order}", "--set", "task.kind=math", "--out", "rsa"]
    done = rsa_eval("run", "--data", "data.jsonl", "--base-url", builder.server.url, *options, *rest)
    assert done.returncode == 0, done.stderr
    ours = {row["prompt"][0]["content"] for row in builder.both() if row["mode"] == "aggregate"}
    sent = {body["messages"][0]["content"] for body in builder.server.requests}
    assert len(ours) > 8
    assert ours <= sent


def test_a_second_build_asks_nothing_and_writes_the_same(builder):
    builder.built()
    asked = len(builder.server.requests)
    first = {name: (builder.folder / "out" / name).read_bytes() for name in FILES if name != "build.yaml"}
    builder.built()
    assert len(builder.server.requests) == asked
    assert {name: (builder.folder / "out" / name).read_bytes() for name in first} == first


def test_other_filters_use_the_same_samples(builder):
    builder.built()
    asked = len(builder.server.requests)
    builder.config(filter={"least_solved": 0.1, "most_solved": 0.9})
    summary = builder.built()
    assert len(builder.server.requests) == asked
    assert summary["dropped"]["solved_too_rarely"] > 0


def test_other_problems_in_the_same_folder_are_refused(builder):
    builder.built()
    done = builder.run("--out", "out", "--limit", "4")
    assert done.exit_code == 2
    assert "holds a run with another configuration" in done.stderr


def test_problems_of_a_named_task_are_kept_and_those_of_a_file_are_read_again(builder, monkeypatch):
    builder.config(sources=[{"task": {"name": "arithmetic", "limit": 4}}, {"task": {"data": "data.jsonl", "kind": "math"}}])
    builder.built()
    read: list[str | None] = []
    load = frozen.load_task
    monkeypatch.setattr(frozen, "load_task", lambda task, seed: read.append(task.name) or load(task, seed))
    builder.built()
    assert read == [None]
    builder.data(problems(3))
    done = builder.run("--out", "out")
    assert (done.exit_code, "holds a run with another configuration" in done.stderr) == (2, True)


def test_a_limit_draws_from_all_and_a_larger_one_keeps_what_a_smaller_has(builder):
    builder.built("--limit", "4", out="small")
    builder.built("--limit", "8", out="large")
    small, large = ({row["problem"] for row in builder.both(out)} for out in ("small", "large"))
    assert (len(small), len(large)) == (4, 8)
    assert small < large
    assert small != {f"data:p{number}" for number in range(4)}


def test_sources_keep_their_shares_and_their_scorers(builder):
    builder.data(problems(40), "many.jsonl")
    builder.data([{"id": "t", "question": "Say a b!", "answer": "a b"}], "text.jsonl")
    sources = [
        {"task": {"data": "many.jsonl", "kind": "math"}, "share": 3},
        {"task": {"data": "text.jsonl", "kind": "text", "scorer": "exact"}, "share": 1, "name": "said"},
    ]
    builder.config(sources=sources, aggregation_share=0)
    builder.built()
    by_source = {row["data_source"] for row in builder.both()}
    assert (len(builder.both()), by_source) == (4, {"many", "said"})
    (said,) = [row for row in builder.both() if row["data_source"] == "said"]
    assert GroundTruth.from_json(said["reward_model"]["ground_truth"]).scorer == "exact"
    assert {path.name for path in (builder.folder / "out" / "samples").iterdir()} == {"many", "said"}


def test_duplicates_and_evaluation_sets_are_left_out_before_anything_is_sampled(builder):
    rows = problems(8)
    builder.data([*rows, {**rows[0], "id": "again", "question": "question  0"}])
    builder.data([{"question": "QUESTION 3?", "answer": "1"}], "exam.jsonl")
    builder.config(decontamination={"against": [{"data": "exam.jsonl"}]})
    builder.built()
    assert [(each["problem"], each["reason"]) for each in builder.dropped()] == [
        ("again", "duplicate"),
        ("p3", "in_evaluation_set"),
    ]
    assert "exam:row 1" in builder.dropped()[1]["detail"]
    assert len(builder.server.requests) == 7 * 4


def test_only_mixed_candidates_where_that_is_wanted_and_the_share_is_kept(builder):
    builder.data(problems(40))
    builder.config(filter={"mix": True}, n=3, k=3, validation_share=0)
    summary = builder.built()
    aggregate = [row for row in builder.rows() if row["mode"] == "aggregate"]
    assert all({True, False} == {each["solved"] for each in row["candidates"]} for row in aggregate)
    assert summary["aggregation_share"] == pytest.approx(0.5, abs=0.02)


def test_too_few_mixed_candidates_leave_plain_prompts_out(builder):
    builder.server.reply = lambda body: "\\boxed{0}" if "Question 5?" not in str(body) or body["seed"] % 2 else "\\boxed{2}"
    builder.config(filter={"mix": True}, n=8, k=8, max_prompt_tokens=4000, validation_share=0)
    builder.built()
    assert [row["mode"] for row in builder.rows()].count("plain") == 1
    assert [row["problem"] for row in builder.rows() if row["mode"] == "aggregate"] == ["data:p5"]
    assert {each["reason"] for each in builder.dropped()} == {"over_share"}
    assert len(builder.dropped()) == 14


def test_prompts_over_the_limit_are_dropped_where_that_is_wanted(builder):
    builder.server.reply = lambda body: "\\boxed{1}" + ("x" * 900 if "Question 1?" in str(body) else "")
    builder.config(aggregation_share=1, long_prompts="drop", sampling={"max_tokens": 1000})
    summary = builder.built()
    assert summary["prompt_tokens"]["aggregate"]["most"] <= 2000
    assert [(each["problem"], each["reason"]) for each in builder.dropped()] == [("p1", "no_aggregation")]


def test_plain_prompts_over_the_limit_are_dropped(builder):
    rows = problems(4)
    rows[2]["question"] += " long" * 500
    builder.data(rows)
    builder.config(aggregation_share=0)
    builder.built()
    assert [(each["problem"], each["reason"]) for each in builder.dropped()] == [("p2", "too_long")]


def test_no_prompt_that_is_left_is_an_error_and_no_empty_file(builder):
    builder.built()
    before = {name: (builder.folder / "out" / name).read_bytes() for name in FILES}
    builder.config(filter={"least_solved": 0.99})
    done = builder.run("--out", "out")
    assert done.exit_code == 2
    assert "no prompts are left for training: solved_too_rarely 16. Change filter" in done.stderr
    assert {name: (builder.folder / "out" / name).read_bytes() for name in FILES} == before, "the set from before stays"


def test_a_validation_set_without_prompts_is_told(builder):
    builder.config(validation_share=0.01, aggregation_share=0)
    builder.built(out="first")
    (held_out,) = builder.rows("validation", "first")
    question = f"Question {held_out['problem'][1:]}?"
    builder.server.reply = lambda body: "no idea" if question in str(body) else "\\boxed{1}"
    builder.config(validation_share=0.01, aggregation_share=0, filter={"least_solved": 0.01})
    done = builder.run("--out", "second")
    assert done.exit_code == 0
    assert "no prompts are left for validation" in done.stdout + done.stderr
    assert builder.rows("validation", "second") == []


def test_an_instruction_of_ones_own_hides_no_evaluation_problem(builder):
    builder.data([{"question": "Question 3?", "answer": "1"}], "exam.jsonl")
    source = {"task": {"data": "data.jsonl", "kind": "math", "instruction": "Put it in a box."}}
    builder.config(sources=[source], decontamination={"against": [{"data": "exam.jsonl"}]})
    builder.built()
    assert [(each["problem"], each["reason"]) for each in builder.dropped()] == [("p3", "in_evaluation_set")]


def test_dead_candidates_are_never_shown(builder):
    builder.server.trouble = lambda body: Trouble(422, "{}") if body["seed"] % 8 == 0 else None
    builder.config(n=5, k=3, max_dead=1.0, validation_share=0)
    builder.built()
    chains = {
        (line["problem"], line["slot"]): line for _, _, line in read_log(builder.folder / "out/samples/data/chains.jsonl")
    }
    dead = {place for place, line in chains.items() if line["status"] == "dead"}
    assert dead
    for row in builder.rows():
        problem = row["problem"].removeprefix("data:")
        assert len(row["candidates"]) in (0, 3)
        assert not {(problem, each["slot"]) for each in row["candidates"]} & dead


def test_a_build_that_is_cut_goes_on(builder):
    builder.config(budget={"calls": 20})
    done = builder.run("--out", "out", "--json")
    assert done.exit_code == 3
    assert json.loads(done.stdout)["state"] == "incomplete"
    assert "Resume with: rsa-train" in done.stderr
    assert "with a higher budget" in done.stderr
    asked = len(builder.server.requests)
    assert asked == 20
    assert not (builder.folder / "out" / "train.parquet").exists()
    builder.built("--set", "budget.calls=null")
    assert len(builder.server.requests) == 64, "what was recorded is not made again"


def test_an_interrupt_after_the_samples_tells_how_to_go_on(builder, monkeypatch):
    async def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(commands, "write_training_set", interrupted)
        done = builder.run("--out", "out")
    assert done.exit_code == 3
    assert "interrupted before all files were written\nResume with: rsa-train" in done.stderr
    builder.built()
    assert len(builder.server.requests) == 64


def test_a_budget_is_divided_among_the_sources(builder):
    builder.data(problems(32, 16), "more.jsonl")
    builder.config(
        sources=[{"task": {"data": name, "kind": "math"}} for name in ("data.jsonl", "more.jsonl")], budget={"calls": 200}
    )
    builder.built()
    configs = [yaml.safe_load((builder.folder / "out/samples" / name / "run.yaml").read_text()) for name in ("data", "more")]
    assert [content["config"]["budget"]["calls"] for content in configs] == [100, 100]
    assert configs[0]["provenance"]["command"][0] == "rsa-train"


def test_a_killed_build_goes_on_to_the_same(builder):
    builder.server.trouble = lambda body: Trouble(hang=True) if len(builder.server.requests) > 30 else None
    command = [
        sys.executable,
        "-m",
        "evals.train",
        "build",
        "build.yaml",
        "--out",
        "out",
        "--set",
        "endpoint.max_concurrency=4",
    ]
    with subprocess.Popen(command, cwd=builder.folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        assert builder.server.hanging.wait(60)
        process.kill()
    builder.server.trouble = lambda body: None
    builder.built()
    builder.built(out="other")
    assert builder.both() == builder.both("other")


def test_the_card_and_build_yaml_tell_where_it_came_from(builder):
    summary = builder.built()
    content = yaml.safe_load((builder.folder / "out" / "build.yaml").read_text())
    assert content["summary"] == summary
    assert (content["model"], content["sources"][0]["problems"]) == ("fake", 16)
    assert content["provenance"]["version"]
    card = (builder.folder / "out" / "card.md").read_text()
    shown = [each["solved"] for row in builder.both() for each in row["candidates"]]
    assert f"Right among the candidates shown: {100 * sum(shown) / len(shown):.1f} %" in card
    assert (builder.folder / "out" / "card.svg").read_text().startswith("<svg")


def test_the_plan_says_what_it_would_cost_and_spends_nothing(builder):
    done = builder.run("--plan", "--json", "--limit", "8")
    content = json.loads(done.stdout)
    assert (content["problems"], content["validation"], content["runs"][0]["calls"]) == (8, 2, 32)
    assert builder.server.requests == []
    assert "8 problems, 2 of them for validation" in builder.run("--plan", "--limit", "8").stdout


def test_our_own_command_runs_a_training_set_as_it_is(builder, rsa_eval):
    builder.built()
    before = len(builder.server.requests)
    flags = ["--data", "out/train.parquet", "--base-url", builder.server.url, "--strategy", "sample", "--max-tokens", "9"]
    done = rsa_eval("run", *flags, "--json")
    assert done.returncode == 0, done.stderr
    asked = [body["messages"] for body in builder.server.requests[before:]]
    wanted = [[{"role": each["role"], "content": each["content"]} for each in row["prompt"]] for row in builder.rows()]
    assert sorted(asked, key=str) == sorted(wanted, key=str)
    summary = json.loads(done.stdout)["summary"]
    assert 0 < summary["strategies"]["sample"]["steps"][0]["accuracy"]["mean"] < 1


def test_the_library_of_the_hub_reads_it_as_it_is(builder):
    from datasets import load_dataset  # noqa: PLC0415 - takes seconds to import

    builder.built()
    files = {split: str(builder.folder / "out" / f"{split}.parquet") for split in ("train", "validation")}
    loaded = load_dataset("parquet", data_files=files, cache_dir=str(builder.folder / "cache"))
    assert list(loaded["train"]) == builder.rows()
    assert loaded["validation"].features == loaded["train"].features
