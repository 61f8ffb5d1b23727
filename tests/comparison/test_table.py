from io import StringIO

import pytest
from rich.console import Console

from evals.comparison.axes import AXES
from evals.comparison.table import comparison_table, findings

LONG = "self_refine(steps=10,n=16) sampling.temperature=0.75"


def share(mean):
    return {"mean": mean, "se": 0.05, "ci95": [mean - 0.1, mean + 0.1]}


def row(name, at=None, mean=None, *, held=False, p=None):
    meant = {"difference": share(mean) if mean is not None else {"mean": None, "se": None, "ci95": None}, "p_holm": p}
    own = {"name": name, "accuracy": share(0.5), "cost": 123456.0, "held": held, "at": at}
    return {**own, **meant, "distinguishable": p is not None and p < 0.05}


def comparison(*rows, match="generations"):
    axes = [{"name": name, "label": text} for name, text in AXES.items()]
    reference = row("rsa(n=16,k=4,steps=10)")
    table = [*rows, {**reference, "difference": None}]
    told = {"task": "aime25", "problems": 30, "repeats": 4, "match": match, "reference": reference["name"], "axes": axes}
    return {**told, "table": table}


@pytest.mark.parametrize("match", AXES)
@pytest.mark.parametrize("width", [80, 100])
def test_the_table_fits_on_every_axis_with_long_names(match, width):
    console = Console(width=width, file=StringIO())
    console.print(comparison_table(comparison(row(LONG, 98765.0, -0.123, held=True, p=0.0004), match=match)))
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    for told in ("50.0 ± 5.0", "123,456", "98,765*", "-12.3", "(-22.3 to -2.3)", "<0.001", "reference"):
        assert told in text


def test_sentences_say_what_differs_and_where_and_what_does_not():
    lines = findings(comparison(row("a", 16.0, -0.04, p=0.01), row("b", 40.0, 0.01, p=0.5), row("c", 16.0)))
    assert lines[0] == "a is worse than rsa(n=16,k=4,steps=10) at 16 generations a problem, by 4.0 points."
    assert lines[1] == "Not distinguishable from rsa(n=16,k=4,steps=10): b."
    assert lines[2] == "No whole problem in common with rsa(n=16,k=4,steps=10): c."
    assert not any(line.startswith("*") for line in lines)


def test_where_one_curve_ends_before_the_other_begins_a_star_says_so():
    lines = findings(comparison(row("a", 160.0, 0.04, held=True, p=0.01)))
    assert lines[0].startswith("a is better than rsa(n=16,k=4,steps=10) at 160* generations a problem")
    assert lines[1].startswith("* One of the two")
