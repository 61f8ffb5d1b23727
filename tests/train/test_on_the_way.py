"""What is asked on the way of a training run: trees, fresh candidates, evaluations. None of it needs a trainer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from evals.train.training.data import TrainingRow, read_training_set, visiting_order
from evals.train.training.fresh import Refresher
from evals.train.training.policy import Evaluation, Reply
from evals.train.training.trees import Forest, credited
from rsa.compaction import COMPACTIONS
from rsa.generation import Question
from rsa.kinds import kind_named
from rsa.prompts import Prompts

# trees


QUESTION = Question("Why?", kind_named("text"))


def test_a_tree_is_asked_population_after_population_and_reads_its_own():
    forest = Forest(rsa.RSA(3, 2, 3), Prompts("brief"), COMPACTIONS["answer"], 0)
    trees = forest.plant([QUESTION, QUESTION], 5)
    rounds = []

    def ask(conversations):
        rounds.append(conversations)
        return [f"reply {len(rounds)}.{number}" for number in range(len(conversations))]

    replies = forest.grow(trees, ask, lambda text: text)
    assert [len(asked) for asked in rounds] == [6, 6, 6]
    assert all(asked[0]["content"] == "Why?" for asked in rounds[0])
    assert replies == [f"reply {step}.{slot + 3 * tree}" for tree in range(2) for step in (1, 2, 3) for slot in range(3)]
    for number, (asked,) in enumerate(rounds[1]):
        shown = [text for text in [f"reply 1.{place}" for place in range(6)] if text in asked["content"]]
        assert len(shown) == 2
        assert {int(text[-1]) // 3 for text in shown} == {number // 3}, "a tree reads no other"
    assert [tree.plan for tree in forest.plant([QUESTION, QUESTION], 6)] != [tree.plan for tree in trees]


def test_a_tree_shows_what_the_engine_would():
    """No thinking and no blank candidates; a chain that has nothing to read is asked the plain question."""
    forest = Forest(rsa.RSA(2, 2, 2), Prompts("brief"), COMPACTIONS["answer"], 0)
    trees = forest.plant([QUESTION, QUESTION], 0)
    replies = iter(["<think>secret</think>7", "8", "9", " "] + ["last"] * 4)
    rounds = []

    def ask(conversations):
        rounds.append([turn["content"] for (turn,) in conversations])
        return [next(replies) for _ in conversations]

    forest.grow(trees, ask, lambda text: text)
    assert all("7" in asked and "8" in asked and "secret" not in asked for asked in rounds[1][:2])
    assert all(asked == forest.prompts.render("refine", "Why?", ["9"], QUESTION.kind) for asked in rounds[1][2:])
    rounds.clear()
    replies = iter([""] * 8)
    forest.grow(trees, ask, lambda text: text)
    assert rounds == [["Why?"] * 4] * 2


def test_the_last_population_is_credited_to_the_whole_tree():
    strategy = rsa.RSA(2, 1, 3)
    assert credited([1.0, 0.0, None, 1.0, None, None], strategy) == [0.5] * 6 + [1.0] * 6 + [None] * 6


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6), st.integers(1, 8))
def test_the_baseline_over_sequences_is_that_over_trees_but_for_a_factor(trees, chains):
    sequences = [reward for reward in trees for _ in range(chains)]
    factor = chains * (len(trees) - 1) / (len(sequences) - 1)
    for reward in trees:
        over_sequences = reward - (sum(sequences) - reward) / (len(sequences) - 1)
        over_trees = reward - (sum(trees) - reward) / (len(trees) - 1)
        assert over_sequences == pytest.approx(over_trees * factor, abs=1e-9)


# fresh candidates


def test_only_the_prompts_until_the_next_refresh_are_sampled(data, tmp_path):
    rows = read_training_set(data).train
    visited = [rows[place] for place in visiting_order(rows, 24, 0)]
    refresher = Refresher(visited, 4, 2, Prompts("brief"), COMPACTIONS["answer"], tmp_path / "candidates")
    asked = []

    def sample(conversations):
        asked.extend(conversations)
        return [Reply(f"fresh {len(asked)}.{number}", whole=True) for number in range(len(conversations))]

    texts = refresher.candidates(3, sample, keep=True)
    assert set(texts) == {place for place in range(8, 16) if visited[place].candidates}
    assert all(len(each) == 2 for each in texts.values())
    assert all(turns[-1]["content"].startswith("Digit") and "\n" not in turns[-1]["content"] for turns in asked)
    for place in range(8, 16):
        shown = refresher.prompt(place, texts)[-1]["content"]
        expected = (
            all(text in shown for text in texts[place]) if place in texts else shown == visited[place].prompt[-1]["content"]
        )
        assert expected
    later = next(place for place in range(16, 24) if visited[place].candidates)
    with pytest.raises(KeyError):
        refresher.prompt(later, texts)
    assert refresher.candidates(2, lambda _: pytest.fail("they are recorded"), keep=True) == texts
    assert [step for step in range(6) if refresher.due(step)] == [0, 2, 4]


def test_fresh_candidates_are_shown_as_the_engine_would(data, tmp_path):
    rows = [row for row in read_training_set(data).train if row.candidates][:2]
    refresher = Refresher(rows, 2, 1, Prompts("brief"), COMPACTIONS["answer"], tmp_path / "candidates")
    texts = refresher.candidates(
        0, lambda _: [Reply(t, whole=True) for t in ("<think>secret</think>7", "", " ", "")], keep=False
    )
    assert texts == {0: ["7"], 1: []}
    told = refresher.prompts.render("refine", rows[0].question.text, ["7"], rows[0].question.kind)
    assert refresher.prompt(0, texts)[-1]["content"] == told
    assert refresher.prompt(1, texts) == [dict(turn) for turn in rows[1].prompt], (
        "those of the data set are better than none"
    )


# evaluations


def judged(truths, texts):
    return [None if text == "?" else float("right" in text) for text in texts]


def evaluation(rows, strategy=None, reward=judged):
    return Evaluation(rows, strategy or rsa.RSA(4, 2, 3), "brief", "answer", 0, 64, reward)


def row(text: str) -> TrainingRow:
    question = Question(text, kind_named("text"))
    return TrainingRow((), question, 0, "test", json.dumps({"question": text}))


def test_an_evaluation_tells_of_the_first_and_the_last_population():
    calls = []

    def sample(conversations):
        calls.append(len(conversations))
        plain = len(calls) == 1
        return [Reply("wrong" if plain and number % 4 else "right", whole=True) for number, _ in enumerate(conversations)]

    found = evaluation([row("a"), row("b")]).of(sample)
    assert found == {"accuracy_step_1": 0.25, "coverage_step_1": 1.0, "accuracy_step_3": 1.0, "coverage_step_3": 1.0}
    assert calls == [8, 8, 8], "calls that wait together are answered together"


def test_replies_that_nobody_could_judge_and_blank_ones_do_not_count():
    def sample(conversations):
        return [Reply(["?", " ", "right", "wrong"][number % 4], whole=True) for number, _ in enumerate(conversations)]

    found = evaluation([row("a")], rsa.Majority(4)).of(sample)
    assert found["accuracy_step_1"] in (0.5, 2 / 3, 1 / 3), "the blank one was asked again, at another place in its batch"


def test_what_the_sampler_raises_ends_the_evaluation():
    def sample(conversations):
        raise MemoryError("no room for a batch")

    with pytest.raises(MemoryError, match="no room"):
        evaluation([row("a"), row("b")]).of(sample)


def test_a_policy_that_says_nothing_has_no_accuracy():
    assert evaluation([row("a")]).of(lambda asked: [Reply("", whole=False) for _ in asked]) == {}
