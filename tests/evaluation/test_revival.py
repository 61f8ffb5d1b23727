"""Which chains are taken back with the dead ones."""

from dataclasses import replace

import pytest

import rsa
from evals.revival import to_drop
from rsa.chain import Chain, Status

PLAN = rsa.RSA(n=4, k=3, steps=3).plan(0, "p")


def recorded(**changes: dict) -> dict[tuple[int, int], Chain]:
    """A run as planned, but for the chains that are named as `step_slot`."""
    chains = {
        planned.place: Chain("p", 0, "rsa", *planned.place, planned.parents, "m", 0, "", "text", "stop", Status.OK)
        for planned in PLAN
    }
    for name, change in changes.items():
        step, slot = map(int, name.removeprefix("chain_").split("_"))
        chains[step, slot] = replace(chains[step, slot], **change)
    return chains


def shrunk(parents: tuple[int, ...], wanted: int = 3) -> dict:
    return {"parents": parents, "overflow": {"rule": "shrink_k", "wanted": wanted, "shown": len(parents)}}


def test_nothing_is_dropped_where_nothing_is_dead():
    assert to_drop(PLAN, recorded()) == set()


@pytest.mark.parametrize("number", [1, 2])
def test_a_chain_that_read_the_first_of_its_parents_because_no_more_fit_stays(number):
    planned = PLAN.populations[2][1]
    assert to_drop(PLAN, recorded(chain_3_1=shrunk(planned.parents[:number]))) == set()


def test_a_chain_that_read_fewer_for_another_reason_is_dropped():
    planned = PLAN.populations[2][1]
    assert to_drop(PLAN, recorded(chain_3_1={"parents": planned.parents[:2]})) == {(3, 1)}
    cut = {"parents": planned.parents[:2], "overflow": {"rule": "tail", "kept": [5, 5]}}
    assert to_drop(PLAN, recorded(chain_3_1=cut)) == {(3, 1)}


def test_a_chain_that_went_without_a_summary_whose_call_failed_is_dropped():
    summarized = {"rule": "summarize", "summaries": ["short", None, None], "kept": [5, 4, 4]}
    assert to_drop(PLAN, recorded(chain_3_1={"overflow": summarized})) == set()
    assert to_drop(PLAN, recorded(chain_3_1={"overflow": {**summarized, "failed": [1]}})) == {(3, 1)}


def test_a_chain_that_shrank_and_for_which_another_parent_stood_in_is_dropped():
    planned = PLAN.populations[2][1]
    stood_in = (planned.parents[0], planned.line[3])
    assert to_drop(PLAN, recorded(chain_3_1=shrunk(stood_in))) == {(3, 1)}


def test_a_chain_that_shrank_goes_with_a_planned_parent_that_it_did_not_show():
    """With the dead one alive again other candidates may fit."""
    planned = PLAN.populations[2][1]
    dead = f"chain_2_{planned.parents[2]}"
    dropped = to_drop(PLAN, recorded(chain_3_1=shrunk(planned.parents[:2]), **{dead: {"status": Status.DEAD}}))
    assert {(2, planned.parents[2]), (3, 1)} <= dropped
