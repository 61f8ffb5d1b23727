"""Tests that run side by side are shared out, and what they count is summed."""

from pathlib import Path

import pytest

from tests.chaos.faults import Kind
from tests.chaos.tally import Tally

side_by_side = pytest.importorskip("tests.side_by_side")
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("tests/a/test_a.py::test_one", "tests/a/test_a.py::test_other[tests/b/test_b.py::x]", True),
        ("tests/a/test_a.py::test_one", "tests/b/test_a.py::test_one", False),
        ("tests/chaos/test_kills.py::test_x[rsa]", "tests/chaos/test_kills.py::test_x[majority]", False),
        (
            "tests/sandbox/test_containment.py::test_an_attack_is_contained[root-full-daemon]",
            "tests/sandbox/test_containment.py::test_an_idiom_passes[root-full-input]",
            True,
        ),
        (
            "tests/sandbox/test_containment.py::test_an_attack_is_contained[root-full-daemon]",
            "tests/sandbox/test_containment.py::test_an_attack_is_contained[ordinary-full-daemon]",
            False,
        ),
    ],
)
def test_what_one_process_does_from_beginning_to_end(one, other, together):
    assert (side_by_side.unit(one) == side_by_side.unit(other)) is together


def test_long_files_begin_first_and_are_there():
    assert all((ROOT / file).is_file() for file in side_by_side.LONG)
    tests = ["tests/a.py::test_a", *(f"{file}::test_b" for file in reversed(side_by_side.LONG))]
    assert sorted(tests, key=side_by_side.begins) == [*reversed(tests[1:]), tests[0]]


def test_the_counts_of_several_processes_are_summed():
    one, other = Tally(retries=1, seconds_lost=0.5, runs=2), Tally(retries=2, chains=9)
    one.faults[Kind.ERROR] += 3
    other.faults[Kind.ERROR] += 4
    other.kills["at any time"] += 1
    one.add(other.plain())
    assert (one.retries, one.seconds_lost, one.runs, one.chains) == (3, 0.5, 2, 9)
    assert (one.faults, one.kills) == ({"500": 7}, {"at any time": 1})
    assert all(type(name) is str for name in one.plain()["faults"])
