"""Summaries and comparisons made by hand."""

from typing import Any

AXES = [
    {"name": "generations", "label": "generations a problem"},
    {"name": "completion_tokens", "label": "new tokens a problem"},
]


def estimate(mean: float | None, se: float | None = 0.05) -> dict[str, Any]:
    if mean is None or se is None:
        return {"mean": mean, "se": None, "ci95": None}
    return {"mean": mean, "se": se, "ci95": [max(0.0, mean - 2 * se), min(1.0, mean + 2 * se)]}


def step(number: int, mean: float | None = 0.5, **more: Any) -> dict[str, Any]:
    flips = [] if number == 1 else [flip(0, 40, 4), flip(1, 30, 15), flip(2, 10, 10)]
    story = {
        "gap": estimate(0.2),
        "distinct": 3.0 - number / 4,
        "entropy": 1.5 - number / 4,
        "consensus": 0.4 + number / 10,
        "new_tokens": {"mean": 100.5, "median": 99, "most": 200},
        "flips": flips,
    }
    return {
        "step": number,
        "problems": 4,
        "chains": 80,
        "accuracy": estimate(mean),
        "score": estimate(mean),
        "majority": estimate(0.6),
        "coverage": estimate(0.8),
        "groups": {},
        "no_answer": 0.0,
        "error": 0.0,
        "methods": {},
        "truncated": 0.1,
        "dead": 0.0,
        "shortened": 0.0,
        "tokens": {"prompt": 4000, "cached": 1000, "completion": 8000},
        "calls": 80,
        "seconds": 160.0,
        "story": story,
        **more,
    }


def flip(right_parents: int, children: int, right: int, parents: int = 2) -> dict[str, int]:
    return {"right_parents": right_parents, "parents": parents, "children": children, "right": right}


def summary(name: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {"problems": 4, "repeats": 2, "strategies": {name: {"steps": steps}}}


def point(generations: float, mean: float | None, number: int = 1, n: int | None = None) -> dict[str, Any]:
    cost = {"generations": generations, "completion_tokens": 100.0 * generations}
    return {"step": number, "n": n, "cost": cost, "accuracy": estimate(mean)}


def curve(name: str, points: list[dict[str, Any]], run: int = 0) -> dict[str, Any]:
    return {"name": name, "run": run, "select": "sample", "points": points}


def entry(name: str, mean: float, difference: float | None = None, **more: Any) -> dict[str, Any]:
    """A row of the table; that of the reference where there is no difference."""
    if difference is None:
        nothing = dict.fromkeys(("at", "accuracy_there", "reference_there", "difference", "p", "p_holm"))
        compared = {**nothing, "held": False, "distinguishable": False}
    else:
        spread = {"mean": difference, "se": 0.02, "ci95": [difference - 0.04, difference + 0.04]}
        there = {"at": 16.0, "held": False, "accuracy_there": mean, "reference_there": mean - difference}
        far = abs(difference) > 0.04
        compared = {
            **there,
            "difference": spread,
            "p": 0.01 if far else 0.5,
            "p_holm": 0.02 if far else 0.5,
            "distinguishable": far,
        }
    return {"name": name, "accuracy": estimate(mean), "cost": 16.0, **compared, **more}


def run(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "directory": name, "model": "a model", "chains": 80, "planned": 80, "complete": True, **more}


def comparison(names: list[str], **more: Any) -> dict[str, Any]:
    """The first is the reference; each has a curve of two points."""
    return {
        "format": 1,
        "task": "aime25",
        "problems": 4,
        "repeats": 2,
        "match": "generations",
        "reference": names[0],
        "axes": AXES,
        "curves": [curve(name, [point(4, 0.4), point(16, 0.5, 2)], number) for number, name in enumerate(names)],
        "table": [entry(name, 0.5, None if number == 0 else -0.1) for number, name in enumerate(names)],
        "pass_at": {names[0]: [{"k": k, "pass": estimate(0.4 + k / 20), "majority": estimate(0.4)} for k in (1, 2, 4)]},
        "saved": {"chains": 0, "completion_tokens": 0, "prompt_tokens": 0},
        "runs": [run(name) for name in names],
        "remarks": [],
        **more,
    }
