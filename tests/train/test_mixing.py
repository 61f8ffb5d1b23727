"""Laws of how problems are drawn and mixed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.train.building.mixing import amounts, drawn, modes

SIZES = st.lists(st.integers(0, 60), min_size=1, max_size=6)


@given(SIZES, st.integers(1, 200) | st.none())
def test_without_shares_all_is_taken_up_to_the_limit(sizes, limit):
    taken = amounts(sizes, None, limit)
    assert sum(taken) == min(sum(sizes), limit or sum(sizes))
    assert all(0 <= amount <= size for amount, size in zip(taken, sizes, strict=True))


@given(st.data(), SIZES, st.integers(1, 200) | st.none())
def test_shares_are_kept_to_less_than_one_problem(data, sizes, limit):
    shares = data.draw(st.lists(st.integers(1, 9), min_size=len(sizes), max_size=len(sizes)))
    taken = amounts(sizes, [float(share) for share in shares], limit)
    total = sum(taken)
    assert all(amount <= size for amount, size in zip(taken, sizes, strict=True))
    assert all(abs(amount - total * share / sum(shares)) < 1 for amount, share in zip(taken, shares, strict=True))
    assert limit is None or total <= limit


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=4), st.integers(0, 3), max_size=40),
    st.sampled_from([0.0, 0.25, 0.5, 0.8, 1.0]),
    st.integers(0, 5),
)
def test_every_problem_becomes_one_thing_and_the_share_is_kept(draws, share, seed):
    found = modes(draws, share, seed)
    assert found.aggregate | found.plain | found.surplus == draws.keys()
    assert len(found.aggregate) + len(found.plain) + len(found.surplus) == len(draws)
    assert all(draws[name] for name in found.aggregate)
    prompts = sum(draws[name] for name in found.aggregate)
    whole = prompts + len(found.plain)
    assert abs(prompts - share * whole) <= 3, "one problem more or less, with up to three prompts"
    if found.surplus:
        assert all(not draws[name] for name in found.plain | found.surplus), "only for want of aggregation prompts"


def test_an_order_depends_on_names_alone():
    names = [f"p{number}" for number in range(30)]
    order = drawn(names, 1, "data", str)
    assert order == drawn(reversed(names), 1, "data", str)
    assert order != drawn(names, 2, "data", str)
    assert order != drawn(names, 1, "mode", str)
    assert [name for name in order if name in set(names[:9])] == drawn(names[:9], 1, "data", str)


@pytest.mark.parametrize("count", range(1, 12))
def test_no_problem_is_lost_to_rounding(count):
    assert not modes({str(number): 1 for number in range(count)}, 0.5, 0).surplus
