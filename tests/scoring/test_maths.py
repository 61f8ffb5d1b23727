r"""Verdicts of the math scorers that were once wrong, or easily would be: the right answer, and a box's content."""

import pytest

from evals.problems import Problem
from evals.scoring import Scoring
from evals.scoring.latex import integer, plain_number
from tests.scoring.attempts import judged

RIGHT = [
    ("1234", "x = 1,234"),
    ("2.5", r"2\frac{1}{2}"),
    (r"\frac{5}{2}", "2 1/2"),
    (r"\frac{7}{4}", r"1~\frac34"),
    (r"2\frac12", "2.5"),
    (r"\frac12+\frac14", "0.75"),
    ("5.5", r"\$5.50"),
    (r"\frac13", r"0.\overline{3}"),
    (r"0.1\overline{6}", r"\frac{1}{6}"),
    (r"5\text{ m}", r"5\text{ meters}"),
    ("5 cm^2", "5 cm^{2}"),
    (r"12\text{ cm}^2", r"12\text{ square centimeters}"),
    (r"30\text{ minutes}", r"30\text{ min}"),
    (r"6\text{ inches}", r"6\text{ inch}"),
    (r"60\text{ mph}", r"60\text{ miles per hour}"),
    ("8\\pi", r"8\pi\text{ cm}^2"),
    ("5", r"5~\text{units}"),
    ("5", r"5\text{ apples}"),
    (r"\frac{\sqrt3}{2}", r"\sin 60^\circ"),
    (r"2-\sqrt3", r"\tan 15^\circ"),
    (r"\{3, 5\}", r"x = 3 \text{ or } x = 5"),
    ("3, 5", r"x = 5 \text{ or } x = 3"),
    ("1, 2, 3", r"1, 2, \text{ and } 3"),
    (r"\emptyset", r"\varnothing"),
    (r"\mathbb{Z}", r"\mathbb Z"),
    ("10:30", "10{:}30"),
    ("ab", r"a\cdot b"),
    ("5", r"\text{The answer is } 5"),
    ("5", r"5\\"),
    ("5", r"\color{red}5"),
    ("3,4", "(3,4)"),
    (r"x \in (0,1)", "(0, 1)"),
    (r"\frac{1}{3}", r"\tfrac{1}{3}."),
    (r"\sqrt[3]{2}", "2^{1/3}"),
    ("-5", "\u22125"),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1\\ 2\end{pmatrix}"),
]
WRONG = [
    ("5", r"x = 3 \text{ or } x = 5"),
    ("3, 5", r"x = 2 \text{ or } x = 5"),
    ("x=2", "2x=2"),
    ("3", r"3\mathrm{i}"),
    ("2+3", r"2+3\mathrm{i}"),
    ("2", r"2\mathrm{e}"),
    ("5", r"5\text{ million}"),
    ("7", r"7\text{ or more}"),
    ("4", r"4\text{ is incorrect}"),
    ("5 s", "5 m"),
    (r"5\text{ ms}", r"5\text{ m}"),
    (r"5\text{ cm}^2", r"5\text{ cm}^3"),
    (r"5\text{ cm}^2", r"5\text{ cm}"),
    ("2100", "2, 100"),
    ("2, 100", "2100"),
    ("12", "1 2"),
    ("12", r"1\ 2"),
    ("10.5", "2 1/2"),
    ("1012", "101_2"),
    ("101_2", "1012"),
    (r"\sin 1", r"\sin 1^\circ"),
    (r"\rightarrow", r"\leftarrow"),
    ("f'(x)", "f(x)"),
    ("1<x<2", "1,2"),
    ("1,1,2", "1,2"),
    ("3,4", "(4,3)"),
    ("1:2:3", r"\frac16"),
    ("4", r"4\ldots"),
    ("AB", "ab"),
    (r"8\sqrt{10}", "25.29822128134704"),
    ("1" + "0" * 30 + "1", "1" + "0" * 30 + "2"),
]
ODD = [
    "1e9999999",
    "1." + "1" * 3000 + "e-3900",
    "1\\text{" + " " * 3000 + "}x",
    "1" * 5000 + "!",
    "(" + "1," * 5000,
    "a" * 5000,
]


@pytest.mark.parametrize(("gold", "answer"), RIGHT)
def test_right(scoring, gold, answer):
    verdict = judged(scoring, f"\\boxed{{{answer}}}", gold)
    assert verdict.solved, verdict


@pytest.mark.parametrize(("gold", "answer"), WRONG)
def test_wrong(scoring, gold, answer):
    verdict = judged(scoring, f"\\boxed{{{answer}}}", gold)
    assert (verdict.status, verdict.solved) == ("ok", False), verdict


@pytest.mark.parametrize("answer", ODD)
@pytest.mark.parametrize("scorer", ["math", "integer", "number", "exact"])
def test_odd_answers_are_wrong_and_still_vote(scorer, answer):
    with Scoring(scorer) as scoring:
        verdict = judged(scoring, f"\\boxed{{{answer}}}", "3")
        assert (verdict.status, verdict.solved) == ("ok", False)
        key = verdict.vote or scoring.equivalence(Problem("p", "?", ("3",), "math")).key(verdict.answer)
        assert isinstance(key, str)


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        *(
            (text, 70)
            for text in ("070", "{70}", "(70)", r"70\quad", r"\textsf{70}", r"\mathtt{70}", r"\$70", r"70\text{ apples}")
        ),
        *((text, 70) for text in ("100m+n = 70", r"\text{Answer: }70", "70.0", "70 square units", r"70^{\circ}")),
        ("\u22125", -5),
        *(
            (text, None)
            for text in ("140/2", "12, 345", "7 0", "3 hundred", "70 or more", r"70\mathrm{i}", "70_1", r"70\%", "")
        ),
        (r"x=3 \text{ or } x=70", None),
    ],
)
def test_integers(answer, number):
    assert integer(answer) == number


def test_numbers_are_exact():
    assert plain_number("12_3") is None
    assert plain_number("2 3/2") is None
    assert plain_number("1/0") is None
    assert str(plain_number(r"-1.2\overline{34}")) == "-611/495"
