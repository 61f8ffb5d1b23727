"""What the plots say, and that they can be told apart."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.report.heatmap import Cell, heat_plots, in_order
from evals.report.plot import domain, rounded_up
from evals.report.plots import known_looks, plots
from evals.report.theme import colours, look, with_colours
from tests.report.dicts import comparison, curve, entry, flip, point, step, summary

NAMES = ["rsa(n=4,k=2,steps=2)", "majority(n=16)"]
SUMMARIES = [summary(NAMES[0], [step(1), step(2, 0.6)]), summary(NAMES[1], [step(1)])]
HEATS = [{"a": {1: Cell(0.25, 8), 2: Cell(0.5, 8)}, "b": {1: Cell(0.0, 8), 2: Cell(1.0, 8)}}, {"a": {1: Cell(0.5, 16)}}]


def drawn(names=NAMES, summaries=SUMMARIES, heats=HEATS, **more):
    return {plot.name: plot for those in plots(summaries, comparison(names, **more), heats).values() for plot in those}


def table(plot):
    columns, rows = plot.facts()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_every_plot_is_there():
    assert list(drawn()) == [
        "paired-differences", "accuracy-against-budget", "samples", "steps-1", "problems-1", "problems-2",
        "gap", "distinct", "consensus", "entropy", "flips", "tokens-1", "tokens-2", "lengths", "seconds", "truncated",
    ]  # fmt: skip


def test_the_budget_can_be_counted_in_every_axis_and_first_in_that_of_the_table():
    plot = drawn(match="completion_tokens")["accuracy-against-budget"]
    assert [axis["name"] for axis in plot.axes] == ["completion_tokens", "generations"]
    assert table(plot)[1] == {
        "series": NAMES[0], "step": 2, "n": None, "mean": 0.5, "low": 0.4, "high": 0.6,
        "completion_tokens": 1600.0, "generations": 16,
    }  # fmt: skip
    told = plot.summary
    assert "rsa(n=4,k=2,steps=2): 40.0 % at 400, 50.0 % at 1,600" in told


@pytest.mark.parametrize(
    ("amounts", "log", "positive"), [((4, 16), False, True), ((1, 160), True, True), ((0, 160), False, False)]
)
def test_wide_budgets_are_first_drawn_on_a_log_scale_where_that_can_be(amounts, log, positive):
    curves = [curve(NAMES[0], [point(amount, 0.5) for amount in amounts])]
    axis = drawn(curves=curves)["accuracy-against-budget"].axes[0]
    assert (axis["log"], axis["positive"]) == (log, positive)


def test_a_curve_of_one_point_has_an_error_bar():
    layers = drawn(curves=[curve("one", [point(1, 0.5)])])["accuracy-against-budget"].spec["layer"]
    assert any(layer["mark"]["type"] == "rule" for layer in layers)
    layers = drawn()["accuracy-against-budget"].spec["layer"]
    assert [layer["mark"]["type"] for layer in layers] == ["area", "line", "point"]


def test_differences_show_what_is_not_distinguishable():
    rows = [
        entry("ours", 0.5),
        entry("worse", 0.4, -0.1),
        entry("equal", 0.49, -0.01),
        {**entry("unknown", 0.5, 0.0), "difference": None},
    ]
    shown = {row["series"]: row["verdict"] for row in table(drawn(table=rows)["paired-differences"])}
    assert shown == {"worse": "distinguishable", "equal": "not distinguishable"}
    assert "paired-differences" not in drawn(table=[entry("ours", 0.5)])


def test_flips_are_summed_over_steps_and_kept_apart_by_the_number_of_parents():
    story = {**step(2)["story"], "flips": [flip(0, 10, 1), flip(1, 10, 5), flip(1, 4, 4, parents=1)]}
    steps = [step(1), step(2, story=story), step(3, story={**story, "flips": [flip(0, 30, 3)]})]
    rows = table(drawn([NAMES[0]], [summary(NAMES[0], steps)], [{}])["flips"])
    found = {(row["right_parents"], row["parents"]): (row["children"], row["right"], row["mean"]) for row in rows}
    assert found == {(0, 2): (40, 4, 0.1), (1, 2): (10, 5, 0.5), (1, 1): (4, 4, 1.0)}


def test_tokens_are_a_problem_and_the_cached_part_is_apart():
    rows = table(drawn()["tokens-1"])
    assert [(row["kind"], row["tokens"]) for row in rows[:3]] == [
        ("prompt, cached", 125.0), ("prompt, not cached", 375.0), ("new", 1000.0),
    ]  # fmt: skip
    uncounted = step(1, tokens={"prompt": 80, "cached": None, "completion": None})
    rows = table(drawn([NAMES[1]], [summary(NAMES[1], [uncounted])], [{}])["tokens-1"])
    assert [(row["kind"], row["tokens"]) for row in rows] == [("prompt", 10.0)]


def test_what_is_not_known_is_not_drawn():
    nothing = {"prompt": None, "cached": None, "completion": None}
    steps = [
        step(number, None, tokens=nothing, chains=0, truncated=None, no_answer=None, dead=None, story=None)
        for number in (1, 2)
    ]
    found = drawn([NAMES[0]], [summary(NAMES[0], steps)], [{}], curves=[], table=[], pass_at={}, axes=[])
    assert list(found) == ["steps-1"]


def test_rare_failures_are_drawn_only_where_there_are_any():
    found = drawn([NAMES[0]], [summary(NAMES[0], [step(1, dead=0.1), step(2)])], [{}])
    assert "dead" in found
    assert "no-answer" not in found


def test_heat_maps_have_one_order_the_best_in_the_end_first():
    assert in_order(HEATS) == ["b", "a"]
    first, second = heat_plots(NAMES, HEATS)
    assert [(row["problem"], row["step"], row["mean"]) for row in table(first)] == [
        ("b", 1, 0.0), ("b", 2, 1.0), ("a", 1, 0.25), ("a", 2, 0.5),
    ]  # fmt: skip
    assert [row["mean"] for row in table(second)] == [None, 0.5]
    assert (first.run, second.run) == (0, 1)
    assert "every chain is right on 1 of 2 problems, and none on 0" in first.summary


@pytest.mark.parametrize(("problems", "most", "labels"), [(1, 40, True), (30, 800, True), (1000, 2500, False)])
def test_heat_maps_of_any_size_have_a_sensible_height(problems, most, labels):
    heat = {f"p{number}": {step: Cell(0.5, 4) for step in range(1, 11)} for number in range(problems)}
    (plot,) = heat_plots(["run"], [heat])
    assert problems <= plot.spec["height"] <= most
    assert plot.spec["encoding"]["y"]["axis"]["labels"] is labels
    assert len(plot.rows) == 10 * problems


def test_a_series_looks_the_same_everywhere():
    names = [f"run {number}" for number in range(12)]
    summaries = [summary(name, [step(1), step(2)]) for name in names]
    found = drawn(names, summaries, [{}] * 12)
    known = known_looks(comparison(names))
    for plot in ("accuracy-against-budget", "gap", "flips", "seconds"):
        scale = found[plot].spec["layer"][-1]["encoding"]["color"]["scale"]
        assert dict(zip(scale["domain"], scale["range"], strict=True)) == {name: known[name].colour for name in names}


def test_no_two_series_differ_by_colour_alone():
    found = [look(number) for number in range(30)]
    for one, other in itertools.combinations(found, 2):
        assert one.shape != other.shape or one.dash != other.dash
        assert one != other


# Machado, Oliveira and Fernandes 2009, severity 1; sRGB linear.
EYES = {
    "ordinary": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour: str) -> list[float]:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def brightness(colour: str) -> float:
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((brightness(one), brightness(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def seen(colour: str, eye: str) -> tuple[float, ...]:
    """A colour in Oklab, as an eye sees it."""
    red, green, blue = (
        min(1.0, max(0.0, sum(weight * part for weight, part in zip(row, linear(colour), strict=True)))) for row in EYES[eye]
    )
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


@pytest.mark.parametrize("dark", [False, True])
def test_colours_can_be_read_and_told_apart_by_all_eyes(dark):
    found = colours(dark)
    paper = found["var(--paper)"]
    for name in ("ink", "muted", "accent", "right", "wrong", "none", "dead"):
        assert contrast(found[f"var(--{name})"], paper) >= 4.5, name
        assert contrast(found[f"var(--{name})"], found["var(--panel)"]) >= 4.5, name
    series = [found[f"var(--series-{number})"] for number in range(1, 8)]
    assert min(contrast(each, paper) for each in series) >= 3
    for eye in EYES:
        pairs = itertools.combinations(series[:6], 2)
        assert min(math.dist(seen(one, eye), seen(other, eye)) for one, other in pairs) >= 0.08, eye


@pytest.mark.parametrize("dark", [False, True])
def test_the_heat_map_goes_one_way_in_brightness(dark):
    steps = [brightness(colours(dark)[f"var(--heat-{number})"]) for number in range(10)]
    assert steps == sorted(steps, reverse=not dark)


def test_files_have_colours_in_place_of_properties():
    assert with_colours({"a": ["var(--ink)", 1, None], "b": "ink"}, colours()) == {"a": ["#1b1f24", 1, None], "b": "ink"}
    assert "var(" not in str(drawn()["accuracy-against-budget"].whole())


@given(st.floats(1e-9, 1e12))
def test_an_axis_ends_at_a_round_number_not_far_above(value):
    assert value <= rounded_up(value) * (1 + 1e-6)
    assert rounded_up(value) <= 1.7 * value


@given(st.lists(st.floats(0, 1) | st.none(), max_size=5))
def test_limits_hold_all_shares(values):
    low, high = domain(values)
    assert 0 <= low < high <= 1.0 + 1e-9
    assert all(low <= value <= high for value in values if value is not None)
