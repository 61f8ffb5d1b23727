"""The block and the line in which the display shows everything: the numbers, and that they fit."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.display import Outset, Vitals
from evals.display.block import block
from evals.display.line import line
from evals.display.moment import Moment
from evals.display.progress import Progress
from evals.display.vitals import Spending
from rsa.chain import Status
from tests.evaluation.made import chain, fill, verdict

KINDS = ("tokens", "calls", "usd", "seconds")


def shown(lines):
    return [each.plain for each in lines]


def row(lines, name):
    """The cells of one row of a block's table."""
    (found,) = [each.split() for each in shown(lines) if re.match(rf" *{name}  +[━╌c]", each)]
    return [cell for cell in found if not set(cell) <= set("━╌#-")]


def test_a_block_tells_the_numbers():
    progress = Progress(Outset({1: 4, 2: 4}, 2), 100.0)
    for slot in range(4):
        progress.take(one := chain(1, slot, status=Status.TRUNCATED if slot else Status.DEAD), 110.0)
        if slot:
            progress.judge(one, verdict(one, slot == 1))
    spending = (Spending("tokens", 12_345, 2_000_000), Spending("usd", 0.5, 4.0))
    moment = Moment(progress, Vitals(3, 32, retries=2, budget=spending), 120.0, title="2 of 3: rsa(n=4,k=2,steps=2)")
    lines = block(moment, 80, 24)
    assert lines[0].plain == "2 of 3: rsa(n=4,k=2,steps=2)"
    assert row(lines, "step") == ["step", "chains", "populations", "right", "truncated", "dead"]
    assert row(lines, "1") == ["1", "4/8", "1/2", "33.3", "%", "3", "1"]
    assert row(lines, "2") == ["2", "0/8", "0/2", "0", "0"]
    assert row(lines, "all") == ["all", "4/16", "1/4", "3", "1"]
    assert shown(lines)[-3:] == [
        "20 tokens/s (mean 20)  3 of 32 in flight  2 retries",
        "0:20 elapsed",
        "Spent 12.3k/2.00M tokens  $0.50/$4.00",
    ]
    facts = "20 tokens/s  3 of 32 in flight  2 retries, 3 truncated, 1 dead  12 % of budget"
    assert line(moment, 200) == f"0:20  step 1: 4/8 33.3 % right  4/16 chains  1/4 populations  {facts}"
    assert line(moment, 60) == "0:20  step 1: 4/8 33.3 % right  4/16 chains  20 tokens/s"


numbers = st.integers(0, 10_000_000)
looks = st.builds(
    Vitals,
    numbers,
    numbers,
    numbers,
    st.booleans(),
    patience=st.floats(0, 1e6),
    stopping=st.booleans(),
    budget=st.lists(st.builds(Spending, st.sampled_from(KINDS), numbers, st.floats(0.001, 1e13))).map(tuple),
)


@st.composite
def moments(draw):
    sizes = dict.fromkeys(range(1, draw(st.integers(1, 40)) + 1), draw(st.integers(1, 64)))
    progress = Progress(Outset(sizes, draw(st.integers(1, 20_000))), 0.0)
    for step in draw(st.lists(st.sampled_from(sorted(sizes)), max_size=30)):
        progress.take(one := chain(step, seconds=draw(st.floats(0, 1e5)), tokens=draw(st.none() | numbers)), 1.0)
        progress.judge(one, verdict(one, draw(st.booleans())))
    title = draw(st.none() | st.text("rsa(n=16,k4)∑", min_size=1, max_size=150))
    return Moment(progress, draw(looks), draw(st.floats(0, 1e6)), draw(st.floats(0, 1e5)), title)


@given(moments(), st.integers(10, 200), st.integers(3, 60), st.booleans())
def test_whatever_is_shown_fits(moment, width, height, plain):
    lines = block(moment, width, height, plain=plain)
    assert len(lines) < height
    assert max(each.cell_len for each in lines) < width
    assert not any("\n" in each.plain for each in lines)
    assert len(line(moment, 100)) <= 100
    assert len(line(moment, width, final=True)) <= width


@pytest.mark.parametrize("width", [80, 100])
def test_a_large_run_loses_nothing_on_an_ordinary_terminal(width):
    """Ten steps, 64,000 chains each, and all four budgets: nothing is cut, and every step has its row."""
    recorded = {((f"p{number}", 0), step): Counter({Status.OK: 16}) for number in range(4000) for step in range(1, 11)}
    recorded[("p0", 0), 10] = Counter({Status.TRUNCATED: 12, Status.DEAD: 3})
    progress = Progress(Outset(dict.fromkeys(range(1, 11), 16), 4000, recorded, {10: 3}, {10: 3}), 0.0)
    for each in range(9):
        progress.take(chain(10, 15, f"p{each}", tokens=100_000), 5.0)
    bounds = {"tokens": 1.5e9, "calls": 700_000, "usd": 1234.5, "seconds": 86_400 * 3}
    budget = tuple(Spending(kind, 0.9 * bound, bound) for kind, bound in bounds.items())
    lines = block(Moment(progress, Vitals(256, 256, 12_345, budget=budget), 10.0, title="1 of 2: rsa"), width, 24)
    assert [each.plain.split()[0] for each in lines[2:12]] == [str(step) for step in range(1, 11)]
    assert row(lines, "10") == ["10", "64,008/64,000", "4,000/4,000", "100.0", "%", "12", "3"]
    assert shown(lines)[-3:] == [
        "90,000 tokens/s (mean 90,000)  256 of 256 in flight  12,345 retries",
        "0:10 elapsed",
        "Spent 1.35G/1.50G tokens  630k/700k calls  $1,111/$1,234  64:48:00/72:00:00",
    ]


def test_where_there_is_no_room_for_a_row_a_step_what_is_done_and_what_is_to_come_are_joined():
    progress = Progress(Outset(dict.fromkeys(range(1, 31), 4), 1), 0.0)
    for step in range(1, 21):
        fill(progress, step, 4 if step < 20 else 1, 1.0)
    lines = block(Moment(progress, Vitals(), 2.0), 80, 13)
    labels = [each.plain.split()[0] for each in lines]
    assert labels == ["step", "1-19", "20", "21", "22", "23", "24", "25", "26-30", "all", "3,850", "0:02"]
    assert row(lines, "1-19")[:3] == ["1-19", "76/76", "19/19"]
    assert row(lines, "26-30")[:3] == ["26-30", "0/20", "0/5"]
    assert row(lines, "all")[:3] == ["all", "77/120", "19/30"]


def test_where_the_server_counts_no_tokens_nothing_is_said_of_them():
    progress = Progress(Outset({1: 4}, 1), 0.0)
    fill(progress, 1, 2, 1.0, tokens=None)
    assert progress.rates(9.0) is None
    assert "tokens" not in line(Moment(progress, Vitals(), 9.0), 100)
