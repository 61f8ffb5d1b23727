import pytest

from evals.config import TaskConfig
from evals.problems import Problem
from evals.scoring import score
from evals.tasks import load_task
from rsa.chain import Chain, Status


def verdict(text: str, gold: str, kind: str = "math"):
    chain = Chain("p", 1, "s", 2, 3, (), "m", 0, "", text, "stop", Status.OK)
    return score(Problem("p", "?", gold, kind), chain)


@pytest.mark.parametrize(
    ("text", "gold", "kind", "status", "solved"),
    [
        (r"\boxed{70}", "70", "math", "ok", True),
        (r"\boxed{070}", "70", "math", "ok", True),
        (r"\boxed{70.}", "70", "math", "ok", True),
        (r"$$\boxed{1{,}000}$$ apples", "1000", "math", "ok", True),
        (r"\boxed{71}", "70", "math", "ok", False),
        (r"\boxed{12} and \boxed{70}", "70", "math", "ok", True),
        (r"\boxed{70} or \boxed{12}", "70", "math", "ok", False),
        ("the answer is 70", "70", "math", "no_answer", False),  # a number without a box is not credited
        (r"\boxed{\dfrac{1}{576}}", r"\frac{1}{576}", "math", "ok", True),
        (r"\boxed{B}", "B", "choice", "ok", True),
        (r"\boxed{C}", "B", "choice", "ok", False),
        (r"\boxed{Z}", "B", "choice", "no_answer", False),
        ("It is 56.", "56", "number", "ok", True),
        ("It is 56.0", "56", "number", "ok", True),
        ("It is 54.", "56", "number", "ok", False),
        ("Well.", "56", "number", "no_answer", False),
        ("<think>56</think>", "56", "number", "no_answer", False),
    ],
)
def test_verdicts(text, gold, kind, status, solved):
    found = verdict(text, gold, kind)
    assert (found.status, found.solved, found.score) == (status, solved, float(solved))
    assert (found.answer is None) == (status == "no_answer")


def test_a_verdict_knows_its_chain_and_scorer():
    record = verdict(r"\boxed{70}", "70").to_record()
    assert {name: record[name] for name in ("problem", "repeat", "strategy", "step", "slot", "answer", "method")} == {
        "problem": "p",
        "repeat": 1,
        "strategy": "s",
        "step": 2,
        "slot": 3,
        "answer": "70",
        "method": "integer",
    }
    assert record["scorer_version"]
    assert record["ms"] >= 0


@pytest.mark.parametrize("name", ["aime25", "hmmt25"])
def test_every_published_gold_is_right_for_itself_and_for_no_other_problem(published, name):
    problems = load_task(TaskConfig(name=name, data=str(published(f"{name}.parquet"))), 0).problems
    for problem in problems:
        for other in problems:
            found = verdict(f"So it is \\boxed{{{problem.gold}}}.", other.gold)
            assert found.solved == (problem.gold == other.gold), (problem.gold, other.gold)
