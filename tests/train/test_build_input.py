"""Bad input to `rsa-train build`: one message with the place and the remedy, before anything is spent."""

import json
import subprocess
import sys

import pytest

from tests.byte_tokenizer import byte_tokenizer
from tests.evaluation.test_cli import HEAVY
from tests.train.building import problems


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"agregation_share": 0.5}, "build.yaml, line 1: unknown key 'agregation_share'; did you mean 'aggregation_share'?"),
        ({"sources": [{"task": "arithmetic", "shore": 1}]}, "unknown key 'sources.0.shore'; did you mean 'share'"),
        ({"sources": []}, "sources: List should have at least 1 item"),
        ({"sources": [{"task": "arithmetc"}]}, "there is no task 'arithmetc'; did you mean 'arithmetic'"),
        ({"sources": [{"task": "arithmetic", "share": 1}, {"task": "aime_style"}]}, "1 of 2 have no share"),
        ({"sources": [{"task": "arithmetic"}, {"task": "arithmetic"}]}, "two of them are called arithmetic"),
        ({"sources": [{"task": "arithmetic:4"}]}, "not repeated: leave repeats out"),
        ({"k": 5}, "k=5 candidates cannot be drawn from n=4: lower k or raise n"),
        ({"aggregations": 5}, "aggregations=5, but there are n=4 draws"),
        ({"aggregation_share": 1.5}, "aggregation_share: Input should be less than or equal to 1"),
        ({"filter": {"least_solved": 0.9, "most_solved": 0.1}}, "least_solved=0.9 is above most_solved=0.1"),
        (
            {"sampling": {"max_tokens": 800}},
            "4 candidates of up to 800 tokens each may be longer than the 1,500 tokens that max_prompt_tokens=2,000 leaves "
            "beside the question: lower sampling.max_tokens to 375 or k, or raise max_prompt_tokens, or drop the prompts "
            "that become too long (long_prompts=drop)",
        ),
        ({"sampling": {"max_tokens": 2001}, "long_prompts": "drop"}, "lower sampling.max_tokens to 375"),
        (
            {"max_prompt_tokens": 4096, "endpoint": {"context": 4096}},
            "leaves no room for a reply in the model's context",
        ),
        ({"decontamination": {"against": [{"data": "nowhere.jsonl"}]}}, "nowhere.jsonl cannot be read"),
        ({"endpoint": {}}, "there is no model server"),
        ({"endpoint": {"base_url": "http://127.0.0.1:9/v1"}}, "is the server running?"),
        ({"endpoint": {"tokenizer": "./no/where"}}, "tokenizer './no/where' cannot be loaded"),
        ({"prompts": "defalt"}, "neither a folder nor a shipped preset; did you mean 'default'"),
    ],
    ids=str,
)
def test_bad_configuration(builder, changes, says):
    builder.config(**changes)
    done = builder.run()
    assert (done.exit_code, builder.server.requests) == (2, [])
    assert says in done.stderr
    assert not list((builder.folder / "runs").glob("*")), "a failed start left a folder"


def test_a_place_in_a_list_has_its_line(builder):
    (builder.folder / "build.yaml").write_text("sources:\n- task: arithmetic\n- task: aime_style\n  shares: 2\n")
    assert "build.yaml, line 4: unknown key 'sources.1.shares'" in builder.run().stderr


@pytest.mark.parametrize("row", [{"id": "x", "question": "Q?", "answer": ""}, {"id": "x", "question": "Q?"}])
def test_data_without_right_answers(builder, row):
    builder.data([*problems(2), row])
    done = builder.run()
    assert (done.exit_code, builder.server.requests) == (2, [])
    assert "row 3" in done.stderr
    assert "answer" in done.stderr


def test_a_problem_that_nothing_can_judge(builder):
    """A Reasoning Gym item may have no answer to show, but then another scorer than its own has nothing to compare with."""
    entry = {"question": "Q?", "answer": None, "metadata": {"source_dataset": "rush_hour"}}
    messages = [{"role": "user", "content": "Q?"}]
    builder.data([{"prompt": messages, "ability": "games", "extra_info": {"entry": json.dumps(entry)}}])
    builder.config(sources=[{"task": {"data": "data.jsonl", "scorer": "exact"}}])
    done = builder.run()
    assert done.exit_code == 2
    assert "it has no right answer, and the scorer exact has nothing else to judge by" in done.stderr


def test_a_tokenizer_without_a_chat_template(builder):
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = None
    tokenizer.save_pretrained(builder.folder / "base")
    done = builder.run("--set", "endpoint.tokenizer=base")
    assert (done.exit_code, builder.server.requests) == (2, [])
    assert "tokenizer 'base' has no chat template" in done.stderr
    assert "name one that has" in done.stderr


def test_a_tokenizer_counts(builder):
    byte_tokenizer().save_pretrained(builder.folder / "bytes")
    builder.server.tokenizes = False
    builder.built("--set", "endpoint.tokenizer=bytes")
    frame = "<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n"
    special = len("<|im_start|>") * 2 + len("<|im_end|>") - 3
    for row in builder.both():
        assert row["prompt_tokens"] == len(row["prompt"][0]["content"].encode()) + len(frame) - special


def test_a_server_that_does_not_count(builder):
    builder.server.tokenizes = False
    done = builder.run()
    assert (done.exit_code, builder.server.requests) == (2, [])
    assert "does not count the tokens of prompts" in done.stderr
    assert "endpoint.tokenizer" in done.stderr


def test_a_folder_of_something_else_is_left_alone(builder):
    done = builder.run("--out", ".")
    assert done.exit_code == 2
    assert "is not a training set and not empty (it holds build.yaml)" in done.stderr


def test_what_is_the_users_is_never_taken_away(builder):
    """A start that fails takes back its own files, and nothing that only lies where they would."""
    (builder.folder / "out" / "sources").mkdir(parents=True)
    (builder.folder / "out" / "sources" / "mine.txt").write_text("mine")
    builder.config(sources=[{"task": {"name": "arithmetic", "limit": 2}}], endpoint={})
    assert builder.run("--out", "out").exit_code == 2
    assert [path.name for path in (builder.folder / "out").rglob("*")] == ["sources", "mine.txt"]


def test_nothing_left_is_told(builder):
    builder.config(decontamination={"against": [{"data": "data.jsonl"}]})
    done = builder.run()
    assert done.exit_code == 2
    assert "no problems are left of 16: 0 ask the same as another, 16 are in an evaluation set" in done.stderr


def test_help_imports_nothing_heavy():
    script = (
        f"import sys\nsys.argv = ['rsa-train', '--help']\nfrom evals.train.cli import main\ntry:\n    main()\n"
        f"except SystemExit:\n    pass\nprint('LOADED', sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "LOADED []" in output
