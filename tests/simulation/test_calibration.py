"""A run of a simulated server is fitted by its own kind, whose costs are not known to it."""

from dataclasses import replace

import pytest

import rsa
from evals.simulation.calibration import calibrate
from evals.simulation.costs import StepCosts
from evals.simulation.recorded import Recorded
from evals.simulation.replica import Server
from evals.simulation.simulate import simulate
from evals.simulation.workload import Lognormal
from rsa.chain import Chain, Status, Usage
from rsa.compaction import COMPACTIONS
from rsa.endpoint.concurrency import Adaptive
from rsa.errors import UsageError
from tests.simulation.test_simulate import work

TRUE = StepCosts(step=0.02, sequence=1e-3, context=2e-6, prompt=1e-4, call=0.01)
SERVER = Server(kv_tokens=100_000, costs=TRUE, sequences=128, batched_tokens=2048)
STRATEGY = rsa.RSA(8, 2, 3)
IN_FLIGHT = 24


def recorded(problems: int = 12) -> Recorded:
    workload = work(STRATEGY, problems, Lognormal(80, 500))
    chains: list[Chain] = []
    simulate(workload, SERVER, 1, Adaptive.fixed(IN_FLIGHT), chains.append)
    told = [replace(chain, text="x" * 10, started=chain.started + 1e9, ended=chain.ended + 1e9) for chain in chains]
    return Recorded.of_chains(told, workload.plans(), COMPACTIONS["answer"])


def test_half_of_the_problems_foretell_the_others():
    found = calibrate(recorded(), SERVER, lambda: Adaptive.fixed(IN_FLIGHT))
    assert found.checked == 12 * 24 / 2
    assert found.fitted == found.checked
    assert found.chain_error < 0.05
    assert abs(found.chain_bias) < 0.05
    assert abs(found.seconds_error) < 0.05
    assert found.costs.step + 16 * found.costs.sequence == pytest.approx(TRUE.step + 16 * TRUE.sequence, rel=0.3)


def test_a_few_chains_are_not_enough():
    with pytest.raises(UsageError, match=r"needs 40 chains of two problems.* has 24"):
        calibrate(recorded(problems=1), SERVER, lambda: Adaptive.fixed(IN_FLIGHT))


def test_the_recorded_run_is_the_same_work():
    run = recorded()
    again = simulate(run, SERVER, 1, Adaptive.fixed(IN_FLIGHT))
    first = simulate(work(STRATEGY, 12, Lognormal(80, 500)), SERVER, 1, Adaptive.fixed(IN_FLIGHT))
    assert (again.seconds, again.stats.prompt, again.stats.new) == pytest.approx(
        (first.seconds, first.stats.prompt, first.stats.new)
    )


def chain(slot: int, **more) -> Chain:
    known = {"text": "answer", "status": Status.OK, "usage": Usage(100, None, 50), "started": 1.0, "ended": 2.0, **more}
    return Chain("p", 0, "s", 1, slot, (), "m", 0, "", finish_reason="stop", **known)


def test_only_what_was_made_in_this_run_counts_and_only_whole_problems():
    plan = rsa.Majority(2).plan(0, "p")
    whole = Recorded.of_chains([chain(0), chain(1)], [plan], COMPACTIONS["answer"])
    assert [entry.slot for entry in whole] == [0, 1]
    for left_out in (
        chain(1, status=Status.DEAD),
        chain(1, origin="majority(n=2)"),
        chain(1, usage=Usage()),
    ):
        assert list(Recorded.of_chains([chain(0), left_out], [plan], COMPACTIONS["answer"])) == []


def test_what_a_prompt_shows_of_a_chain_is_its_share_of_the_text():
    thought = chain(0, text="1234567890", reasoning="x" * 90)
    shown = {name: Recorded.of_chains([thought], [rsa.Majority(1).plan(0, "p")], rule) for name, rule in COMPACTIONS.items()}
    assert [entry.length.shown for entry in shown["answer"]] == [5]
    assert [entry.length.shown for entry in shown["full"]] == [50]
