import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import rsa
from evals.problems import load_problems
from evals.scoring import check_golds
from evals.tasks import TASKS, load_task, scorer_of
from evals.tasks.config import TaskConfig
from evals.tasks.hub import HubSource, folder_rows


def written(path: Path, content: str) -> str:
    path.write_text(content)
    return str(path)


def load(seed: int = 0, **config):
    section = TaskConfig(**config)
    dataset = load_task(section, seed)
    check_golds(dataset.problems, scorer_of(section))
    return dataset


PLAIN = [{"id": "a", "question": "1+1?", "answer": "2"}, {"id": "b", "question": "2+2?", "answer": 4}]
PUBLISHED = [
    {
        "problem_idx": 7,
        "ability": "math",
        "data_source": "MathArena/aime_2025",
        "prompt": [{"role": "user", "content": "Find x. Put it into \\boxed{}."}],
        "reward_model": {"ground_truth": "070", "style": "rule"},
        "extra_info": {"index": 3, "split": "train"},
    }
]


def as_file(folder: Path, ending: str, rows) -> str:
    path = folder / f"rows.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_plain_rows_get_the_kinds_instruction(tmp_path):
    dataset = load(data=as_file(tmp_path, "jsonl", PLAIN))
    assert [(problem.id, problem.golds, problem.kind) for problem in dataset.problems] == [
        ("a", ("2",), "math"),
        ("b", ("4",), "math"),
    ]
    assert dataset.problems[0].question == "1+1?\n\nThink step by step. Give the final answer within \\boxed{}."
    assert load(data=as_file(tmp_path, "jsonl", PLAIN), instruction="").problems[0].question == "1+1?"
    assert load(data=as_file(tmp_path, "jsonl", PLAIN), instruction="Go.").problems[0].question == "1+1?\n\nGo."


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_the_published_layout_loads_as_it_is(tmp_path, ending):
    problem = load(data=as_file(tmp_path, ending, PUBLISHED)).problems[0]
    assert (problem.id, problem.question, problem.golds) == ("7", "Find x. Put it into \\boxed{}.", ("070",))
    named = load(name="aime25", data=as_file(tmp_path, ending, PUBLISHED)).problems[0]
    assert named == problem


def test_messages_before_the_question_are_kept(tmp_path):
    row = {**PUBLISHED[0], "prompt": [{"role": "system", "content": "S"}, *PUBLISHED[0]["prompt"]]}
    question = load(data=as_file(tmp_path, "jsonl", [row])).problems[0].asked()
    assert question.before == ({"role": "system", "content": "S"},)


def test_csv_values_stay_text(tmp_path):
    dataset = load(data=written(tmp_path / "x.csv", "id,question,answer\n1,What?,070\n"))
    assert dataset.problems[0].golds == ("070",)


def test_columns_can_be_named_and_rows_limited(tmp_path):
    rows = [{"nr": str(number), "text": f"{number}?", "solution": str(number)} for number in range(5)]
    dataset = load(
        data=as_file(tmp_path, "jsonl", rows), question_field="text", answer_field="solution", id_field="nr", limit=2
    )
    assert [problem.id for problem in dataset.problems] == ["0", "1"]
    assert (dataset.rows, dataset.source) == (5, "rows.jsonl")


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ('{"question": "?", "answer": "1"}\nnot json\n', {}, "line 2 is not JSON"),
        ("[1]\n", {}, "line 1 is not a JSON object"),
        ("", {}, "holds no rows"),
        (
            '{"question": "?"}\n',
            {},
            r"row 1: there is none of the columns answer, .*in a file answer_field \(there are: question\)",
        ),
        (
            '{"question": "?", "answer": "1"}\n',
            {"question_field": "q"},
            r"row 1: there is no column 'q'; name one with --question-field",
        ),
        ('{"question": "?", "answer": "1"}\n', {"id_field": "nr"}, "no column 'nr'.*--id-field"),
        ('{"question": "", "answer": "1"}\n', {}, "'question' is blank"),
        (
            '{"question": "?", "answer": null}\n',
            {},
            "'answer' is blank, or neither text nor a number, nor a list of those: None",
        ),
        (
            '{"id": 1, "question": "?", "answer": "1"}\n{"id": 1, "question": "??", "answer": "2"}\n',
            {},
            "the id '1' stands for more",
        ),
        ('{"prompt": [{"role": "user", "content": "?"}], "answer": "1"}\n', {}, "reward_model.ground_truth is missing"),
        ('{"prompt": [], "reward_model": {"ground_truth": "1"}}\n', {}, "the last message of prompt is not a user's text"),
        ('{"prompt": ["x"], "reward_model": {"ground_truth": "1"}}\n', {}, "a message of prompt has no role or no text"),
        ('{"prompt": [{"role": "user", "content": [{"type": "image"}]}]}\n', {}, "images are not supported"),
        ('{"question": "?", "answer": NaN}\n', {}, "nor a list of those: nan"),
        ('{"question": "?", "answer": [1, null]}\n', {}, r"nor a list of those: \[1, None\]"),
        ('{"question": "?", "answer": []}\n', {}, r"nor a list of those: \[\]"),
        (
            '{"question": "?", "image": {"bytes": "x"}, "answer": 1}\n',
            {},
            "'image' holds an image, and images are not supported",
        ),
        ('{"question": "?", "options": ["a"], "answer": "A"}\n', {"kind": "choice"}, "not a list of two to ten options"),
        ('{"question": "?", "options": ["a", "b"], "answer": "C"}\n', {"kind": "choice"}, "'C' is none of its 2 options"),
        ('{"question": "?", "answer": "("}\n', {"kind": "text", "scorer": "regex"}, "'\\(' is not a regular expression"),
        ('{"question": "?", "answer": "1/2"}\n', {"scorer": "integer"}, "the right answer '1/2' is not an integer"),
        ('{"question": "?", "answer": "half"}\n', {"kind": "number"}, "the right answer 'half' is not a number"),
        ('{"question": "?", "answer": "K"}\n', {"kind": "choice"}, "the right answer 'K' is not a letter from A to J"),
        (
            '{"prompt": [{"role": "assistant", "content": "x"}], "reward_model": {"ground_truth": "1"}}\n',
            {},
            "not a user's text",
        ),
        ('{"question": "?", "answer": "1"}\n', {"kind": "gym"}, "it has no entry, as the scorer gym needs"),
    ],
)
def test_mistakes_in_files_name_row_and_remedy(tmp_path, content, options, says):
    with pytest.raises(rsa.UsageError, match=says):
        load(data=written(tmp_path / "x.jsonl", content), **options)


def test_unreadable_files(tmp_path):
    for path, says in ((tmp_path / "no.jsonl", "cannot be read"), (tmp_path / "x.txt", "none of .jsonl, .csv, .parquet")):
        with pytest.raises(rsa.UsageError, match=says):
            load(data=str(path))
    with pytest.raises(rsa.UsageError, match="cannot be read as parquet"):
        load(data=written(tmp_path / "x.parquet", "not parquet"))
    (tmp_path / "latin.jsonl").write_bytes(b'{"question": "\xe9", "answer": "1"}\n')
    with pytest.raises(rsa.UsageError, match="cannot be read"):
        load(data=str(tmp_path / "latin.jsonl"))


def test_numbers_of_any_type_are_golds_and_blank_ids_are_rows(tmp_path):
    rows = [
        {"id": None, "question": "a", "answer": 70.0},
        {"id": "0", "question": "b", "answer": 0.5},
        {"id": 3, "question": "c", "answer": 10**30},
    ]
    problems = load(data=as_file(tmp_path, "jsonl", rows)).problems
    assert [(problem.id, *problem.golds) for problem in problems] == [("row 1", "70"), ("0", "0.5"), ("3", str(10**30))]


def test_half_surrogates_in_data_are_replaced(tmp_path):
    data = written(tmp_path / "x.jsonl", '{"question": "a\\ud800", "answer": "1"}\n')
    assert load(data=data, instruction="").problems[0].question == "a?"


@pytest.mark.parametrize("key", ["kind", "instruction", "question_field"])
def test_keys_that_a_generated_task_does_not_take_are_refused(key):
    with pytest.raises(rsa.UsageError, match=f"task.{key}: arithmetic takes no {key}"):
        load(name="arithmetic", **{key: "math"})


def test_an_instruction_for_rows_that_have_one_is_refused(tmp_path):
    with pytest.raises(rsa.UsageError, match=r"leave task\.instruction out"):
        load(data=as_file(tmp_path, "jsonl", PUBLISHED), instruction="Go.")


def test_a_wrong_task_name():
    with pytest.raises(rsa.UsageError, match=r"no task 'aime52'; did you mean 'aime25'.*--data FILE"):
        load(name="aime52")


def test_arithmetic_is_drawn_from_the_seed():
    first = load(name="arithmetic", limit=10)
    assert first == load(name="arithmetic", limit=10)
    assert first.problems != load(seed=1, name="arithmetic", limit=10).problems
    everything = load(name="arithmetic").problems
    assert len(everything) == len({problem.id for problem in everything}) == int(TASKS["arithmetic"].count)
    for problem in everything:
        a, b = problem.id.split("x")
        assert str(int(a) * int(b)) == problem.golds[0]
        assert f"{a} times {b}" in problem.question


def test_a_hub_task_without_a_network_says_what_to_do_instead(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        rsa.UsageError, match=r"MathArena/aime_2025 cannot be loaded: the hub cannot be reached.*--data FILE"
    ):
        load(name="aime25")


def test_a_hub_folder_is_read_by_split(tmp_path):
    (tmp_path / "data").mkdir()
    rows = [{"problem_idx": 1, "problem": "1+1?", "answer": 2}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / "train-00000-of-00001.parquet")
    assert folder_rows(tmp_path, HubSource("x/y", split="train")) == folder_rows(tmp_path, HubSource("x/y")) == rows
    with pytest.raises(ValueError, match="test"):
        folder_rows(tmp_path, HubSource("x/y", split="test"))


def test_frozen_problems_are_read_back_and_checked(tmp_path):
    dataset = load(name="arithmetic", limit=3)
    path = tmp_path / "problems.jsonl"
    path.write_bytes(dataset.lines())
    assert load_problems(path, dataset.sha256()) == dataset.problems
    path.write_bytes(dataset.lines().replace(b"times", b"plus"))
    with pytest.raises(rsa.UsageError, match="has changed since the run started"):
        load_problems(path, dataset.sha256())
    path.unlink()
    with pytest.raises(rsa.UsageError, match="the run directory is not whole"):
        load_problems(path, dataset.sha256())


@pytest.mark.parametrize(("name", "count"), [("aime25", 30), ("hmmt25", 30)])
def test_published_files(published, name, count):
    problems = load(name=name, data=str(published(f"{name}.parquet"))).problems
    assert len({problem.id for problem in problems}) == count
    assert all("\\boxed{}" in problem.question for problem in problems)


def test_published_choices_are_known_for_what_they_are(published):
    problems = load(data=str(published("supergpqa_1.parquet"))).problems
    assert {problem.kind for problem in problems} == {"choice"}
    assert {problem.golds[0] for problem in problems} <= set("ABCDEFGHIJ")
