"""The laws of step times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.simulation.costs import StepCosts

costs = st.builds(StepCosts, st.floats(1e-4, 1), sequence=st.floats(0, 0.01), context=st.floats(0, 1e-5))


@given(costs, st.integers(1, 500), st.integers(1, 500), st.integers(1, 100), st.integers(0, 10**6))
def test_steps_take_as_long_in_one_go_as_in_two(costs, first, second, sequences, context):
    after = costs.decoding(second, sequences, context + first * sequences)
    assert costs.decoding(first, sequences, context) + after == pytest.approx(
        costs.decoding(first + second, sequences, context)
    )


@given(costs, st.integers(2, 5000), st.integers(1, 100), st.integers(0, 10**6), st.floats(0.01, 0.99))
def test_the_step_under_way_at_a_time(costs, steps, sequences, context, share):
    before, after = (costs.decoding(number, sequences, context) for number in (steps - 1, steps))
    assert costs.steps_by(before + share * (after - before), sequences, context) == steps
