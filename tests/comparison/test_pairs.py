import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.comparison.pairs import difference, holm
from evals.stats import estimate

PROBLEMS = 30
P_VALUES = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=8)


def as_problems(values) -> dict[str, float]:
    return {f"{number}": float(value) for number, value in enumerate(values)}


def benchmark(generator: np.random.Generator, gain: float):
    """What two strategies score on AIME-like problems, most of them nearly always or nearly never solved; four repeats."""
    difficulty = generator.beta(0.4, 0.4, PROBLEMS)
    better = np.clip(difficulty + gain, 0, 1)
    return generator.binomial(4, better) / 4, generator.binomial(4, difficulty) / 4


def true_gain(gain: float) -> float:
    difficulty = np.random.default_rng(0).beta(0.4, 0.4, 1_000_000)
    return float(np.mean(np.clip(difficulty + gain, 0, 1) - difficulty))


def test_95_percent_intervals_of_differences_hold_the_truth_in_93_to_97_percent():
    generator, truth = np.random.default_rng(1), true_gain(0.05)
    held = []
    for _ in range(1000):
        found, _ = difference(*map(as_problems, benchmark(generator, 0.05)))
        held.append(found["ci95"][0] <= truth <= found["ci95"][1])
    assert 0.93 <= np.mean(held) <= 0.97


def test_95_percent_intervals_of_accuracies_hold_the_truth_in_93_to_97_percent():
    generator = np.random.default_rng(2)
    held = []
    for _ in range(1500):
        _, scores = benchmark(generator, 0.0)
        low, high = estimate({name: [value] for name, value in as_problems(scores).items()})["ci95"]
        held.append(low <= 0.5 <= high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_without_a_difference_few_p_values_are_small():
    generator = np.random.default_rng(3)
    values = [difference(*map(as_problems, benchmark(generator, 0.0)))[1] for _ in range(500)]
    assert 0.01 <= np.mean([value < 0.05 for value in values]) <= 0.06  # ties make the test a little too careful


def test_p_values_of_few_problems_are_exact():
    """Of the 2^5 ways to flip the signs of 1, 2, 3, 4, 5 only two give a mean as large as 3."""
    assert difference(as_problems([1, 2, 3, 4, 5]), as_problems([0] * 5))[1] == 2 / 2**5


def test_pairing_is_what_makes_a_small_difference_visible():
    base = np.linspace(0, 1, PROBLEMS)
    better = np.clip(base + np.where(np.arange(PROBLEMS) % 2, 0.02, 0.04), 0, 2)
    found, p = difference(as_problems(better), as_problems(base))
    assert p < 0.001
    assert 0 < found["ci95"][0] < found["mean"] < found["ci95"][1]
    assert found["se"] < np.std(base, ddof=1) / math.sqrt(PROBLEMS) / 20


@pytest.mark.parametrize(("ours", "mean", "p"), [([1, 1, 1], 0.0, 1.0), ([2, 2, 2], 1.0, 0.25)])
def test_the_same_difference_everywhere_has_no_width(ours, mean, p):
    found, told = difference(as_problems(ours), as_problems([1, 1, 1]))
    assert (found["mean"], found["ci95"], told) == (mean, [mean, mean], p)


def test_only_problems_that_both_have_count():
    assert difference({"a": 1.0, "b": 0.5}, {"c": 1.0})[0]["mean"] is None
    found, p = difference({"a": 1.0, "b": 0.5}, {"a": 0.5, "c": 1.0})
    assert (found, p) == ({"mean": 0.5, "se": None, "ci95": None}, None)


def test_the_same_data_give_the_same_numbers_in_any_order():
    ours, theirs = map(as_problems, benchmark(np.random.default_rng(4), 0.1))
    assert difference(ours, theirs) == difference(dict(reversed(ours.items())), dict(reversed(theirs.items())))


@given(P_VALUES)
def test_holm_raises_p_values_keeps_their_order_and_ends_at_bonferroni(values):
    corrected = holm(values)
    tests = [value for value in values if value is not None]
    assert [value is None for value in values] == [value is None for value in corrected]
    pairs = [(value, after) for value, after in zip(values, corrected, strict=True) if value is not None]
    assert all(value <= after + 1e-6 and after <= 1 for value, after in pairs)
    assert [after for _, after in sorted(pairs)] == sorted(after for _, after in pairs)
    if tests:
        assert min(after for _, after in pairs) == pytest.approx(min(1, min(tests) * len(tests)), abs=1e-6)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == [0.03, 0.06, 0.06]
