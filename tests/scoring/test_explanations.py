import pytest

from evals.scoring import SCORERS, Scoring
from evals.scoring.explanations import EXPLANATIONS
from tests.scoring.attempts import judged, outcome

EXAMPLES = [
    pytest.param(name, explanation.kind, example, id=f"{name}-{example.reply}")
    for name, explanation in EXPLANATIONS.items()
    for example in explanation.examples
]


def test_every_scorer_is_explained():
    assert set(EXPLANATIONS) == set(SCORERS)


@pytest.fixture(scope="module")
def named():
    running = {name: Scoring(name) for name in EXPLANATIONS}
    yield running
    for each in running.values():
        each.close()


@pytest.mark.parametrize(("name", "kind", "example"), EXAMPLES)
def test_what_the_docs_show_is_what_the_scorer_does(named, name, kind, example):
    assert outcome(judged(named[name], example.reply, example.gold, kind=kind)) == example.outcome
