"""Several runs on the same problems -> one comparison, as plain data."""

from collections.abc import Mapping, Sequence
from math import comb
from typing import Any

from evals.comparison.axes import AXES, Load
from evals.comparison.curves import Curve, curves_of
from evals.comparison.directory import ComparisonDirectory
from evals.comparison.matching import accuracy_at, end, meeting
from evals.comparison.naming import names_of
from evals.comparison.pairs import difference, holm
from evals.comparison.resampling import sizes, vote_by_size
from evals.comparison.sameness import check_same_problems, remarks_on_differences
from evals.records import Records
from evals.stats import estimate, estimate_over_problems, judged, marked
from rsa.budget import Prices
from rsa.chain import Usage
from rsa.errors import UsageError
from rsa.selection import population
from rsa.text import did_you_mean

__all__ = ["NO_PRICES", "compare"]

NO_PRICES = ": give prices (--set prices.prompt=... --set prices.completion=..., in dollars per million tokens)"
"""What to do about a match by price without prices."""
_ALWAYS = "generations"
_FORMAT = 1
_LEVEL = 0.05


def compare(
    runs: Sequence[Records],
    *,
    match: str = "generations",
    reference: str | None = None,
    votes: bool = False,
    prices: Prices | None = None,
    given_names: Sequence[str | None] = (),
    strict: bool = True,
) -> dict[str, Any]:
    """The comparison of finished or unfinished runs: curves, the table at equal budget, what was saved, remarks.

    `match` is the axis on which budgets are equal, `reference` the curve that all others are compared with: by default the
    last rsa, or the last of all. `votes` adds the vote over each population. `given_names` are names that runs have of their
    own. The result is the content of `comparison.json`.
    Raises `UsageError` if the problems are not the same, or a run is there twice; and if the axis or the reference is not
    there, unless not `strict`: then a remark says what was taken instead.
    """
    check_same_problems(runs)
    names = names_of(runs, given_names)
    own = [_prices(each) for each in runs]
    given = next((each for each in own if each), None)
    loads = _loads(runs)
    found = [
        curves_of(each, prices or own[run] or given, votes=votes, in_flight=loads[run]) for run, each in enumerate(runs)
    ]
    curves = [(run, _renamed(curve, runs[run].name, names[run])) for run, several in enumerate(found) for curve in several]
    drawn = [curve for _, curve in curves if curve.points]
    axes = [axis for axis in AXES if all(axis in point.cost for curve in drawn for point in curve.points)]
    match, base, remarks = _settled(drawn, axes, match, reference, strict)
    if prices is None and any(each != own[0] for each in own):
        remarks.append("not the same in all runs: prices (each is priced by its own; one without any by those of another)")
    table = _table(drawn, base, match) if base else []
    problems = len(runs[0].run.dataset.problems)
    return {
        "format": _FORMAT,
        "task": runs[0].run.task_name,
        "problems": problems,
        "repeats": max(each.run.config.task.repeats for each in runs),
        "match": match,
        "reference": base.name if base else None,
        "axes": [{"name": axis, "label": AXES[axis]} for axis in axes],
        "curves": [_plain(run, curve, axes) for run, curve in curves if curve.points],
        "table": table,
        "pass_at": _pass_at(runs, names),
        "saved": _saved(runs),
        "runs": [_told(each, name) for each, name in zip(runs, names, strict=True)],
        "remarks": [*remarks, *_on_few(table, problems), *_on_missing(curves, runs), *remarks_on_differences(runs, names)],
    }


def _settled(
    drawn: Sequence[Curve], axes: Sequence[str], match: str, reference: str | None, strict: bool
) -> tuple[str, Curve | None, list[str]]:
    """The axis and the reference that there are, and remarks on what was wished for and is not there."""
    remarks: list[str] = []
    try:
        _check_match(match, axes)
    except UsageError as error:
        if strict:
            raise
        match = _ALWAYS
        remarks.append(f"{error}; compared at equal {match} instead")
    try:
        return match, _reference(drawn, reference), remarks
    except UsageError:
        if strict:
            raise
        told = f"{reference}, the reference that is wished for, has no whole problem yet"
        return match, _reference(drawn, None), [*remarks, told]


def _check_match(match: str, axes: Sequence[str]) -> None:
    if match in axes:
        return
    if match not in AXES:
        raise UsageError(f"match: there is no axis {match!r}{did_you_mean(match, axes)}")
    unpriced = match == "price" and "total_tokens" in axes
    why = NO_PRICES if unpriced else f", for the server of a run did not count it: --match {_ALWAYS} always can"
    raise UsageError(f"match: budgets cannot be matched by {match}{why}")


def _loads(runs: Sequence[Records]) -> list[float]:
    """How many chains each run had in flight at a time; runs of one comparison share chains, and so this number."""
    homes = [each.run.directory.path.resolve() for each in runs]
    homes = [home.parent if ComparisonDirectory(home.parent).started else home for home in homes]
    loads = {home: Load() for home in homes}
    for home, each in zip(homes, runs, strict=True):
        for group in each.chains.groups:
            loads[home].take(each.chains.outline(group).values())
    return [loads[home].in_flight for home in homes]


def _prices(records: Records) -> Prices | None:
    given = records.run.config.prices
    return given.build() if given else None


def _renamed(curve: Curve, label: str, name: str) -> Curve:
    return Curve(curve.name.replace(label, name, 1), curve.select, curve.points, curve.missing)


def _reference(curves: Sequence[Curve], wanted: str | None) -> Curve | None:
    if wanted is not None:
        for curve in curves:
            if curve.name == wanted:
                return curve
        names = [curve.name for curve in curves]
        raise UsageError(f"reference: there is no {wanted!r}{did_you_mean(wanted, names)}")
    aggregating = [curve for curve in curves if curve.name.startswith("rsa(") and curve.select == "sample"]
    candidates = aggregating or curves
    return candidates[-1] if candidates else None


def _plain(run: int, curve: Curve, axes: Sequence[str]) -> dict[str, Any]:
    points = [
        {
            "step": point.step,
            "n": point.n,
            "cost": {axis: round(point.cost[axis], 6) for axis in axes},
            "accuracy": estimate_over_problems(point.accuracy),
        }
        for point in curve.points
    ]
    return {"name": curve.name, "run": run, "select": curve.select, "points": points}


def _table(curves: Sequence[Curve], base: Curve, match: str) -> list[dict[str, Any]]:
    rows = [_row(curve, base, match) for curve in curves]
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = corrected
        row["distinguishable"] = corrected is not None and corrected < _LEVEL
    return rows


def _row(curve: Curve, base: Curve, match: str) -> dict[str, Any]:
    own = {
        "name": curve.name,
        "accuracy": estimate_over_problems(curve.points[-1].accuracy),
        "cost": round(end(curve, match), 6),
    }
    nothing = ("at", "held", "accuracy_there", "reference_there", "difference", "p")
    if curve is base:
        return {**own, **dict.fromkeys(nothing), "held": False}
    met = meeting(curve, base, match)
    ours, theirs = (accuracy_at(each, match, met.at) for each in (curve, base))
    common = sorted(set(ours) & set(theirs))
    found, p = difference(ours, theirs)
    there = [estimate({problem: [side[problem]] for problem in common})["mean"] for side in (ours, theirs)]
    meant = {"accuracy_there": there[0], "reference_there": there[1], "difference": found, "p": p}
    return {**own, "at": round(met.at, 6), "held": met.held, **meant}


def _pass_at(runs: Sequence[Records], names: Sequence[str]) -> dict[str, Any]:
    """Unbiased pass@k and maj@k over the largest set of independent samples: the chains of some run's step 1."""
    number = max(range(len(runs)), key=lambda index: len(runs[index].run.strategy.plan(0, "").populations[0]))
    records = runs[number]
    plan = records.run.strategy.plan(0, "")
    wanted = sizes(len(plan.populations[0]))
    passes: list[dict[str, list[float]]] = [{} for _ in wanted]
    majorities: list[dict[str, list[float]]] = [{} for _ in wanted]
    for (problem, repeat), chains, marks in records.groups():
        if any(planned.place not in chains for planned in plan.populations[0]):
            continue  # the first to end are not just any of the samples
        samples = judged(marked(population(plan, 1, chains), marks))
        n, solved = len(samples), sum(mark.solved for _, mark in samples)
        reached = [size for size in wanted if size <= n]
        key = f"{records.run.config.seed},{(problem, repeat)}"
        votes = vote_by_size(samples, records.subjects[problem].equivalence, reached, key) if reached else []
        for place, (size, vote) in enumerate(zip(reached, votes, strict=True)):
            passes[place].setdefault(problem, []).append(1.0 - comb(n - solved, size) / comb(n, size))
            majorities[place].setdefault(problem, []).append(vote)
    groups = [sum(map(len, reached.values())) for reached in passes]
    points = [
        {"k": size, "pass": estimate(passes[place]), "majority": estimate(majorities[place])}
        for place, size in enumerate(wanted)
        if groups[place] and groups[place] == groups[0]  # else its mean would be over other problems than that of k=1
    ]
    return {names[number]: points}


def _saved(runs: Sequence[Records]) -> dict[str, int]:
    """What was not generated, because another strategy of the comparison had the same chains."""
    taken = [
        chain
        for each in runs
        for group in each.chains.groups
        for chain in each.chains.outline(group).values()
        if chain.origin is not None
    ]
    usage = Usage.total(chain.usage for chain in taken)
    return {"chains": len(taken), "completion_tokens": usage.completion or 0, "prompt_tokens": usage.prompt or 0}


def _told(records: Records, name: str) -> dict[str, Any]:
    planned = len(records.chains.layout.places) * len(records.run.dataset.problems) * records.run.config.task.repeats
    made = sum(records.chains.count(group) for group in records.chains.groups)
    return {
        "name": name,
        "directory": records.run.directory.path.name,
        "model": records.run.model,
        "chains": made,
        "planned": planned,
        "complete": made == planned,
    }


def _on_missing(curves: Sequence[tuple[int, Curve]], runs: Sequence[Records]) -> list[str]:
    planned = [len(each.run.dataset.problems) * each.run.config.task.repeats for each in runs]
    return [
        f"{curve.name}: {curve.missing} of {planned[run]} repeats of problems are not whole, or have a step without a "
        "living chain that was judged; they are left out of its curve"
        for run, curve in curves
        if curve.missing
    ]


def _on_few(table: Sequence[Mapping[str, Any]], problems: int) -> list[str]:
    """Where even the same sign on every problem would not be significant, "not distinguishable" tells nothing."""
    tests = sum(row["at"] is not None and row["difference"]["mean"] is not None for row in table)
    least = min(1.0, tests * 2.0 ** (1 - problems))
    if not tests or least < _LEVEL:
        return []
    few = f"{problems} problems" if problems > 1 else "one problem"
    return [f"with {few} no difference can be significant: the smallest p after Holm would be {least:.3g}"]
