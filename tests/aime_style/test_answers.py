"""The shipped AIME-style problems: every answer is derived a second time, and the file is what it should be."""

import json
import re
from collections import Counter
from importlib import resources
from itertools import pairwise

import pytest

from tests.aime_style import algebra, combinatorics, geometry, number_theory, probability

MODULES = {
    "number theory": ("nt", number_theory),
    "combinatorics": ("co", combinatorics),
    "algebra": ("al", algebra),
    "geometry": ("ge", geometry),
    "probability": ("pr", probability),
}
TEXT = (resources.files("evals") / "data" / "aime_style.jsonl").read_text("utf-8")
ROWS = [json.loads(line) for line in TEXT.splitlines()]


def each_row():
    return pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])


@each_row()
def test_the_answer_is_derived_independently(row):
    derive = getattr(MODULES[row["subject"]][1], row["id"].replace("-", "_"))
    assert str(derive()) == row["answer"]


@each_row()
def test_a_row_is_well_formed(row):
    assert list(row) == ["id", "subject", "problem", "answer"]
    assert all(isinstance(value, str) and value == value.strip() for value in row.values())
    assert re.fullmatch(r"0|[1-9]\d{0,2}", row["answer"], re.ASCII)
    assert row["id"].startswith(MODULES[row["subject"]][0] + "-")


@each_row()
def test_a_statement_is_typeset_soundly(row):
    problem = row["problem"]
    assert problem.isascii()
    assert problem.isprintable()
    assert problem.endswith((".", "?"))
    assert problem.count("$") % 2 == 0
    assert "\\" not in "".join(problem.split("$")[::2]), "a LaTeX command outside of mathematics"
    for formula in problem.split("$")[1::2]:
        bare = re.sub(r"\\[{}]", "", formula)
        while (inner := re.sub(r"\{[^{}]*\}", "", bare)) != bare:
            bare = inner
        assert not set("{}") & set(bare), f"unbalanced braces in {formula!r}"
        assert len(re.findall(r"\\left\b", formula)) == len(re.findall(r"\\right\b", formula))


def test_every_derivation_has_its_problem():
    names = [name for _, module in MODULES.values() for name in vars(module)]
    derivations = [name.replace("_", "-") for name in names if re.fullmatch(r"[a-z]{2}_\d\d", name)]
    assert sorted(derivations) == sorted(row["id"] for row in ROWS)


def test_ids_count_up_within_each_subject():
    numbers = {prefix: [row["id"] for row in ROWS if row["id"].startswith(prefix)] for prefix, _ in MODULES.values()}
    assert all(ids == [f"{prefix}-{n:02}" for n in range(1, len(ids) + 1)] for prefix, ids in numbers.items())
    assert sum(len(ids) for ids in numbers.values()) == len(ROWS)


def test_there_are_enough_problems_of_every_subject():
    counts = Counter(row["subject"] for row in ROWS)
    assert len(ROWS) >= 60
    assert all(12 <= counts[subject] <= 14 for subject in MODULES)


def test_no_statement_is_another_with_other_numbers():
    shapes = Counter(re.sub(r"\d+", "#", " ".join(row["problem"].lower().split())) for row in ROWS)
    assert max(shapes.values()) == 1


def test_no_guess_pays():
    """No answer comes twice, few are small, and no gap between neighbours is wide."""
    answers = sorted(int(row["answer"]) for row in ROWS)
    assert len(set(answers)) == len(answers)
    assert sum(answer < 100 for answer in answers) <= len(answers) // 10
    assert max(b - a for a, b in pairwise([0, *answers, 999])) <= 100


def test_the_file_is_one_object_a_line():
    assert TEXT.endswith("}\n")
    assert "\r" not in TEXT
    assert all(TEXT.splitlines())
