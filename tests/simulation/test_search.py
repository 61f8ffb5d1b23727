from hypothesis import given
from hypothesis import strategies as st

from evals.simulation.search import smallest


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=300), st.floats(0.1, 1e6))
def test_it_finds_the_smallest_number_and_asks_for_few(times, within):
    times = sorted(times, reverse=True)
    asked: list[int] = []

    def seconds(number: int) -> float:
        assert number not in asked
        asked.append(number)
        return times[number - 1]

    fast_enough = [number for number, took in enumerate(times, 1) if took <= within]
    assert smallest(seconds, within, len(times)) == (min(fast_enough) if fast_enough else None)


def test_where_twice_as_many_take_half_as_long_it_asks_thrice():
    asked: list[int] = []

    def seconds(number: int) -> float:
        asked.append(number)
        return 97.3 / number

    assert smallest(seconds, 1.0, 480) == 98
    assert asked == [1, 98, 97]
