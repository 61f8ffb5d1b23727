"""The options of the solvers, and how answers are read."""

import subprocess
import sys

import pytest
from inspect_ai.util import registry_info

from rsa.inspect_solvers import majority, rsa, self_refine
from rsa.inspect_solvers.internals import PrerequisiteError
from rsa.inspect_solvers.options import settings_of
from rsa.strategies import RSA, Majority


@pytest.mark.parametrize(
    ("make", "options", "words"),
    [
        (rsa, {"n": 2, "k": 3}, r"k=3 candidates cannot be drawn from a population of n=2"),
        (rsa, {"n": 0}, "n must be at least 1, not 0"),
        (rsa, {"steps": "3"}, "steps must be a whole number, not '3'"),
        (majority, {"n": True}, "n must be a whole number, not True"),
        (majority, {"k": 3}, "there is no option 'k'"),
        (self_refine, {"step": 3}, "there is no option 'step'; did you mean 'steps'"),
        (rsa, {"seed": 1.5}, "seed must be a whole number, not 1.5"),
        (rsa, {"kind": "maths"}, "kind: there is no 'maths'; did you mean 'math'"),
        (rsa, {"select": "vote"}, "select: there is no 'vote'"),
        (rsa, {"need": 3}, "need must be a text, not 3"),
        (rsa, {"candidate_order": "drawn"}, "candidate_order: there is no 'drawn'; did you mean 'draw'"),
        (rsa, {"compaction": "none"}, "compaction: there is no 'none'"),
        (rsa, {"on_overflow": "tails"}, "on_overflow: there is no 'tails'; did you mean 'tail'"),
        (rsa, {"choices": "yes"}, "choices: there is no 'yes'"),
        (rsa, {"prompts": "breif"}, "prompts: 'breif' is neither a folder nor a shipped preset; did you mean 'brief'"),
        (rsa, {"around": "multiple_choice"}, r"around must be a solver, such as multiple_choice\(\)"),
    ],
)
def test_what_is_wrong_is_told_by_its_name(make, options, words):
    with pytest.raises(PrerequisiteError, match=words):
        make(**options)


def test_a_message_is_shown_as_it_is():
    """inspect_ai prints it as markup."""
    with pytest.raises(PrerequisiteError, match=r"there is no option '\\\[bold\]'"):
        rsa(**{"[bold]": 1})


def test_defaults_are_those_of_the_strategies():
    assert settings_of(RSA, {"n": 16, "k": 4, "steps": 10}, {}).strategy == RSA()
    assert settings_of(Majority, {"n": 4}, {}).select == "majority"
    assert settings_of(Majority, {"n": 4}, {"select": "sample"}).select == "sample"
    assert settings_of(RSA, {}, {"prompts": "brief"}).prompts.preset == "brief"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Hm.\n\nANSWER: 42", "42"),
        ("ANSWER: 1\nNo.\n**Answer:** B.\n", "B"),
        ("answer : $x + 1$", "x + 1"),
        ("ANSWER: 3.5", "3.5"),
        ("The ANSWER: is not on a line", None),
        ("ANSWER:", None),
        (r"It is \boxed{7}.", "7"),
        ("<answer>up</answer>", "up"),
        (r"\boxed{7}" + "\nANSWER: 8", "8"),
        ("<think>ANSWER: 1</think>It is 2.", None),
        ("", None),
        ("ANSWER: 5" + " ." * 100_000 + "\n" + "*" * 100_000, "5"),
        ("ANSWER: 5" + " ." * 100_000 + " 6", "5" + " ." * 100_000 + " 6"),
    ],
    ids=range(13),
)
def test_reading_as_inspect_asks_for_answers(text, answer):
    assert settings_of(RSA, {}, {}).kind.extract(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ANSWER: B", "B"),
        ("ANSWER: b.", "B"),
        ("ANSWER: B) pear", "B"),
        ("So the **Answer:** (B)", "B"),
        ("ANSWER: A, C", "A, C"),
        ("ANSWER: apple", "apple"),
        (r"\boxed{B}", "B"),
        ("<think>ANSWER: A</think>None.", None),
    ],
)
def test_reading_the_letter_of_a_choice(text, answer):
    assert settings_of(RSA, {}, {}).of_choices().kind.extract(text) == answer


def test_a_kind_that_was_asked_for_stays():
    settings = settings_of(RSA, {}, {"kind": "choice"})
    assert settings.of_choices() is settings


def test_kinds_of_the_library():
    assert settings_of(RSA, {}, {"kind": "number"}).kind.extract("1 or 2") == "2"


def test_nothing_else_imports_inspect_ai():
    code = "import sys, rsa, rsa.gateway, evals.cli; sys.exit('inspect_ai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_parameters_are_in_the_log_by_their_names():
    assert registry_info(rsa(n=3, k=2, kind="math")).type == "solver"
