import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import rsa
from evals.scoring import check_golds
from evals.tasks import TASKS, load_task, scorer_of
from evals.tasks.config import TaskConfig


def load(**config):
    section = TaskConfig(**config)
    dataset = load_task(section, 0)
    check_golds(dataset.problems, scorer_of(section))
    return dataset


def as_jsonl(folder, rows):
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_name_with_a_number_repeats_every_problem():
    config = TaskConfig(name="arithmetic:16")
    assert (config.name, config.repeats) == ("arithmetic", 16)
    gym = TaskConfig(name="reasoning_gym:maze,sudoku:4")
    assert (gym.name, gym.repeats) == ("reasoning_gym:maze,sudoku", 4)
    assert TaskConfig(name="arithmetic:3", repeats=3).repeats == 3
    with pytest.raises(ValueError, match="says 3 repeats, but repeats is 4"):
        TaskConfig(name="arithmetic:3", repeats=4)
    with pytest.raises(rsa.UsageError, match=r"behind the colon stands how often.*arithmetic:16"):
        load(name="arithmetic:often")


def test_the_shipped_set_needs_no_network():
    dataset = load(name="aime_style", limit=5)
    assert (len(dataset.problems), dataset.rows) == (5, int(TASKS["aime_style"].count))
    problem = dataset.problems[0]
    assert (problem.kind, scorer_of(TaskConfig(name="aime_style"))) == ("math", "integer")
    assert problem.question.endswith(r"Give the final answer within \boxed{}.")
    assert load(name="aime_style", instruction="").problems[0].question.endswith(("$.", ".", "?"))


SUPERGPQA = [
    {
        "uuid": f"u{number}",
        "question": f"Question {number}?",
        "options": ["left", "right", "up"],
        "answer": "up",
        "answer_letter": "C",
        "discipline": "Science" if number % 2 else "Law",
        "difficulty": ("easy", "middle", "hard")[number % 3],
    }
    for number in range(30)
]


def test_multiple_choice_rows_show_their_options(tmp_path):
    problem = load(name="supergpqa", data=as_jsonl(tmp_path, SUPERGPQA)).problems[4]
    assert problem.question.startswith("Question 4?\n\nA. left\nB. right\nC. up\n\n")
    assert (problem.id, problem.golds, problem.kind) == ("u4", ("C",), "choice")
    assert (problem.groups, problem.extra) == ({"discipline": "Law", "difficulty": "middle"}, {"options": ["A", "B", "C"]})
    as_text = load(data=as_jsonl(tmp_path, SUPERGPQA), kind="choice").problems[4]
    assert as_text.golds == ("C",)  # the right option may be given as its text


def test_supergpqa_by_discipline_difficulty_and_sample(tmp_path):
    data = as_jsonl(tmp_path, SUPERGPQA)

    def ids(**config):
        return [problem.id for problem in load(name="supergpqa", data=data, **config).problems]

    assert ids(discipline="Law") == [f"u{number}" for number in range(0, 30, 2)]
    assert ids(discipline="Law", difficulty="hard") == ["u2", "u8", "u14", "u20", "u26"]
    sample = ids(size=10)
    assert sample == ids(size=10) != ids(size=10, data_seed=1)
    assert len(set(sample)) == 10
    assert sample == sorted(sample, key=lambda name: int(name[1:]))
    with pytest.raises(rsa.UsageError, match=r"no question has the discipline 'law'; did you mean 'Law'"):
        ids(discipline="law")


def test_published_choices_have_their_groups(published):
    config = {"name": "supergpqa", "data": str(published("supergpqa_1.parquet"))}
    problems = load(**config).problems
    assert {name for problem in problems for name in problem.groups} == {"discipline", "difficulty"}
    assert {problem.groups["discipline"] for problem in load(**config, discipline="Science").problems} == {"Science"}
    assert all(len(problem.extra["options"]) >= 2 for problem in problems)


def test_own_files_have_options_groups_and_several_right_answers(tmp_path):
    rows = [{"q": "?", "gold": ["1", 2], "level": "easy", "nr": 1}, {"q": "??", "gold": 3, "level": "hard", "nr": 2}]
    problems = load(data=as_jsonl(tmp_path, rows), question_field="q", group_fields=["level"], id_field="nr").problems
    assert [(problem.golds, problem.groups) for problem in problems] == [
        (("1", "2"), {"level": "easy"}),
        (("3",), {"level": "hard"}),
    ]
    with pytest.raises(rsa.UsageError, match=r"no column 'nope'; name one with task\.group_fields"):
        load(data=as_jsonl(tmp_path, rows), question_field="q", group_fields=["nope"])


def test_images_are_refused(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.Table.from_pylist([{"question": "?", "answer": "1", "picture": {"bytes": b"x", "path": None}}]), path)
    with pytest.raises(rsa.UsageError, match="row 1: the column 'picture' holds an image"):
        load(data=str(path))


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"name": "aime25", "size": 3}, "size"),
        ({"name": "arithmetic", "discipline": "Law"}, "discipline"),
        ({"name": "aime_style", "split": "test"}, "split"),
        ({"name": "reasoning_gym:maze", "release": "v6"}, "release"),
    ],
)
def test_a_key_of_another_task_is_refused(config, key):
    with pytest.raises(rsa.UsageError, match=rf"task\.{key}: {config['name']} takes no {key}"):
        load(**config)


def test_a_task_of_a_file_asks_for_it():
    with pytest.raises(rsa.UsageError, match="rg_games: it is read from a file: name it with --data FILE"):
        load(name="rg_games")


@pytest.mark.parametrize("config", [{"name": "aime24"}, {"name": "supergpqa"}, {"data": "org/name"}])
def test_without_a_network_hub_data_is_told_at_once_with_a_remedy(monkeypatch, config):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(rsa.UsageError, match=r"the hub cannot be reached.*--data FILE"):
        load(**config)


def test_reasoning_gym_items_are_the_same_in_every_process():
    pytest.importorskip("reasoning_gym")
    first = load(name="reasoning_gym:countdown,maze", size=5)
    assert first == load(name="reasoning_gym:countdown,maze", size=5)
    assert Counter(problem.groups["dataset"] for problem in first.problems) == {"countdown": 3, "maze": 2}
    assert first.details == {"datasets": ["countdown", "maze"], "data_seed": 0}
    assert first.source == "reasoning-gym 0.1.25"
    assert load(name="reasoning_gym:countdown,maze", size=5, data_seed=1) != first
    problem = first.problems[0]
    assert problem.question.endswith("Give the final answer between <answer> and </answer> tags.")
    assert problem.extra["entry"]["answer"] == problem.golds[0]


def test_reasoning_gym_takes_categories_and_parameters():
    pytest.importorskip("reasoning_gym")
    games = load(name="reasoning_gym:games", size=17).problems
    assert len({problem.groups["dataset"] for problem in games}) == 17
    small = load(name="reasoning_gym:mini_sudoku", size=1, parameters={"mini_sudoku": {"min_empty": 1, "max_empty": 1}})
    assert len(small.problems) == 1
    for config, says in [
        ({"name": "reasoning_gym"}, "name data sets or categories, such as reasoning_gym:games"),
        ({"name": "reasoning_gym:mazes"}, "no data set or category 'mazes'; did you mean 'maze'"),
        ({"name": "reasoning_gym:maze", "parameters": {"maze": {"size_": 1}}}, "task.parameters: maze: .*size_"),
        ({"name": "reasoning_gym:maze", "parameters": {"sudoku": {}}}, "sudoku is not among the data sets maze"),
    ]:
        with pytest.raises(rsa.UsageError, match=says):
            load(**config)


def test_verl_rows_of_reasoning_gym_bring_their_entry(tmp_path):
    entry = {"question": "?", "answer": "5", "metadata": {"source_dataset": "countdown"}}
    row = {
        "prompt": [{"role": "user", "content": "?"}],
        "ability": "games",
        "reward_model": {"ground_truth": "5"},
        "extra_info": {"dataset_name": "countdown", "entry": json.dumps(entry)},
    }
    problem = load(data=as_jsonl(tmp_path, [row])).problems[0]
    assert (problem.kind, problem.golds, problem.extra) == ("gym", ("5",), {"dataset": "countdown", "entry": entry})
    row["extra_info"]["entry"] = "not json"
    with pytest.raises(rsa.UsageError, match=r"row 1: extra_info\.entry is not the JSON"):
        load(data=as_jsonl(tmp_path, [row]))
