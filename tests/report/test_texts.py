"""The data of the chain viewer: what is in it, what is left out, and that nothing in it can be markup."""

import json
import re

import pytest

from evals.records import open_records
from evals.report.texts import viewer_parts
from rsa.chain import Status
from rsa.generation import prompt_sha256
from tests.report.viewer_runs import HOSTILE, parts_of, recorded, unpacked, write_run

PROBLEMS = [
    {"id": f"p{number}", "question": f"What is {number} + {number}?", "answer": str(2 * number)} for number in range(3)
]
RSA = {"name": "rsa", "n": 4, "k": 2, "steps": 3}


def answering(problem, planned):
    """In step 1 half of the slots are right, later all; slot 3 of step 2 is dead, slot 2 of it cut."""
    if planned.place == (2, 3):
        return {"status": Status.DEAD, "error": "refused", "finish_reason": "error"}
    right = str(2 * int(problem[1:]))
    answer = right if planned.step > 1 or planned.slot % 2 else "7"
    cut = {"status": Status.TRUNCATED, "finish_reason": "length"} if planned.place == (2, 2) else {}
    return {"text": f"text of {problem} {planned.step}/{planned.slot}: \\boxed{{{answer}}}", **cut}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("texts") / "run", PROBLEMS, answering, strategy=RSA, task={"repeats": 2})


def by_place(block):
    return {(chain["step"], chain["slot"]): chain for chain in block["chains"]}


def sent(block, chain):
    """The prompt of a chain, put together as the page does it."""
    frame = block["frames"][chain["prompt"]] if isinstance(chain["prompt"], int) else chain["prompt"]
    chains = by_place(block)

    def shown(part):
        if not isinstance(part, int):
            return part
        parent = chains[chain["step"] - 1, chain["parents"][part]]
        kept = parent.get("shown")
        if isinstance(kept, list):
            units = parent["text"].encode("utf-16-le", "surrogatepass")[2 * kept[0] : 2 * kept[1]]
            return units.decode("utf-16-le", "surrogatepass")
        return parent["text"] if kept is None else kept

    return [{"role": message["role"], "content": "".join(map(shown, message["parts"]))} for message in frame]


def check_prompts(folder):
    """Every prompt is the one that was sent; gives the blocks."""
    blocks = unpacked(parts_of(folder))
    records = recorded(folder)
    names = blocks["chains-index"]["problems"]
    for name, block in blocks.items():
        if name != "chains-index":
            _, _, at, repeat = name.split("-")
            for chain in block["chains"]:
                record = records[names[int(at)]["id"], int(repeat), chain["step"], chain["slot"]]
                assert prompt_sha256(sent(block, chain)) == record["prompt_sha256"]
    return blocks


def test_the_prompts_are_those_that_were_sent_and_hold_no_copies(run):
    blocks = check_prompts(run)
    assert len(blocks) == 1 + 3 * 2
    block = blocks["chains-0-1-0"]
    assert {type(chain["prompt"]) for chain in block["chains"]} == {int}
    assert json.dumps(block).count("text of p1 1/0") == 1


@pytest.mark.parametrize("compaction", ["answer", "full"])
def test_candidates_are_shown_as_they_were_compacted(tmp_path, compaction):
    def thinking(problem, planned):
        kept_apart = {"reasoning": "apart"} if planned.slot == 1 else {}
        return {"text": f"<think>\U0001f600 so</think> {planned.slot} \U0001f600 \\boxed{{4}}", **kept_apart}

    keys = {"sampling": {"system": "Be brief."}, "compaction": compaction}
    blocks = check_prompts(write_run(tmp_path / "run", PROBLEMS[:1], thinking, strategy=RSA, **keys))
    chains = by_place(blocks["chains-0-0-0"])
    if compaction == "answer":
        length = len("<think>\U0001f600 so</think>".encode("utf-16-le")) // 2
        assert chains[1, 0]["shown"][0] == length
    else:
        assert "shown" not in chains[1, 0]
        assert chains[1, 1]["shown"].startswith("apart\n\n")
    assert blocks["chains-0-0-0"]["frames"][0][0] == {"role": "system", "parts": ["Be brief."]}


def test_shortened_prompts_are_kept_whole_and_edited_ones_not_at_all(tmp_path):
    def shortened(problem, planned):
        more = {"overflow": {"rule": "tail", "kept": [3, 4]}} if planned.place == (2, 0) else {}
        edited = {"prompt_sha256": "0" * 64} if planned.place == (2, 1) else {}
        return {"text": f"{planned.slot} gives \\boxed{{1}}", **more, **edited}

    block = unpacked(parts_of(write_run(tmp_path / "run", PROBLEMS[:1], shortened, strategy=RSA)))["chains-0-0-0"]
    chains = by_place(block)
    assert "the beginning is left out" in chains[2, 0]["prompt"][0]["parts"][0]
    assert prompt_sha256(sent(block, chains[2, 0])) == recorded(tmp_path / "run")["p0", 0, 2, 0]["prompt_sha256"]
    assert "prompt" not in chains[2, 1]


def test_a_template_that_looks_into_its_candidates_gets_its_prompts_whole(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "aggregate.j2").write_text(
        "{{ question }}{% for each in candidates %}{{ each | upper }}{% endfor %}"
    )
    folder = write_run(tmp_path / "run", PROBLEMS[:1], answering, strategy=RSA, prompts=str(tmp_path / "own"))
    block = check_prompts(folder)["chains-0-0-0"]
    assert {type(chain["prompt"]) for chain in block["chains"] if chain["step"] > 1} == {list}


def test_what_is_told_of_a_chain(run):
    chains = by_place(unpacked(parts_of(run))["chains-0-2-1"])
    assert [chains[place]["state"] for place in [(1, 0), (1, 1), (2, 2), (2, 3)]] == ["wrong", "right", "right", "dead"]
    first = chains[1, 0]
    assert (first["usage"], first["seconds"], first["attempts"], first["seed"]) == ([100, 10, 20], 1.5, 1, 0)
    assert first["verdict"]["answer"] == "7"
    assert not first["verdict"]["solved"]
    assert chains[2, 3]["error"] == "refused"
    assert chains[2, 2]["finish"] == "length"
    assert {place: tuple(chain["parents"]) for place, chain in chains.items()} == {
        (record["step"], record["slot"]): tuple(record["parents"])
        for (problem, repeat, *_), record in recorded(run).items()
        if (problem, repeat) == ("p2", 1)
    }


def test_the_index_draws_lists_without_texts(run):
    index = unpacked(parts_of(run))["chains-index"]
    assert [problem["golds"] for problem in index["problems"]] == [["0"], ["2"], ["4"]]
    row = index["runs"][0]["problems"][1][0]
    # right, wrong, no answer, verdict failed, not judged, dead, truncated, missing
    assert row["counts"] == [[2, 2, 0, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 1, 1, 0], [4, 0, 0, 0, 0, 0, 0, 0]]
    assert row["votes"] == [[0, 2, 4], [1, 3, 3], [1, 4, 4]]
    step, _, solved, complete = row["answer"]
    assert (step, solved, complete) == (3, True, 3)
    assert "text of" not in json.dumps(index)


def test_the_vote_is_by_classes_of_answers_with_the_winner_first(tmp_path):
    answers = {0: "7", 1: "1/2", 2: "0.5", 3: "\\frac12"}

    def voting(problem, planned):
        return {"text": f"\\boxed{{{answers[planned.slot]}}}"}

    problem = {"id": "half", "question": "?", "answer": "0.5"}
    folder = write_run(tmp_path / "run", [problem], voting, strategy={"name": "majority", "n": 4})
    votes = unpacked(parts_of(folder))["chains-0-0-0"]["steps"][0]["votes"]
    assert votes == [["1/2", True, [1, 2, 3]], ["7", False, [0]]]


def test_judgements_and_the_population_that_they_leave(tmp_path):
    def judging(problem, planned):
        if planned.step == 2:
            return {"text": "\\boxed{correct}" if planned.slot in (0, 2) else "\\boxed{incorrect}"}
        return {"text": "\\boxed{0}" if planned.slot < 2 else "\\boxed{5}"}

    folder = write_run(tmp_path / "run", PROBLEMS[:1], judging, strategy={"name": "rejection", "n": 4})
    block = check_prompts(folder)["chains-0-0-0"]
    states = [chain["state"] for chain in block["chains"] if chain["step"] == 2]
    assert states == ["accept", "reject", "accept", "reject"]
    assert block["steps"][1]["members"] == [0, 2]
    assert block["steps"][1]["states"] == {"right": 1, "wrong": 1}


def test_texts_stop_where_there_is_no_room_and_everything_else_stays(run):
    whole, none = unpacked(parts_of(run)), unpacked(parts_of(run, texts=0))
    assert none["chains-index"] == whole["chains-index"]
    for name, block in none.items():
        if name != "chains-index":
            assert not block["whole"]
            assert "text of" not in json.dumps(block)
            keys = ("step", "slot", "state", "status", "parents", "usage", "seconds")
            assert [[chain[key] for key in keys] for chain in block["chains"]] == [
                [chain[key] for key in keys] for chain in whole[name]["chains"]
            ]


def test_first_repeats_get_their_texts_first(run):
    size = len(next(part for part in parts_of(run) if "chains-0-0-0" in part))
    blocks = unpacked(parts_of(run, texts=int(3.5 * size)))
    assert [name for name, block in blocks.items() if block.get("whole")] == ["chains-0-0-0", "chains-0-1-0", "chains-0-2-0"]


def test_texts_that_pack_well_end_as_well(tmp_path):
    folder = write_run(tmp_path / "run", PROBLEMS, lambda problem, planned: {"text": "x" * 50_000}, strategy=RSA)
    size = max(len(part) for part in parts_of(folder) if "chains-0-" in part)
    blocks = unpacked(parts_of(folder, texts=20 * size))
    assert [block["whole"] for name, block in blocks.items() if name != "chains-index"] == [True, False, False]


def test_one_problem_is_read_at_a_time(run):
    with open_records(run) as records:
        parts = viewer_parts([records], 10**9)
        next(parts)
        (run / "chains.jsonl").rename(run / "elsewhere")
        try:
            with pytest.raises(FileNotFoundError):
                next(parts)
        finally:
            (run / "elsewhere").rename(run / "chains.jsonl")


def test_hostile_texts_are_no_markup(tmp_path):
    def hostile(problem, planned):
        return {"text": f"{HOSTILE} \\boxed{{{HOSTILE}}}", "reasoning": HOSTILE, "finish_reason": HOSTILE}

    safe = HOSTILE.replace("\ud800", "")
    problem = {"id": safe, "question": safe, "answer": safe}
    page = "".join(
        parts_of(write_run(tmp_path / "run", [problem], hostile, strategy=RSA, task={"kind": "text", "scorer": "exact"}))
    )
    assert page.isascii()
    assert set(re.findall(r"<[^>]*>", page)) - {"<div id=\"viewer\">"} == {
        '<section id="chains" aria-labelledby="chains-title">', "</section>", '<h2 id="chains-title">', "</h2>",
        "<p>", "</p>",
        "<noscript>", "</noscript>", "</div>", "</script>",
        '<script type="application/octet-stream" id="chains-0-0-0">',
        '<script type="application/octet-stream" id="chains-index">',
    }  # fmt: skip
    chain = unpacked(page.splitlines(keepends=True))["chains-0-0-0"]["chains"][0]
    assert (chain["reasoning"], chain["finish"]) == (HOSTILE, HOSTILE)


def test_a_run_that_has_just_begun_can_be_looked_at(tmp_path):
    folder = write_run(tmp_path / "run", PROBLEMS, answering, strategy=RSA)
    lines = (folder / "chains.jsonl").read_text().splitlines(keepends=True)
    (folder / "chains.jsonl").write_text("".join(lines[:2]))
    (folder / "verdicts.jsonl").write_text("")
    blocks = unpacked(parts_of(folder))
    assert [chain["state"] for chain in blocks["chains-0-0-0"]["chains"]] == ["unjudged", "unjudged"]
    assert blocks["chains-0-2-0"]["chains"] == []
    assert blocks["chains-index"]["runs"][0]["problems"][2][0]["answer"] == [None, None, None, 0]
