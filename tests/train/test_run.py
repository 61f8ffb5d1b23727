"""What `rsa-train run` settles before anything is spent."""

from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evals.problems import Problem
from evals.tasks.ground_truth import GroundTruth
from evals.train.training.config import TrainConfig
from evals.train.training.data import read_training_set, visiting_order
from evals.train.training.run import prepare_training
from evals.train.training.stacks import check_stack
from rsa.errors import UsageError
from rsa.settings import load
from tests.train.digits import CONFIGS, rewritten, shape, train


def config(data: Path, model: Path, **changes) -> TrainConfig:
    content = yaml.safe_load((CONFIGS / "miniature.yaml").read_text())
    return TrainConfig.model_validate({**content, "data": str(data), "model": str(model), **changes})


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configurations_are_valid(path):
    content = yaml.safe_load(path.read_text())
    if "sources" not in content and "task" not in content:
        load(path, {}, TrainConfig, "")
    assert path.read_text().startswith(f"# rsa-{'eval' if 'task' in content else 'train'} ")


def test_the_papers_hyperparameters_are_the_defaults():
    papers = load(CONFIGS / "paper_4gpu.yaml", {}, TrainConfig, "")
    defaults = TrainConfig(model=papers.model, data=papers.data, out=papers.out)
    shared = ("steps", "prompts_per_step", "rollouts", "learning_rate", "kl", "max_prompt_tokens", "max_reply_tokens")
    assert [getattr(papers, key) for key in shared] == [getattr(defaults, key) for key in shared]
    assert [getattr(papers, key) for key in shared] == [300, 256, 4, 1e-6, 0.0, 33792, 8192]


def test_a_training_set_is_read_back(data):
    read = read_training_set(data)
    shown = Counter(row.candidates for row in read.train)
    assert set(shown) == {0, 2}
    assert (read.prompts, read.compaction) == ("brief", "answer")
    assert abs(shown[0] - shown[2]) <= 1
    asked = read.questions(3)
    assert len({row.question.text for row in asked}) == 3


@given(st.integers(1, 30), st.integers(0, 100), st.integers(0, 5))
def test_every_row_is_visited_once_before_any_is_visited_again(rows, count, seed):
    order = visiting_order([None] * rows, count, seed)  # type: ignore[list-item]
    assert len(order) == count
    for start in range(0, count - rows + 1, rows):
        assert sorted(order[start : start + rows]) == list(range(rows))
    assert order[: count // 2] == visiting_order([None] * rows, count // 2, seed)  # type: ignore[list-item]


BAD = [
    (
        {"max_prompt_tokens": 60},
        r"data: a prompt with its candidates has \d+ tokens, and max_prompt_tokens is 60: build the",
    ),
    ({"max_reply_tokens": 9000}, "do not fit the context of 8192 that"),
    ({"sequences_per_device": 30}, "32 sequences a step cannot be shared out as 30 at a time on 1 devices"),
    (
        {"on_policy": {"every": 2}, "max_reply_tokens": 500, "evaluation": None},
        "on_policy: a prompt with 2 replies of up to 500",
    ),
    (
        {"end_to_end": {"k": 3}, "max_reply_tokens": 400, "evaluation": None},
        "end_to_end: a prompt with 3 replies of up to 400",
    ),
    ({"max_reply_tokens": 600}, "evaluation.strategy: a prompt with 2 replies of up to 600 tokens may have 1[23]"),
    ({"prompts": "brieff"}, "neither a folder nor a shipped preset; did you mean 'brief'"),
]


@pytest.mark.parametrize(("changes", "told"), BAD, ids=[told[:30] for _, told in BAD])
def test_what_does_not_go_together_is_told_before_anything_is_spent(data, model, changes, told):
    with pytest.raises(UsageError, match=told):
        prepare_training(config(data, model, **changes))


def test_a_tokenizer_without_a_chat_template_is_named_with_its_remedy(data, tmp_path):
    folder = shape(tmp_path / "m")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(UsageError, match=r"has no chat template.* the instruct model, or put a chat_template.jinja"):
        prepare_training(config(data, folder))


@pytest.mark.parametrize(
    ("truth", "told"),
    [
        ("", "has no right answer in reward_model.ground_truth"),
        (
            GroundTruth(Problem("p", "?", (), "math"), "math").to_json(),
            "train.parquet, row 1: it has no right answer, and the scorer math has nothing else to judge by",
        ),
        ("42", "must come out of a data set that rsa-train build made"),
    ],
)
def test_a_data_set_without_golds_is_refused(data, model, tmp_path, truth, told):
    bad = rewritten(data, tmp_path / "bad", reward_model={"style": "rule", "ground_truth": truth})
    with pytest.raises(UsageError, match=told):
        prepare_training(config(bad, model))


def test_a_folder_without_a_training_set_says_how_to_make_one(model, tmp_path):
    with pytest.raises(UsageError, match="make the data set first"):
        prepare_training(config(tmp_path, model))


def test_a_model_that_is_not_there(data):
    with pytest.raises(UsageError, match="model: there is no folder '/nowhere'"):
        prepare_training(config(data, Path("/nowhere")))


def test_a_folder_holds_one_run(data, model, tmp_path):
    prepare_training(config(data, model, out=str(tmp_path / "run"))).begin({})
    prepare_training(config(data, model, out=str(tmp_path / "run"), save_every=7)).begin({})
    with pytest.raises(UsageError, match=r"learning_rate: [\d.]+ there, 0.5 here"):
        prepare_training(config(data, model, out=str(tmp_path / "run"), learning_rate=0.5)).begin({})
    with pytest.raises(UsageError, match="backend: 'trl' there, 'verl' here"):
        prepare_training(config(data, model, out=str(tmp_path / "run")), "verl").begin({})


def test_a_folder_that_holds_something_else_is_left_alone(data, model, tmp_path):
    with pytest.raises(UsageError, match=r"not the folder of a training run and not empty \(it holds build.yaml\)"):
        prepare_training(config(data, model, out=str(data))).begin({})
    (tmp_path / "train.yaml").write_text("- no run of ours\n")
    with pytest.raises(UsageError, match=r"train\.yaml is not what rsa-train run writes"):
        prepare_training(config(data, model, out=str(tmp_path))).begin({})


def test_a_folder_that_cannot_be_made_is_told(data, model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"out: .*file/run cannot be used \(Not a directory\): name another folder"):
        prepare_training(config(data, model, out=str(tmp_path / "file" / "run"))).begin({})


def test_stacks_exclude_each_other():
    def installed(*names):
        return lambda name: "1.0" if name in names else None

    check_stack("trl", version=installed("trl"))
    with pytest.raises(UsageError, match=r"this environment has trl and verl, .*pip install '.*\[train-trl\]'"):
        check_stack("trl", version=installed("trl", "verl"))
    with pytest.raises(UsageError, match=r"--backend verl needs verl, .*pip install '.*\[train-verl\]'"):
        check_stack("verl", version=installed())
    with pytest.raises(UsageError, match=r"this run needs vllm, which is not installed: .*or set generation.engine"):
        check_stack("trl", ["vllm"], installed("trl"))


def test_the_command_tells_mistakes_in_one_message(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("model: m\nlora: {rang: 3}\nend_to_end: {n: 2, k: 3}\n")
    done = train(path)
    assert done.exit_code == 2
    assert "line 2: unknown key 'lora.rang'; did you mean 'rank'?" in done.stderr
    assert "k=3 candidates cannot be drawn from a population of n=2" in done.stderr
    assert "data is missing" in done.stderr
