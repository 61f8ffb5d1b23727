import pytest

from evals.comparison.config import ComparisonConfig, entries, read_sweeps, remembered
from evals.loading import checked
from rsa.errors import UsageError
from rsa.strategies import label


def config(**content) -> ComparisonConfig:
    return checked({"task": {"data": "d.jsonl"}, **content}, {}, "test", ComparisonConfig)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("majority(n=6)", "majority(n=6)"),
        (" rsa( n = 4, k=2 ,steps=3 ) ", "rsa(n=4,k=2,steps=3)"),
        ("sample", "sample"),
        ("sample()", "sample"),
    ],
)
def test_a_strategy_is_read_as_results_name_it(text, named):
    (strategy,) = config(strategies=[text]).strategies
    assert label(strategy.build()) == named


@pytest.mark.parametrize(
    "text", ["rsa(n=4", "rsa(4,2,3)", "rsa(n)", "rsa(n=[)", "rsa(n=4,n=5)", "majority(n=2)x", "rsa n=4", "", "rsa(n=4,)"]
)
def test_what_is_not_quite_a_strategy_is_told_and_not_guessed(text):
    with pytest.raises(UsageError, match=r"such as rsa\(n=16,k=4,steps=10\)"):
        config(strategies=[text])


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("limit", "the same problems"),
        ("task.name", "the same problems"),
        ("scorer", "rsa-eval score"),
        ("endpoint.model", "rsa-eval run"),
        ("endpoint.extra_body", "rsa-eval run"),
        ("serve", "rsa-eval run"),
        ("out", "does not change"),
        ("budget.calls", "does not change"),
    ],
)
def test_only_what_makes_other_chains_of_the_same_problems_on_one_server_can_be_swept(key, remedy):
    with pytest.raises(UsageError, match=f"{key} cannot be swept: .*{remedy}"):
        entries(config(sweep={key: [1, 2]}))


@pytest.mark.parametrize("key", ["steps", "strategy.k", "temperature", "sampling.top_p", "seed", "repeats"])
def test_what_can_be_swept(key):
    assert len(entries(config(sweep={key: [1]}))[0]) == 1


def test_the_same_run_under_two_names_is_told():
    with pytest.raises(UsageError, match=r"rsa.* temperature=1 is there twice, also as rsa.* temperature=1.0"):
        entries(config(sweep={"temperature": [1, 1.0]}))
    with pytest.raises(UsageError, match="is there twice: leave one out"):
        entries(config(strategies=["majority(n=2)"], strategy="majority", sweep={"n": [2, 4]}))


def test_no_two_runs_get_the_same_folder_and_none_a_name_that_is_too_long():
    systems = ["Hi!", "Hi?", "Hi", "x" * 300, "x" * 301, "é" * 300]
    made, _ = entries(config(sweep={"sampling.system": systems}, strategy="sample"))
    folders = [entry.folder for entry in made]
    assert len({folder.lower() for folder in folders}) == len(systems)
    assert all(len(folder.encode()) < 200 and "/" not in folder for folder in folders)
    (alone, *_), _ = entries(config(sweep={"sampling.system": ["Hi?"]}, strategy="sample"))
    assert alone.folder == folders[1], "a run keeps its folder, whatever comes beside it"


def test_a_run_can_be_made_again_from_what_is_recorded_of_it():
    content = config(strategies=["majority(n=6)"], sweep={"k": [1, 2], "temperature": [0.5]})
    made, _ = entries(content)
    recorded = {entry.folder: {"name": entry.name, "given": entry.given} for entry in made}
    assert remembered(config(), recorded) == made


def test_a_sweep_is_read_once_for_each_key():
    assert read_sweeps(["k=1,2", "sampling.stop=[a],null"]) == {"k": [1, 2], "sampling.stop": [["a"], None]}
    for texts in (["k"], ["=1"], ["k="], ["k=]"], ["k=1", "k=2"]):
        with pytest.raises(UsageError, match="such as --sweep k=1,2,4"):
            read_sweeps(texts)
