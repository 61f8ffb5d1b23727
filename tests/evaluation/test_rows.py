"""Rows that cannot mean what they seem to are refused, with the row and what to do."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from evals.problems import Problem
from evals.scoring import check_golds
from evals.summary import _floor
from evals.tasks import load_task, scorer_of
from evals.tasks.choices import Options, right_letter
from evals.tasks.config import TaskConfig
from evals.tasks.rows import Layout, problems_from_rows

PLAIN = {"question": "?", "answer": "1"}
CHAT = {"prompt": [{"role": "user", "content": "Find x."}], "level": "easy"}
VERL = {**CHAT, "reward_model": {"ground_truth": "1"}, "extra_info": {"split": "train"}}
CODE = {"id": "a", "question": "?", "style": "stdin", "tests": [{"input": "1", "output": "1"}]}


def as_jsonl(folder: Path, *rows) -> str:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def load(**config):
    section = TaskConfig(**config)
    dataset = load_task(section, 0)
    check_golds(dataset.problems, scorer_of(section))
    return dataset


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.csv", "question,answer\n1+1?,2\nf(1,2)?,3\n", r"x\.csv, line 3: there are more cells.*double quotes"),
        (
            "x.csv",
            f"question,answer\n1?,1\n{'x' * 140_000},2\n",
            r"line 3: field larger than field limit.*\.jsonl or \.parquet",
        ),
        ("x.csv", 'question,answer\n"1,2\n', r"cannot be read: line 2: .*mend the line"),
        ("x.jsonl", '{"question": "?", "answer": "1"}\n' + "[" * 50_000 + "]" * 50_000, "line 2 is nested too deep.*leave"),
        ("x.jsonl", '{"question": "?", "answer": ' + "[" * 500 + "]" * 500 + "}", "row 1: the column 'answer' is blank, or"),
        (
            "x.jsonl",
            '{"question": "?", "answer": 1, "image": ' + "[" * 500 + "]" * 500 + "}",
            "row 1: .*'image' holds an image",
        ),
    ],
)
def test_odd_files_name_the_line(tmp_path, name, content, says):
    (tmp_path / name).write_text(content)
    with pytest.raises(rsa.UsageError, match=says):
        load(data=str(tmp_path / name))


@pytest.mark.parametrize("key", ["split", "subset", "revision"])
def test_keys_of_the_hub_are_refused_with_a_file(tmp_path, key):
    for config in ({}, {"name": "aime25"}):
        with pytest.raises(rsa.UsageError, match=rf"task\.{key}: .*rows\.jsonl is a file: leave it out"):
            load(data=as_jsonl(tmp_path, PLAIN), **config, **{key: "main"})
    with pytest.raises(rsa.UsageError, match=r"task\.revision: .*is a file: leave it out"):
        load(name="livecodebench", data=str(tmp_path), revision="main")


@pytest.mark.parametrize(
    ("row", "config", "says"),
    [
        (VERL, {"answer_field": "level"}, r"row 1: task\.answer_field: .*leave it out"),
        (VERL, {"options_field": "level", "kind": "choice"}, r"row 1: task\.options_field: .*leave it out"),
        (VERL, {"group_fields": ["split", "nope"]}, r"row 1: there is no column 'nope'; name one with task\.group_fields"),
        (PLAIN, {"options_field": "level"}, r"row 1: task\.options_field: only the kind choice has options: leave it out"),
        (CODE, {"answer_field": "tests"}, r"task\.answer_field: .*leave it out"),
        (CODE, {"group_fields": ["style"]}, r"task\.group_fields: .*leave it out"),
    ],
)
def test_keys_that_rows_do_nothing_with_are_refused(tmp_path, row, config, says):
    with pytest.raises(rsa.UsageError, match=says):
        load(data=as_jsonl(tmp_path, row), **config)


def test_groups_of_messages_are_columns_or_extra_info(tmp_path):
    problem = load(data=as_jsonl(tmp_path, VERL), group_fields=["split", "level"]).problems[0]
    assert problem.groups == {"split": "train", "level": "easy"}


def test_messages_with_a_plain_answer_name_its_column(tmp_path):
    data = as_jsonl(tmp_path, {**CHAT, "answer": ["7", 8]})
    with pytest.raises(rsa.UsageError, match=r"row 1: reward_model\.ground_truth is missing.*--answer-field"):
        load(data=data)
    problem = load(data=data, answer_field="answer").problems[0]
    assert problem.golds == ("7", "8")
    assert problem.question == "Find x.\n\nThink step by step. Give the final answer within \\boxed{}."
    assert load(data=data, answer_field="answer", instruction="").problems[0].question == "Find x."
    with pytest.raises(rsa.UsageError, match="row 1: there is no column 'gold'"):
        load(data=data, answer_field="gold")


def test_a_column_of_messages_may_have_any_name(tmp_path):
    row = {"messages": CHAT["prompt"], "reward_model": {"ground_truth": "1"}}
    assert load(data=as_jsonl(tmp_path, row), question_field="messages").problems[0].question == "Find x."


def test_an_entry_that_is_no_object_is_told(tmp_path):
    for entry in ("[1]", "[" * 50_000 + "]" * 50_000):
        row = {**VERL, "ability": "games", "extra_info": {"dataset_name": "maze", "entry": entry}}
        with pytest.raises(rsa.UsageError, match=r"row 1: extra_info\.entry is not the JSON"):
            load(data=as_jsonl(tmp_path, row))


class Decoded:
    """Stands for what the datasets library makes of an image."""

    __module__ = "PIL.PngImagePlugin"


def from_row(row, **layout):
    return problems_from_rows([{**PLAIN, **row}], Layout(**layout), "rows")[0]


@pytest.mark.parametrize(
    "cell",
    [
        {"image_1": "a.png"},
        {"question_image": b"anything"},
        {"image_url": "https://example.org/a"},
        {"images": [{"url": "x"}]},
        {"picture": Decoded()},
        {"picture": [None, Decoded()]},
        {"picture": {"path": "folder/a.JPG"}},
        {"picture": {"bytes": b"x", "path": None}},
        {"picture": b"\x89PNG\r\n"},
        {"picture": "data:image/svg+xml,%3Csvg"},
        {"question": "What is this? ![](data:image/png;base64,iVBO)"},
        {"prompt": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iV"}}]}]},
    ],
)
def test_images_are_known_by_name_or_content(cell):
    with pytest.raises(rsa.UsageError, match=f"row 1: the column '{next(iter(cell))}' holds an image.*leave such rows out"):
        from_row(cell)


@pytest.mark.parametrize(
    "cell",
    [
        {"image": None, "image_1": "", "image_2": [], "image_3": {"bytes": None, "path": None}},
        {"num_images": 0, "has_image": False},
        {"imagery": "seas and ships"},
        {"question": "Which file is it, a.png or data:image?"},
        {"source": {"path": "notes.txt"}, "checksum": b"\x00\x01"},
    ],
)
def test_what_is_no_image_is_let_through(cell):
    assert from_row(cell).golds == ("1",)


def choice(options, gold, column="answer"):
    row = {"question": "?", "options": options, column: gold}
    problem = problems_from_rows([row], Layout(kind="choice"), "rows")[0]
    assert problem.extra["options"] == list("ABCDEFGHIJ"[: len(problem.extra["options"])])
    return problem.golds[0]


LABELLED = {"text": ["x", "y", "3"], "label": ["3", "4", "5"]}


@pytest.mark.parametrize(
    ("options", "gold", "letter"),
    [
        (["x", "y"], "B", "B"),
        (["x", "y"], "b", "B"),
        (["x", "y"], "y", "B"),
        (["A", "B"], "B", "B"),  # both readings say the same
        (["c", "1"], 1, "B"),
        (LABELLED, "4", "B"),
        (LABELLED, "3", "A"),  # the data's own label, although it is also a text
        (LABELLED, "y", "B"),
        ({"text": ["x", "y"]}, "A", "A"),
    ],
)
def test_the_right_option_is_found(options, gold, letter):
    assert choice(options, gold) == letter


@pytest.mark.parametrize(
    ("options", "gold", "says"),
    [
        (["B", "A"], "A", "'A' may stand for the options A and B: give its letter in a column called answer_letter"),
        (["b", "a"], "a", "may stand for the options A and B"),
        (["x", "x"], "x", "may stand for the options A and B"),
        (["x", "y"], "C", "'C' is none of its 2 options"),
        (LABELLED, "A", "'A' is none of its 3 options"),
        ({**LABELLED, "label": ["1", "2"]}, "1", "3 options, but under label not as many different labels"),
        ({**LABELLED, "label": ["a", "A", "b"]}, "a", "not as many different labels"),
        ({**LABELLED, "label": "123"}, "1", "not as many different labels"),
        ({"label": ["1", "2"]}, "1", "not a list of two to ten options"),
    ],
)
def test_a_right_option_in_doubt_is_refused(options, gold, says):
    with pytest.raises(rsa.UsageError, match=f"rows, row 1: .*{says}"):
        choice(options, gold)


def test_a_column_of_letters_holds_letters():
    assert choice(["B", "A"], "A", "answer_letter") == "A"
    with pytest.raises(rsa.UsageError, match="row 1: the right answer 'x' is none of its 2 options: give a letter"):
        choice(["x", "y"], "x", "answer_letter")


@given(st.lists(st.sampled_from(["A", "b", "C", "x", "y", " z"]), min_size=2, max_size=6), st.data())
def test_no_option_but_the_one_meant_is_ever_called_right(texts, data):
    meant = data.draw(st.integers(0, len(texts) - 1))
    for gold in (texts[meant], "ABCDEF"[meant]):
        try:
            right = right_letter(gold, Options(texts), "row", is_letter=False)
        except rsa.UsageError:
            continue
        assert right == "ABCDEF"[meant]
    assert right_letter("ABCDEF"[meant], Options(texts), "row", is_letter=True) == "ABCDEF"[meant]


@pytest.mark.parametrize("scorer", ["math", "integer", "number"])
@pytest.mark.parametrize("gold", ["48 / 2 = 24\n48 + 24 = 72\n#### 72", "7" * 401])
def test_a_whole_solution_is_no_right_answer(scorer, gold):
    with pytest.raises(rsa.UsageError, match=r"problem a: .*a column that holds the final answer alone \(--answer-field\)"):
        check_golds([Problem("a", "?", (gold,), "math")], scorer)
    check_golds([Problem("a", "?", (gold,), "text")], "exact")
    with pytest.raises(rsa.UsageError, match=r"data: x\.csv, problem a: the right answer"):
        check_golds([Problem("a", "?", (gold,), "math")], scorer, "x.csv")


def test_a_data_set_that_reasoning_gym_lacks_is_told_before_the_run(tmp_path):
    pytest.importorskip("reasoning_gym")
    for name, says in (("nosuch", ""), ("mazes", r"; did you mean 'maze'"), ("composite", "")):
        entry = {"question": "?", "answer": "5", "metadata": {"source_dataset": name}}
        row = {**VERL, "ability": "games", "extra_info": {"index": 4, "entry": json.dumps(entry)}}
        with pytest.raises(rsa.UsageError, match=f"problem 4: Reasoning Gym has no data set '{name}'{says}"):
            load(data=as_jsonl(tmp_path, row))


def test_published_gym_items_are_known(published):
    pytest.importorskip("reasoning_gym")
    for name in ("rg_games", "rg_cognition"):
        assert len(load(name=name, data=str(published(f"{name}.parquet"))).problems) == 100


def test_the_floor_of_multiple_choice_ignores_case():
    problems = [Problem(gold, "?", (gold,), "choice") for gold in ("a", " A ", "B", "b")]
    assert _floor([*problems, Problem("c", "?", ("A",), "choice")]) == {"always_A": 0.6, "best": "A", "always_best": 0.6}


def test_a_column_of_options_makes_a_choice(tmp_path):
    problem = load(data=as_jsonl(tmp_path, {"question": "?", "options": ["x", "y"], "answer": "B"})).problems[0]
    assert (problem.kind, problem.golds) == ("choice", ("B",))
