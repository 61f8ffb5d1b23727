from pathlib import Path
from types import SimpleNamespace

import pytest

from evals.comparison.naming import names_of
from rsa.errors import UsageError


def run(folder: str, name: str = "sample", model: str = "m"):
    return SimpleNamespace(name=name, run=SimpleNamespace(model=model, directory=SimpleNamespace(path=Path("/r") / folder)))


@pytest.mark.parametrize(
    ("runs", "given", "names"),
    [
        ([run("a"), run("b", "majority(n=2)")], [], ["sample", "majority(n=2)"]),
        ([run("a"), run("b")], [], ["sample [a]", "sample [b]"]),
        ([run("a/x"), run("b/x")], [], ["sample [a/x]", "sample [b/x]"]),
        ([run("a", model="m1"), run("b", model="m2")], [], ["sample [m1]", "sample [m2]"]),
        ([run("a"), run("b", model="o"), run("c")], [], ["sample [m, a]", "sample [o, b]", "sample [m, c]"]),
        ([run("a"), run("b")], ["sample t=1", None], ["sample t=1", "sample"]),
        ([run("a/x"), run("b/x")], ["sample t=1", "sample t=1"], ["sample t=1 [a/x]", "sample t=1 [b/x]"]),
    ],
)
def test_no_two_runs_have_the_same_name(runs, given, names):
    assert names_of(runs, given) == names


def test_a_run_that_is_named_twice_is_told():
    with pytest.raises(UsageError, match="/r/a is named twice"):
        names_of([run("a"), run("b"), run("a/../a")])
