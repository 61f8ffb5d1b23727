"""One simulated server: cases worked out by hand, and what holds for all."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.simulation.costs import StepCosts
from evals.simulation.memory import Segment
from evals.simulation.replica import Call, Server
from rsa.errors import UsageError
from tests.simulation.ticking import call, served

ONE = StepCosts(step=1.0)
ROOMY = Server(kv_tokens=10**6, costs=ONE)


def test_a_call_takes_a_step_a_token_and_the_first_comes_with_the_prompt():
    assert served(ROOMY, [(0.0, call(100, 5))])[0] == [5.0]
    assert served(ROOMY, [(2.5, call(100, 1))])[0] == [3.5]


def test_every_part_of_a_step_has_its_price():
    costs = StepCosts(step=1.0, sequence=0.1, context=0.001, prompt=0.01, pair=0.0001)
    prefill = 1.0 + 100 * 0.01 + 100 * 100 / 2 * 0.0001
    decode = 2 * 1.1 + 0.001 * (101 + 102)  # the prompt and what was made before
    assert served(replace(ROOMY, costs=costs), [(0.0, call(100, 3))])[0] == pytest.approx([prefill + decode])


def test_calls_share_steps_and_a_late_one_begins_with_the_next():
    assert served(ROOMY, [(0.0, call(10, 10)), (0.0, call(10, 4))])[0] == [10.0, 5.0]  # the first one's step is under way
    assert served(ROOMY, [(0.0, call(10, 10)), (2.3, call(10, 4))])[0] == [10.0, 7.0]


def test_those_without_a_place_wait_in_line():
    one_place = replace(ROOMY, sequences=1)
    assert served(one_place, [(0.0, call(10, 3)), (0.0, call(10, 2)), (1.0, call(10, 1))])[0] == [3.0, 5.0, 6.0]


def test_a_long_prompt_takes_several_steps_in_which_others_go_on():
    server = replace(ROOMY, batched_tokens=11)
    assert served(server, [(0.0, call(25, 1))])[0] == [3.0]
    ends, _ = served(server, [(0.0, call(1, 9)), (0.0, call(30, 2))])  # in steps 2 to 4 ten each, beside one that decodes
    assert ends == [9.0, 5.0]


def test_a_prompt_that_is_in_the_cache_is_not_computed_again():
    server = replace(ROOMY, costs=StepCosts(step=1.0, prompt=1.0), block=16)
    ends, replica = served(server, [(0.0, call(64, 1, "same")), (100.0, call(64, 1, "same"))])
    assert ends == [65.0, 102.0]  # one token has to be computed, or there is nothing to go on from
    assert (replica.stats.prompt, replica.stats.cached) == (128, 63)
    _, replica = served(server, [(0.0, call(60, 1, "same")), (100.0, Call((Segment("same", 60), Segment("more", 60)), 1))])
    assert replica.stats.cached == 48, "whole blocks only"


def test_the_one_that_began_last_gives_way_and_is_computed_again():
    server = Server(kv_tokens=30, costs=ONE, block=1)
    ends, replica = served(server, [(0.0, call(10, 10)), (0.0, call(10, 10))])
    # After step 5 they hold 15 and 14 tokens. The second goes until the first is done, and makes its last six.
    assert (ends, replica.stats.preemptions) == ([10.0, 16.0], 1)
    assert replica.stats.recomputed == 4, "the first became 20 long and left room for 10 of its 14"


def test_a_call_that_never_fits_is_refused():
    with pytest.raises(UsageError, match="does not fit the KV cache of a replica, 30 tokens"):
        served(Server(kv_tokens=30, costs=ONE), [(0.0, call(20, 11))])


calls = st.lists(
    st.tuples(
        st.floats(0, 50),
        st.builds(
            lambda shared, own, new: Call((*(Segment(("shared", shared), 12),) * bool(shared), own), new),
            st.integers(0, 2),
            st.integers(1, 40).map(lambda tokens: Segment(object(), tokens)),
            st.integers(1, 30),
        ),
    ),
    min_size=1,
    max_size=25,
)
servers = st.builds(
    Server,
    kv_tokens=st.integers(82, 300),
    costs=st.builds(
        StepCosts,
        st.floats(0.1, 2),
        sequence=st.floats(0, 0.5),
        context=st.floats(0, 0.01),
        prompt=st.floats(0, 0.1),
        pair=st.floats(0, 0.001),
    ),
    sequences=st.integers(1, 8),
    batched_tokens=st.integers(1, 64),
    block=st.sampled_from([1, 4, 16]),
)


@given(servers, calls)
def test_no_token_is_lost_and_no_room_is_used_that_is_not_there(server, sent):
    def look(replica):
        assert 0 <= replica.held <= server.kv_tokens
        assert replica.running <= server.sequences

    ends, replica = served(server, sent, look)
    assert replica.stats.new == sum(each.new for _, each in sent)
    assert replica.stats.prompt == sum(each.prompt_tokens for _, each in sent)
    assert (replica.calls, replica.held) == (0, 0)
    for (when, each), end in zip(sent, ends, strict=True):
        assert end >= when + each.new * server.costs.step * (1 - 1e-9), "no call is faster than alone"
    tokens = sum(each.new for _, each in sent)
    assert max(ends) >= tokens / server.sequences * server.costs.step * (1 - 1e-9)
    assert replica.stats.busy <= max(ends) * (1 + 1e-9)


@given(servers, calls)
def test_it_does_the_same_again(server, sent):
    assert served(server, sent)[0] == served(server, sent)[0]


@given(servers, st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40), st.integers(1, 30)), min_size=1, max_size=20))
def test_it_is_as_going_step_by_step(server, sent):
    server = replace(server, kv_tokens=10**6, batched_tokens=10**6)
    times = sorted(when + 0.3718281 for when, _, _ in sent)
    calls = [(when, call(prompt, new)) for when, (_, prompt, new) in zip(times, sent, strict=True)]
    assert served(server, calls)[0] == pytest.approx(step_by_step(server, calls))


def step_by_step(server, calls):
    """The same for a server with room for all prompts, one step after the other."""
    costs, now, waiting, running, ends = server.costs, 0.0, list(range(len(calls))), {}, [0.0] * len(calls)
    while waiting or running:
        if not running and calls[waiting[0]][0] > now:
            now = calls[waiting[0]][0]
            begin = [waiting.pop(0)]
        else:
            arrived = [number for number in waiting if calls[number][0] <= now]
            begin = arrived[: server.sequences - len(running)]
            waiting = [number for number in waiting if number not in begin]
        context = sum(calls[number][1].prompt_tokens + made for number, made in running.items())
        prompts = [calls[number][1].prompt_tokens for number in begin]
        now += costs.step + costs.sequence * len(running) + costs.context * context
        now += sum(costs.prompt * tokens + costs.pair * tokens * tokens / 2 for tokens in prompts)
        running = {number: made + 1 for number, made in {**running, **dict.fromkeys(begin, 0)}.items()}
        for number in [number for number, made in running.items() if made == calls[number][1].new]:
            ends[number] = now
            del running[number]
    return ends
