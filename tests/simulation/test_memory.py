"""The KV cache against a list of what was taken."""

from hypothesis import given, settings
from hypothesis import strategies as st

from evals.simulation.memory import Memory, Segment

CAPACITY = 100


def prompt(*parts: tuple[str, int]) -> list[Segment]:
    """Segments whose names stand for all before them, too."""
    return [Segment(tuple(name for name, _ in parts[: number + 1]), tokens) for number, (_, tokens) in enumerate(parts)]


def test_what_two_hold_alike_counts_once_and_is_found():
    memory = Memory(CAPACITY, block=1)
    assert memory.take(prompt(("a", 30), ("b", 20))) == 0
    assert memory.take(prompt(("a", 30), ("c", 25))) == 30
    assert (memory.held, memory.free) == (75, 25)
    assert memory.take(prompt(("d", 26))) is None, "there is no room"
    assert memory.take(prompt(("d", 25)), spare=1) is None


def test_what_was_let_go_stays_until_its_room_is_needed_and_goes_by_its_end():
    memory = Memory(CAPACITY, block=1)
    old, new = prompt(("a", 30), ("b", 20)), prompt(("c", 40))
    for segments in (old, new):
        memory.take(segments)
    memory.release(old)
    memory.release(new)
    assert memory.held == 0
    memory.take(prompt(("d", 15)))  # ten are free, and five of `b` have to go
    assert memory.take(old) == 45


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 5), st.lists(st.integers(0, 2), min_size=1, max_size=4)), max_size=60))
def test_it_holds_what_was_taken_and_not_let_go(moves):
    """A move takes a prompt, or lets one go that is held. Every name has one length."""
    memory, held = Memory(CAPACITY, block=1), []
    for let_go, names in moves:
        if let_go < len(held):
            memory.release(held.pop(let_go))
        else:
            segments = prompt(*((str(name), 7 * name + 3) for name in names))
            size = sum(segment.tokens for segment in segments)
            hits = memory.take(segments)
            if hits is not None:
                held.append(segments)
                assert 0 <= hits <= size
        distinct = {segment for segments in held for segment in segments}
        assert memory.held == sum(segment.tokens for segment in distinct) <= CAPACITY
    for segments in held:
        assert memory.take(segments) in (None, sum(segment.tokens for segment in segments)), "what is held is found whole"
