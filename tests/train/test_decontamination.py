"""Which questions count as the same, or as alike."""

import pytest

from evals.problems import Problem
from evals.tasks.rows import instruction_for
from evals.train.building.decontamination import EvaluationSets, Named, without_duplicates

LONG = (
    "A train leaves the station at noon and travels north at sixty miles an hour while another leaves at one and travels "
    "east at eighty; how far apart are the two trains when it is three in the afternoon on the same day?"
)
PHRASE = "where m and n are relatively prime positive integers and p is not divisible by any square, find m plus n plus p."


def problem(question: str, name: str = "p", kind: str = "math") -> Problem:
    return Problem(name, question, ("1",), kind)


def words(question: str) -> tuple[str, ...]:
    return Named("data", problem(question)).words


def reasons(train: list[str], against: list[str], ngram: int = 13, overlap: float = 0.2) -> list[str | None]:
    """Why each question is dropped; None for those that stay."""
    sets = EvaluationSets([Named("exam", problem(text, str(number))) for number, text in enumerate(against)], ngram, overlap)
    named = [Named("train", problem(text, str(number))) for number, text in enumerate(train)]
    kept, dropped = sets.drop(named)
    found = {each.problem: each.reason for each in dropped}
    assert len(kept) + len(dropped) == len(train)
    return [found.get(str(number)) for number in range(len(train))]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is  2 + 3?", "what is 2+3"),
        (r"Find $x^{2}$ if \(x = 3\).", "find x^2 if x=3"),
        (f"What is it?\n\n{instruction_for('math')}", "What is it"),
        ("ﬁnd x", "find x"),
        (r"Is \dfrac{1}{2} right?", r"is $\tfrac12$ right"),
    ],
)
def test_the_same_question(one, other):
    assert words(one) == words(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 2 + 3?", "What is 2 - 3?"),
        ("What is 12?", "What is 1 2?"),
        ("5!", "5"),
        ("X . O", "X O ."),
        ("# $ @ #", "# @ $ #"),
        ("What is 1.5?", "What is 15?"),
    ],
)
def test_other_questions(one, other):
    assert words(one) != words(other)


def test_the_first_of_duplicates_stays():
    named = [Named("a", problem("Q1?", "1")), Named("a", problem("Q2?", "2")), Named("b", problem("q1", "1"))]
    kept, dropped = without_duplicates(named)
    assert [(each.source, each.problem.id) for each in kept] == [("a", "1"), ("a", "2")]
    assert [(each.source, each.problem, each.detail) for each in dropped] == [("b", "1", "the same as a:1")]


def test_an_instruction_of_the_configuration_is_no_part_of_the_question():
    told = Problem("p", "What is it?\n\nPut it in a box.", ("1",), "math")
    assert Named("data", told, "Put it in a box.").words == words("What is it?")
    assert Named("data", problem("What is it?"), "").words == words("What is it?")


def test_earlier_turns_are_part_of_the_question_and_system_messages_are_not():
    def after(*turns: tuple[str, str]) -> tuple[str, ...]:
        before = tuple({"role": role, "content": text} for role, text in turns)
        return Named("data", Problem("p", "Go on.", ("1",), "math", before)).words

    assert after(("user", "Count to 3.")) != after(("user", "Count to 4."))
    assert after(("system", "Be brief.")) == after()


def test_many_copies_of_one_evaluation_problem_are_no_template():
    copies = [f"Riddle {number}. {LONG} Answer in {unit}." for number, unit in enumerate(["miles", "feet", "yards"] * 4)]
    assert reasons(copies, [LONG]) == ["like_evaluation_set"] * 12


def test_the_same_and_the_almost_same_are_found():
    changed = LONG.replace("eighty", "ninety")
    inside = f"Here is a riddle. {LONG} Answer in miles."
    assert reasons([LONG.upper(), changed, inside, "Something else entirely?"], [LONG]) == [
        "in_evaluation_set",
        "like_evaluation_set",
        "like_evaluation_set",
        None,
    ]


def test_the_overlap_decides():
    changed = LONG.replace("eighty", "ninety")
    assert reasons([changed], [LONG], overlap=0.95) == [None]
    assert reasons([changed], [LONG], ngram=30) == [None]


def test_a_common_phrase_makes_no_strangers_alike():
    exam = [f"Topic {word} has the answer {PHRASE}" for word in "abcdefgh"]
    assert reasons([f"Another thing with {PHRASE}"], exam) == [None]
    ours = [f"Our riddle {number} of another kind: {PHRASE}" for number in range(8)]
    assert reasons(ours, [f"One exam question: {PHRASE}"]) == [None] * 8


def test_without_evaluation_sets_all_stay():
    assert reasons([LONG], []) == [None]


def test_short_questions_are_compared_as_a_whole_only():
    assert reasons(["What is 7 x 8?", "What is 7 x 9?"], ["What is 7 x 9?"]) == [None, "in_evaluation_set"]
