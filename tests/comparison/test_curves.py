import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsa
from evals.comparison.axes import Load, cumulated
from evals.comparison.curves import Curve, Point, curves_of
from evals.comparison.matching import accuracy_at, end, meeting
from evals.stats import Mark, Subject
from rsa.budget import Prices
from rsa.chain import Chain, Status, Usage
from rsa.equivalence import AS_TEXT
from rsa.strategies import label


def made(strategy, problem, right, *, repeat=0, usage=(10, 4, 5), dead=(), text=""):
    """One whole repeat of a problem. `right` says of which places the chain is right, `dead` which chains are."""
    chains, marks = {}, {}
    for number, planned in enumerate(strategy.plan(0, problem, repeat)):
        status = Status.DEAD if planned.place in dead else Status.OK
        used = Usage() if status is Status.DEAD else Usage(*usage)
        times = (float(number), number + 1.0)
        chains[planned.place] = Chain(
            problem, repeat, "s", *planned.place, (), "m", 0, "", text, "stop", status, used, *times, attempts=1
        )
        if status is not Status.DEAD and planned.role != "verify":
            solved = planned.place in right
            marks[planned.place] = Mark("1" if solved else "0", "ok", float(solved), solved)
    return (problem, repeat), chains, marks


def records(strategy, *groups, problems=None):
    """Just as much of `evals.records.Records` as curves read."""
    names = problems or sorted({group[0] for group, _, _ in groups})
    task = SimpleNamespace(repeats=1 + max(group[1] for group, _, _ in groups))
    config = SimpleNamespace(seed=0, task=task)
    run = SimpleNamespace(strategy=strategy, config=config, dataset=SimpleNamespace(problems=names))
    return SimpleNamespace(
        run=run,
        name=label(strategy),
        groups=lambda: iter(groups),
        chains=SimpleNamespace(groups=[group for group, _, _ in groups]),
        subjects={name: Subject(AS_TEXT) for name in names},
    )


def told(curve: Curve):
    return [(point.step, point.n, point.cost, *point.accuracy.values()) for point in curve.points]


def test_rsa_has_a_point_a_step_and_pays_for_every_chain_up_to_it():
    strategy = rsa.RSA(4, 2, 3)
    group = made(strategy, "p", {(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)})
    (curve,) = curves_of(records(strategy, group), Prices(1e6, 2e6, 5e5), votes=False)
    assert [(point.step, point.cost["generations"], *point.accuracy.values()) for point in curve.points] == [
        (1, 4, 0.25),
        (2, 8, 0.5),
        (3, 12, 0.75),
    ]
    assert curve.points[1].cost == {
        "generations": 8,
        "completion_tokens": 40,
        "prompt_tokens": 80,
        "uncached_prompt_tokens": 48,
        "total_tokens": 120,
        "price": 8 * (6 * 1 + 4 * 0.5 + 5 * 2),
        "depth": 2,
        "seconds": 8,
    }


def test_votes_add_a_curve_on_which_the_population_votes():
    strategy = rsa.RSA(3, 2, 2)
    group = made(strategy, "p", {(1, 0), (2, 0), (2, 1)})
    drawn, voted = curves_of(records(strategy, group), None, votes=True)
    assert (drawn.select, voted.select, voted.name) == ("sample", "majority", "rsa(n=3,k=2,steps=2) + vote")
    assert [list(point.accuracy.values()) for point in voted.points] == [[0.0], [1.0]]
    assert voted.points[-1].cost == drawn.points[-1].cost


def test_a_line_of_refinement_is_paid_for_alone_and_its_vote_as_a_whole():
    strategy = rsa.SelfRefine(2, 4)
    drawn, voted = curves_of(records(strategy, made(strategy, "p", {(2, 0)})), None, votes=True)
    assert [point.cost["generations"] for point in drawn.points] == [1, 2]
    assert [point.cost["depth"] for point in drawn.points] == [1, 2]
    assert [point.cost["generations"] for point in voted.points] == [4, 8]


def test_a_majority_has_a_point_for_every_number_of_samples():
    strategy = rsa.Majority(4)
    (curve,) = curves_of(records(strategy, made(strategy, "p", {(1, 1), (1, 3)})), None, votes=True)
    assert [(point.n, point.cost["generations"], point.cost["depth"]) for point in curve.points] == [
        (1, 1, 1),
        (2, 2, 1),
        (3, 3, 1),
        (4, 4, 1),
    ]
    assert [value for point in curve.points for value in point.accuracy.values()] == pytest.approx([0.5, 1 / 3, 0.5, 0.0])


def test_a_rejection_pays_for_its_judgements():
    strategy = rsa.Rejection(2)
    group = made(strategy, "p", {(1, 0)}, text="\\boxed{correct}")
    (curve,) = curves_of(records(strategy, group), None, votes=False)
    assert [(point.n, point.cost["generations"], point.cost["depth"]) for point in curve.points] == [(1, 2, 2), (2, 4, 2)]
    assert [value for point in curve.points for value in point.accuracy.values()] == [0.5, 0.5]


def test_repeats_that_are_not_whole_are_left_out_and_counted():
    strategy = rsa.RSA(2, 1, 2)
    whole, short = made(strategy, "a", {(1, 0)}), made(strategy, "b", {(1, 0)})
    del short[1][2, 1]
    (curve,) = curves_of(records(strategy, whole, short, problems=["a", "b", "c"]), None, votes=False)
    assert curve.missing == 2
    assert all(set(point.accuracy) == {("a", 0)} for point in curve.points)


def test_a_repeat_with_a_chain_that_is_not_judged_yet_is_left_out():
    strategy = rsa.Majority(3)
    whole, short = made(strategy, "a", set()), made(strategy, "b", {(1, 0)})
    del short[2][1, 2]
    (curve,) = curves_of(records(strategy, whole, short), None, votes=False)
    assert (curve.missing, set(curve.points[-1].accuracy)) == (1, {("a", 0)})


def test_a_population_that_died_leaves_its_problem_out():
    strategy = rsa.Majority(2)
    gone = made(strategy, "a", set(), dead={(1, 0), (1, 1)})
    (curve,) = curves_of(records(strategy, gone, made(strategy, "b", set())), None, votes=False)
    assert curve.missing == 1


def test_what_a_server_does_not_count_is_no_axis():
    strategy = rsa.Majority(2)
    uncounted = made(strategy, "a", set(), usage=(10, None, 5))
    (curve,) = curves_of(records(strategy, uncounted), None, votes=False)
    assert set(curve.points[-1].cost) == {
        "generations",
        "completion_tokens",
        "prompt_tokens",
        "total_tokens",
        "depth",
        "seconds",
    }
    _, chains, _ = made(strategy, "a", set(), dead={(1, 1)})
    assert cumulated(strategy.plan(0, "a"), chains, None, 1.0)[0]["completion_tokens"] == 5, (
        "a dead chain has nothing to count"
    )


def test_a_price_takes_what_is_told_of_the_cache_and_the_rest_as_new():
    strategy = rsa.Majority(2)
    _, chains, _ = made(strategy, "a", set())
    chains[1, 1] = replace(chains[1, 1], usage=Usage(10, None, 5))
    (cost,) = cumulated(strategy.plan(0, "a"), chains, Prices(1e6, 0, 0), 1.0)
    assert (cost["price"], cost["uncached_prompt_tokens"]) == (6 + 10, None)


def test_the_same_chains_take_the_same_seconds_wherever_they_are():
    """Samples that were taken over lie scattered over the time of the run that made them."""
    _, chains, _ = made(rsa.Majority(4), "a", set())
    load = Load()
    load.take(chains.values())
    assert load.in_flight == 1, "one after the other"
    spread = {place: replace(chain, started=100.0 * place[1], ended=100.0 * place[1] + 1) for place, chain in chains.items()}
    plan = rsa.Majority(4).plan(0, "a")
    assert cumulated(plan, chains, None, 2.0)[-1]["seconds"] == cumulated(plan, spread, None, 2.0)[-1]["seconds"] == 2


def test_the_load_is_that_of_the_chains_that_were_generated():
    _, chains, _ = made(rsa.Majority(4), "a", set())
    together = [replace(chain, started=0.0, ended=2.0) for chain in chains.values()]
    load = Load()
    load.take([*together, replace(together[0], started=50.0, ended=99.0, origin="another")])
    assert load.in_flight == 4
    assert Load().in_flight == 1


def line(*points: tuple[float, float], name="c") -> Curve:
    made = [Point(step, None, {"x": cost}, {("p", 0): value}) for step, (cost, value) in enumerate(points, 1)]
    return Curve(name, "sample", tuple(made))


@pytest.mark.parametrize(("budget", "expected"), [(1, 0.0), (2, 0.25), (3, 0.5), (4, 0.75), (9, 0.75)])
def test_between_points_accuracy_is_interpolated_and_past_the_last_it_stays(budget, expected):
    curve = line((1, 0.0), (3, 0.5), (4, 0.75))
    assert accuracy_at(curve, "x", budget) == {"p": pytest.approx(expected)}


def test_of_points_at_the_same_budget_the_last_counts():
    assert accuracy_at(line((1, 0.1), (1, 0.3), (2, 0.5)), "x", 1) == {"p": 0.3}


@pytest.mark.parametrize(
    ("ours", "theirs", "at", "held"),
    [
        ((1, 16), (16, 160), 16, False),
        ((4, 40), (16, 160), 40, False),
        ((1, 10), (16, 160), 160, True),
        ((5, 5), (1, 3), 5, True),
    ],
)
def test_two_curves_meet_at_the_largest_budget_of_both(ours, theirs, at, held):
    first, second = (line(*((cost, 0.5) for cost in costs)) for costs in (ours, theirs))
    met = meeting(first, second, "x")
    assert (met.at, met.held) == (at, held)
    assert meeting(second, first, "x") == met


@given(
    st.lists(st.tuples(st.floats(1, 100), st.floats(0, 1)), min_size=1, max_size=6),
    st.floats(1, 120),
)
def test_an_interpolated_accuracy_lies_between_those_of_the_curve(points, budget):
    curve = line(*sorted(points))
    found = accuracy_at(curve, "x", max(budget, curve.points[0].cost["x"]))["p"]
    values = [value for _, value in points]
    assert min(values) - 1e-9 <= found <= max(values) + 1e-9
    assert json.dumps(end(curve, "x"))
