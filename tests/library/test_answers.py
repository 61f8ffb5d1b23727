import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsa.answers import (
    after_thinking,
    any_code,
    choice_letter,
    last_boxed,
    last_code_block,
    last_number,
    last_tagged,
    normalise_math,
    normalise_number,
)
from rsa.compaction import COMPACTIONS
from rsa.kinds import KINDS


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{70}", "70"),
        (r"\boxed{1} and then \boxed{2}", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed {12}", "12"),
        (r"first \boxed{12}, at last \boxed{7", "12"),  # cut off inside the last box
        (r"\boxed{\{1,2\}}", r"\{1,2\}"),
        (r"so \\boxed{5}", "5"),
        (r"so\\\boxed{5}", "5"),
        (r"<think>\boxed{1}</think> The answer is 2.", None),
        (r"<think>\boxed{1}</think> \boxed{2}", "2"),
        (r"a</think>\boxed{1}</think>\boxed{3}", "3"),
        (r"\boxed{}", None),
        (r"\boxed{ }", None),
        ("The answer is 70.", None),
        ("", None),
    ],
)
def test_last_balanced_box_after_thinking(text, answer):
    assert last_boxed(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed{E}", "E"),
        (r"\boxed{\text{E}}", "E"),
        (r"\boxed{E.}", "E"),
        (r"\boxed{(E)}", "E"),
        (r"\boxed{E: 5 cm}", "E"),
        (r"\boxed{\textbf{(B)}}", "B"),
        (r"\boxed{K}", None),
        (r"\boxed{Energy}", None),
        (r"\boxed{5}", None),
        ("E", None),
    ],
)
def test_choice_letters(text, answer):
    assert choice_letter(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("7 times 8 is 56.", "56"),
        ("1,234 apples", "1234"),
        ("it is -3.5 or so", "-3.5"),
        ("no idea", None),
        ("12 * 11 = 132\nThe answer is 132", "132"),
        ("x1", None),
        (".5", ".5"),
        ("it is \N{MINUS SIGN}3", "-3"),
        ("1e5", "1e5"),
        ("2,3,5", "5"),
        ("The product is 1,234, as shown", "1234"),
        ("It is 12,345,", "12345"),
        ("5-3", "3"),
        ("<think>5</think> none", None),
    ],
)
def test_last_number(text, answer):
    assert last_number(text) == answer


def test_a_text_that_opens_boxes_without_end_costs_no_more_than_any_other():
    """Quadratic code would take minutes on this."""
    assert last_boxed("\\boxed{7}" + "\\boxed{" * 200_000) == "7"
    assert last_boxed("\\boxed{" * 200_000 + "7" + "}" * 200_000) == "7"


def test_numbers_are_voted_for_as_numbers():
    assert normalise_number("3") == normalise_number("3.0") == normalise_number("3e0") == normalise_number("+3")
    assert normalise_number("300") == normalise_number("3e2")
    assert normalise_number("0.5") == normalise_number(".50")
    assert normalise_number("3") != normalise_number("3.01")


def test_tags_and_code_blocks():
    assert last_tagged("<answer>1</answer> no: <answer>a\n b</answer>") == "a\n b"
    assert last_tagged("<answer> </answer>") is None
    assert last_code_block("```python\nx = 1\n```\nbetter:\n```python\nx = 2\n```\n") == "x = 2"
    assert last_code_block("```\nx\n```") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("70", "070"),
        ("70", " 70. "),
        ("70", "$70$"),
        ("70", r"\text{70}"),
        ("1000", "1,000"),
        ("1000", r"1\,000"),
        ("1000", r"1{,}000"),
        ("1000", r"1\!000"),
        ("-3", r"-\!3"),
        ("0", "-0"),
        ("5", "+5"),
        (r"\frac{1}{2}", r"\dfrac{1}{2}"),
        ("(1, 2)", r"\left(1,2\right)"),
    ],
)
def test_spellings_of_one_answer(one, other):
    assert normalise_math(one) == normalise_math(other)


@pytest.mark.parametrize(("one", "other"), [("12", "1,2"), ("70", "7.0"), ("1", "-1"), ("10", "100"), ("A", "a")])
def test_different_answers_stay_different(one, other):
    assert normalise_math(one) != normalise_math(other)


@given(st.text())
def test_reading_never_fails_and_normalising_is_stable(text):
    for read in (last_boxed, choice_letter, last_number, last_tagged, last_code_block):
        read(text)
    assert normalise_math(normalise_math(text)) == normalise_math(text)


@given(st.integers(-999, 99999))
def test_integers_compare_as_integers(number):
    assert normalise_math(f"{number:,}") == str(number)


def test_candidates_are_shown_without_thinking_but_never_blank():
    answer, full = COMPACTIONS["answer"], COMPACTIONS["full"]
    assert answer("<think>long</think>\nshort", None) == "\nshort"
    assert answer("<think>cut off", None) == "<think>cut off"
    assert answer("<think>long</think>", None) == "<think>long</think>"
    assert answer("", "only reasoning") == "only reasoning"
    assert answer("text", "reasoning") == "text"
    assert full("text", "reasoning") == "reasoning\n\ntext"
    assert full("", "reasoning") == "reasoning"
    assert after_thinking("<|channel|>analysis x<|channel|>final<|message|>y") == "y"


@pytest.mark.parametrize(
    ("text", "strict", "lenient"),
    [
        ("```python\nprint(1)\n```", "print(1)", "print(1)"),
        ("```python\nprint(1)\n```\n```\noutput\n```", "print(1)", "print(1)"),
        ("```\nprint(1)\n```\nand\n```\nprint(2)\n```", None, "print(2)"),
        ("print(1)", None, "print(1)"),
        ("<think>```python\nprint(1)\n```</think>", None, None),
        ("", None, None),
        ("```cpp\nint main() {}\n```", None, "```cpp\nint main() {}\n```"),
    ],
)
def test_programs_are_read_strictly_or_leniently(text, strict, lenient):
    assert (last_code_block(text), any_code(text)) == (strict, lenient)


SIZE = 400_000
REPEATED = (
    *("\\", "{", "}", "\\boxed{", "\\text{", "<answer>", "```python\n", "```\n", "</think>", "\\pm", "\\frac{1}", "$"),
    *("1,", ",111", "1.1", "1e1", "-", "=", "a=", "^{", "^\\circ", " ab", " ", "%", "0", "\u2212", "(", "x^"),
)


@pytest.mark.parametrize("part", REPEATED)
def test_every_text_is_read_in_one_pass(part):
    """Quadratic work on a text this long takes minutes, and so fails by the tests' time limit."""
    for text in (part * (SIZE // len(part)), f"\\boxed{{{part * (SIZE // len(part))}}}", f"1{part * (SIZE // len(part))}11"):
        for kind in KINDS.values():
            kind.extract(text)
            kind.equivalence.key(text)
        any_code(text)
