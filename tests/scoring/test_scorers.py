import pytest

from evals.problems import Problem
from evals.scoring import Scoring, check_golds, read_answer
from rsa.errors import UsageError
from tests.scoring.attempts import chain, judged, outcome


@pytest.mark.parametrize(
    ("text", "gold", "kind", "expected"),
    [
        (r"\boxed{70}", "70", "math", "right"),
        (r"\boxed{71}", "70", "math", "wrong"),
        ("the answer is 70", "70", "math", "no answer"),
        ("", "70", "math", "no answer"),
        (r"\boxed{}", "70", "math", "no answer"),
        (r"\boxed{B}", "B", "choice", "right"),
        (r"\boxed{C}", "b", "choice", "wrong"),
        ("It is 56.", "56", "number", "right"),
        ("It is -56.", "56", "number", "wrong"),
        ("<think>56</think>", "56", "number", "no answer"),
        (r"\boxed{x}", "x", "general", "right"),
        ("<answer>1/2</answer>", "0.5", "general", "right"),
    ],
)
def test_the_scorer_of_each_kind(scoring, text, gold, kind, expected):
    verdict = judged(scoring, text, gold, kind=kind)
    assert outcome(verdict) == expected
    assert (verdict.score, verdict.solved) == ((1.0, True) if expected == "right" else (0.0, False))
    assert (verdict.answer is None) == (expected == "no answer")


def test_a_verdict_knows_its_chain_and_scorer(scoring):
    record = judged(scoring, r"\boxed{70}", "70").to_record()
    assert record.pop("ms") >= 0
    assert record == {
        "problem": "p",
        "repeat": 1,
        "strategy": "s",
        "step": 2,
        "slot": 3,
        "answer": "70",
        "status": "ok",
        "score": 1.0,
        "solved": True,
        "method": "text",
        "scorer_version": scoring.version("math"),
        "vote": "70",
    }


def test_any_of_several_right_answers_will_do(scoring):
    assert judged(scoring, r"\boxed{2}", "1", "2").solved
    assert judged(scoring, r"\boxed{\sqrt{4}}", "1", "2").solved
    assert not judged(scoring, r"\boxed{3}", "1", "2").solved


def test_a_letter_that_was_not_offered_is_no_answer(scoring):
    options = {"options": ["A", "B", "C"]}
    assert outcome(judged(scoring, r"\boxed{C}", "B", kind="choice", extra=options)) == "wrong"
    assert outcome(judged(scoring, r"\boxed{D}", "B", kind="choice", extra=options)) == "no answer"
    assert read_answer(Problem("p", "?", ("B",), "choice", extra=options), r"\boxed{D}") is None


def test_numbers_within_a_tolerance():
    with Scoring("number", tolerance=0.01) as close, Scoring("number") as exact:
        for text, gold, near in [
            ("3.14", "3.1416", True),
            ("3.2", "3.1416", False),
            ("0.001", "0", True),
            ("99", "100", True),
        ]:
            assert judged(close, text, gold, kind="number").solved is near
            assert not judged(exact, text, gold, kind="number").solved
        assert judged(exact, r"\boxed{\frac{1}{2}}", "0.50").solved
        assert close.version("number") != exact.version("number")


@pytest.mark.parametrize(
    ("together", "apart"),
    [
        (
            ["0.5", r"\frac{1}{2}", r"\frac{\sqrt{4}}{4}", r"50\%", "2^{-1}", "x = 0.5", r"\cos 60^\circ"],
            ["0.50001", "50", "-0.5"],
        ),
        (["5 cm", r"5\text{ centimeters}"], ["5 m", "5", r"5\text{ cm}^2"]),
        (["x+1", "1+x", r"\frac{x^2-1}{x-1}"], ["x-1", "y+1"]),
        (["(1,2)", r"\left(1, 2\right)"], ["(2,1)", r"\{1,2\}", "12", "1 2"]),
        ([r"\{1,2\}", r"\{2, 1\}", "1, 2", r"x=1 \text{ or } x=2"], ["1, 3", "1"]),
        (["2,100", "2100"], ["2, 100"]),
        ([r"\frac{9}{\sqrt{23}}", r"\frac{9\sqrt{23}}{23}"], ["1.8766", r"\frac{9}{\sqrt{24}}"]),
        ([r"\text{Yes}", r"\text{Yes}."], ["No"]),
        (["1000000000000000000000000000000001"], ["1000000000000000000000000000000002"]),
        ([r"2^{200}+1"], [r"2^{200}+2"]),
        ([r"\frac{-1\pm\sqrt{17}}{2}", r"\frac{-1-\sqrt{17}}{2}, \frac{-1+\sqrt{17}}{2}"], [r"\frac{-1+\sqrt{17}}{2}"]),
    ],
)
def test_equal_answers_vote_together(scoring, together, apart):
    votes = {answer: judged(scoring, f"\\boxed{{{answer}}}", "123456").vote for answer in (*together, *apart)}
    assert len({votes[answer] for answer in together}) == 1, votes
    assert not {votes[answer] for answer in together} & {votes[answer] for answer in apart}, votes


def test_integers_vote_as_integers():
    with Scoring("integer") as integers:
        problem = Problem("p", "?", ("70",), "math")
        classes = integers.equivalence(problem).classes(["070", r"70^\circ", "x=70", "140/2", "71"])
        assert classes["070"] == classes[r"70^\circ"] == classes["x=70"]
        assert len(set(classes.values())) == 3


def test_unknown_scorers_are_named_before_anything_is_spent():
    with pytest.raises(UsageError, match=r"no scorer 'maths'; did you mean 'math'"):
        check_golds([Problem("p", "?", ("1",), "math")], "maths")


def test_many_chains_are_scored_in_their_order(scoring):
    problem = Problem("p", "?", ("7",), "math")
    scoring.prepare([problem])
    texts = [f"\\boxed{{{number % 10}}}" for number in range(1000)]
    verdicts = list(scoring.score_all((problem, chain(text)) for text in texts))
    assert [verdict.answer for verdict in verdicts] == [str(number % 10) for number in range(1000)]
    assert sum(verdict.solved for verdict in verdicts) == 100


def test_programs_without_a_fence_count_only_where_that_is_asked_for():
    extra = {"style": "stdin", "tests": [{"input": "1\n", "output": "1\n", "public": True}]}
    with Scoring() as strict, Scoring(lenient=True) as lenient:
        assert outcome(judged(strict, "print(input())", kind="code", extra=extra)) == "no answer"
        verdict = judged(lenient, "print(input())", kind="code", extra=extra)
        assert (outcome(verdict), verdict.method) == ("right", "solved")
        assert strict.version("code") != lenient.version("code")


def test_programs_are_told_apart_by_outcome_and_vote_by_behaviour(scoring):
    tests = [{"input": f"{n}\n", "output": f"{2 * n}\n", "public": n < 2} for n in range(4)]
    extra = {"style": "stdin", "tests": tests, "limits": {"seconds": 1}}

    def verdict(program):
        return judged(scoring, f"```python\n{program}\n```", kind="code", extra=extra)

    right, other = verdict("print(2 * int(input()))"), verdict("n = int(input())\nprint(n + n)")
    assert (right.solved, other.solved, right.vote) == (True, True, other.vote)
    wrong = verdict("n = int(input())\nprint(2 * n if n < 2 else 0)")
    assert (wrong.status, wrong.method, wrong.vote) == ("ok", "wrong_answer", right.vote)  # the same on the public tests
    assert wrong.detail.startswith("test 3: ")
    crash, slow = verdict("1 / 0"), verdict("while True: pass")
    assert (crash.method, slow.method, crash.vote) == ("runtime_error", "time_limit", None)
    assert "ZeroDivisionError" in crash.detail
