"""Every published right answer is right for its own problem, however it is dressed up, and for no other one."""

import itertools
from contextlib import ExitStack
from functools import cache

import pytest

from evals.scoring import Scoring, read_answer
from evals.scoring.latex import plain_number
from evals.tasks import load_task, scorer_of
from evals.tasks.config import TaskConfig
from tests.scoring.attempts import chain

MATH = ("aime25", "hmmt25")
CHOICES = ("supergpqa_1", "supergpqa_2")
GYM = ("rg_games", "rg_cognition")

ENDINGS = {
    "plain": r"So it is \boxed{GOLD}.",
    "bold": r"**Final answer:** **\boxed{GOLD}**",
    "bold inside": r"\boxed{\mathbf{GOLD}}",
    "dot inside": r"The answer is \boxed{GOLD.}",
    "dollars": r"Therefore $\boxed{GOLD}$.",
    "display": r"$$\boxed{GOLD}$$",
    "display with spaces": "$$\n\\boxed{ GOLD }\n$$",
    "brackets": r"\[ \boxed{GOLD} \]",
    "dollars inside": r"\boxed{$GOLD$}",
    "text after": r"\boxed{GOLD} is the final answer, which completes the solution.",
    "long text after": r"\boxed{GOLD}" + "\n\nLet me check this once more: it holds.\n" * 20,
    "text command": r"\boxed{\text{GOLD}}",
    "spacing commands": r"\boxed{\,GOLD\;}",
    "display style": r"\boxed{\displaystyle GOLD}",
    "thinking before": "<think>Perhaps \\boxed{99}?\nNo.</think>\n\\boxed{GOLD}",
    "harmony channels": r"<|channel|>analysis<|message|>\boxed{99}<|channel|>final<|message|>\boxed{GOLD}",
    "repeated": r"\boxed{GOLD}. As I said: \boxed{GOLD}",
    "another box before": r"First \boxed{-12345}, then \boxed{GOLD}",
    "fbox": r"\fboxed{GOLD}",
    "unit": r"\boxed{GOLD\text{ units}}",
    "equation": r"\boxed{x = GOLD}",
    "code fence": "```\n\\boxed{GOLD}\n```",
    "line breaks": "\\boxed{\nGOLD\n}",
}
NOT_AROUND_LISTS = ("unit", "equation", "bold inside", "text command")


def problems_of(published, name):
    config = TaskConfig(name=name if name in MATH + GYM else None, data=str(published(f"{name}.parquet")))
    return load_task(config, 0).problems, scorer_of(config)


@pytest.fixture(scope="module")
def scorings():
    """A `Scoring` by the name of its scorer; its processes are shared by all tests."""
    with ExitStack() as stack:
        yield cache(lambda scorer: stack.enter_context(Scoring(scorer)))


def solved(scoring, problem, text):
    return scoring.score(problem, chain(text, problem.id)).solved


@pytest.mark.parametrize("name", MATH)
def test_a_right_answer_is_right_for_its_problem_and_for_no_other(published, scorings, name):
    problems, scorer = problems_of(published, name)
    scoring = scorings(scorer)
    scoring.prepare(problems)
    for problem, other in itertools.product(problems, problems):
        text = f"So it is \\boxed{{{other.golds[0]}}}."
        equal = plain_number(problem.golds[0]) == plain_number(other.golds[0]) is not None
        assert solved(scoring, problem, text) == (problem == other or equal), (problem.golds, other.golds)


@pytest.mark.parametrize("name", MATH)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_right_answer_is_right_in_any_dress(published, scorings, name, ending):
    problems, scorer = problems_of(published, name)
    scoring = scorings(scorer)
    scoring.prepare(problems)
    for problem in problems:
        gold = problem.golds[0]
        if "," in gold and ending in NOT_AROUND_LISTS:
            continue
        assert solved(scoring, problem, ENDINGS[ending].replace("GOLD", gold)), (ending, gold)


def test_fractions_are_right_in_every_spelling(published, scorings):
    problems, scorer = problems_of(published, "hmmt25")
    scoring = scorings(scorer)
    for problem in problems:
        for spelling in ("\\dfrac", "\\tfrac", "\\cfrac"):
            gold = problem.golds[0].replace("\\frac", spelling)
            assert solved(scoring, problem, f"\\boxed{{{gold}}}"), gold


CHOICE_ENDINGS = [
    *(ENDINGS[name] for name in ENDINGS if name not in ("unit", "equation")),
    r"\boxed{(GOLD)}",
    r"\boxed{GOLD: the heat}",
    r"\boxed{\textbf{GOLD}}",
    r"\boxed{GOLD)}",
    r"\boxed{\mathrm{GOLD}}",
]


@pytest.mark.parametrize("name", CHOICES)
def test_a_right_letter_is_right_in_any_dress_and_any_other_letter_is_not(published, scorings, name):
    problems, scorer = problems_of(published, name)
    scoring = scorings(scorer)
    for problem in problems:
        assert all(solved(scoring, problem, ending.replace("GOLD", problem.golds[0])) for ending in CHOICE_ENDINGS)
        for letter in "ABCDEFGHIJKZ":
            verdict = scoring.score(problem, chain(f"\\boxed{{{letter}}}"))
            assert verdict.solved == (letter == problem.golds[0])
            assert (verdict.status == "no_answer") == (letter not in problem.extra["options"])


GYM_ENDINGS = [
    "<answer>GOLD</answer>",
    "<think><answer>0</answer></think>\n<answer>GOLD</answer>",
    "First <answer>0</answer>, then\n<answer>\nGOLD\n</answer>\nThat is all.",
]


@pytest.mark.parametrize("name", GYM)
def test_reasoning_gyms_own_answers_are_right(published, scorings, name):
    pytest.importorskip("reasoning_gym")
    problems, scorer = problems_of(published, name)
    without = [problem for problem in problems if not problem.golds]
    assert {problem.extra["dataset"] for problem in without} <= {"rush_hour", "boxnet", "rubiks_cube"}
    assert len(without) == {"rg_games": 12, "rg_cognition": 11}[name]
    scoring = scorings(scorer)
    scoring.prepare(problems)
    for number, problem in enumerate(problems):
        for gold in problem.golds:
            text = GYM_ENDINGS[number % len(GYM_ENDINGS)].replace("GOLD", gold)
            assert solved(scoring, problem, text), (problem.extra["dataset"], gold)
            assert read_answer(problem, text).strip() == gold.strip()


@pytest.mark.parametrize("name", GYM)
def test_no_reasoning_gym_answer_is_right_for_an_item_with_another_one(published, scorings, name):
    pytest.importorskip("reasoning_gym")
    problems, scorer = problems_of(published, name)
    scoring = scorings(scorer)
    scoring.prepare(problems)
    for one, other in zip(problems, problems[1:] + problems[:1], strict=True):
        if other.golds and one.golds != other.golds:
            verdict = scoring.score(one, chain(f"<answer>{other.golds[0]}</answer>", one.id))
            # a puzzle with several solutions may share one; a single-answer item may not
            assert not verdict.solved or one.extra["dataset"] == other.extra["dataset"]
