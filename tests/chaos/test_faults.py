"""A server that misbehaves on schedule: what becomes of calls and of whole runs."""

import threading
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rsa
from tests.chaos.faults import BLANK, BUSY, FATAL, HARMLESS, OF_THE_PROMPT, RETRYABLE, SLOW, Kind, always, keyed, scripted
from tests.chaos.hurry import HASTE, hurried
from tests.chaos.invariants import check, effortless, identity, records
from tests.chaos.server import wait_until
from tests.evaluation.runs import PLANNED

ASK = [{"role": "user", "content": "2+2?"}]
QUICK = rsa.Sampling(max_tokens=50)
SHORT, LONG = 1.0, 60.0
"""Time limits of a call, in seconds of the server's clock: one to run into, and one for a busy machine."""


def complete(server, **options):
    """One call on a fast clock."""

    async def call():
        limits = {"timeout": LONG * HASTE, "patience": LONG * HASTE, **options}
        async with rsa.Endpoint(server.url, model="fake", **limits).connect() as client:
            return await client.complete(ASK, QUICK, 7)

    return hurried(call())


def limit_for(kind):
    return (SHORT if kind in SLOW else LONG) * HASTE


@pytest.mark.parametrize("kind", RETRYABLE)
def test_a_passing_fault_costs_one_attempt_and_no_more(chaos, kind):
    expected = complete(chaos)
    chaos.forget()
    chaos.schedule = scripted([kind])
    completion = complete(chaos, timeout=limit_for(kind))
    assert completion.text == expected.text
    attempts = [attempt.kind for attempt in chaos.attempts if not attempt.probe]
    assert attempts == [kind, None]
    assert completion.attempts == 2 or kind is Kind.GONE  # which also meets the closed door


def test_the_wait_that_the_server_asks_for_is_kept(chaos):
    chaos.schedule = scripted([Kind.RATE_SECONDS])
    complete(chaos)
    first, second = chaos.attempts
    assert 1 <= (second.at - first.at) * HASTE < 60


@pytest.mark.parametrize("kind", [kind for kind in RETRYABLE if kind is not Kind.GONE and kind not in BUSY])
def test_a_fault_that_stays_ends_the_call_after_its_retries(chaos, kind):
    chaos.schedule = always(kind)
    with pytest.raises(rsa.CallFailed) as caught:
        complete(chaos, retries=2, timeout=limit_for(kind))
    assert caught.value.attempts == len(chaos.attempts) == 3
    assert len(str(caught.value)) < 1200
    assert chaos.url in str(caught.value)


@pytest.mark.parametrize("kind", BUSY)
def test_a_server_that_turns_every_call_away_is_left_in_the_end(chaos, kind):
    """Being turned away is no failure of the call, but bounded all the same."""
    chaos.schedule = always(kind)
    with pytest.raises((rsa.CallFailed, rsa.EndpointUnreachable), match="slow down"):
        complete(chaos, retries=0)
    assert len(chaos.attempts) <= 10


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_only_looks_odd_is_a_reply(chaos, kind):
    expected = complete(chaos)
    chaos.schedule = always(kind)
    completion = complete(chaos, retries=0)
    assert completion.text == expected.text
    assert completion.finish_reason == ("length" if kind is Kind.LENGTH else "stop")
    assert (completion.usage.completion is None) == (kind is Kind.NO_USAGE)


@pytest.mark.parametrize("kind", FATAL)
def test_a_refusal_is_never_sent_again(chaos, kind):
    chaos.schedule = always(kind)
    with pytest.raises(rsa.EndpointRefused, match="redirect" if kind is Kind.REDIRECT else "HTTP 40"):
        complete(chaos)
    assert len(chaos.attempts) == 1


@pytest.mark.parametrize("kind", OF_THE_PROMPT)
def test_a_refused_prompt_is_one_dead_chain(chaos, kind):
    chaos.schedule = lambda body, call, seen: kind if "2+2" in str(body["messages"]) else None
    with pytest.raises(rsa.CallFailed) as caught:
        complete(chaos)
    assert isinstance(caught.value, rsa.ContextOverflow) == (kind is Kind.CONTEXT)
    assert len(chaos.attempts) <= 2  # a harmless prompt tells whether it is the prompt


SWIFT = [kind for kind in RETRYABLE if kind not in (*SLOW, Kind.GONE, Kind.HUGE)]


def needed(kinds, retries):
    """How many attempts a schedule takes until a reply or the last retry, and whether there is a reply."""
    failed = 0
    for number, kind in enumerate(kinds, 1):
        if kind in HARMLESS:
            return number, True
        failed += kind not in BUSY
        if failed > retries:
            return number, False
    return len(kinds) + 1, True


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(st.sampled_from([*SWIFT, *HARMLESS]), max_size=8), retries=st.integers(0, 8))
def test_any_schedule_shorter_than_the_retries_changes_nothing(chaos, kinds, retries):
    chaos.schedule = scripted([])
    expected = complete(chaos)
    chaos.forget()
    chaos.schedule = scripted(kinds)
    attempts, replied = needed(kinds, retries)
    if replied:
        completion = complete(chaos, retries=retries)
        assert completion.text == expected.text
        assert completion.attempts == len(chaos.attempts) == attempts
        assert completion.seed == 7 + sum(kind in BLANK for kind in kinds[: attempts - 1])
    else:
        with pytest.raises(rsa.CallFailed) as caught:
            complete(chaos, retries=retries)
        assert caught.value.attempts == len(chaos.attempts) == attempts


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), share=st.floats(0, 0.5), retries=st.integers(2, 4))
def test_a_population_under_any_faults_has_no_empty_candidate(chaos, seed, share, retries):
    """Chains may die, but no other chain is told of it, and what lives is what it would be anyway."""
    chaos.forget()
    chaos.schedule = keyed(seed, share, [*SWIFT, *HARMLESS])
    llm = rsa.Endpoint(chaos.url, model="fake", timeout=100, retries=retries, patience=5)
    try:
        chains = hurried(rsa.arun("2+2?", llm, rsa.RSA(n=4, k=2, steps=3), seed=seed, need="population")).chains
    except (rsa.RunFailed, rsa.EndpointUnreachable):
        chains = ()
    assert not chaos.strange
    spent = Counter(attempt.call for attempt in chaos.attempts if attempt.kind in SWIFT and attempt.kind not in BUSY)
    assert all(count <= retries + 1 for call, count in spent.items() if call not in probes(chaos))
    assert len(chains) in (0, 12)
    assert all(chain.dead or chain.text.strip() for chain in chains)


def probes(server):
    return {attempt.call for attempt in server.attempts if attempt.probe}


def test_a_fifth_of_all_attempts_faulty_and_nothing_is_lost(chaos, start, launcher, folder, tally):
    """Every kind of passing fault at once, with time limits that fit the delays of the server."""
    assert launcher.run(folder, *start, "--out", "whole").code == 0
    chaos.forget()
    chaos.schedule = keyed(6, 0.2)
    limits = ("--set", "endpoint.timeout=2", "--set", "endpoint.retries=9", "--set", "endpoint.patience=30")
    done = launcher.run(folder, *start, "--out", "run", *limits)
    assert done.code == 0, done.errors
    check(folder / "run", complete=True)
    assert identity(folder / "run") == identity(folder / "whole")
    assert effortless(folder / "run") == effortless(folder / "whole")
    assert not chaos.strange
    found = records(folder / "run" / "chains.jsonl")
    sent = [attempt for attempt in chaos.attempts if not attempt.probe]
    assert sum(chain["attempts"] for chain in found) >= len(sent) > PLANNED
    assert len(chaos.faults()) > 8
    tally.add_run(folder / "run", PLANNED)


@pytest.mark.parametrize("kind", [*HARMLESS, *OF_THE_PROMPT])
def test_a_run_in_which_one_problem_meets_a_kind(chaos, start, launcher, folder, tally, kind):
    chaos.schedule = lambda body, call, seen: kind if "Question 0" in body["messages"][-1]["content"] else None
    done = launcher.run(folder, *start, "--out", "run")
    found = records(folder / "run" / "chains.jsonl")
    assert len(found) == PLANNED
    odd = {chain["status"] for chain in found if chain["problem"] == "p0"}
    assert odd == {"dead" if kind in OF_THE_PROMPT else "truncated" if kind is Kind.LENGTH else "ok"}
    assert done.code == (3 if kind in OF_THE_PROMPT else 0), done.errors
    check(folder / "run", complete=done.code == 0)
    tally.add_run(folder / "run", PLANNED)


@pytest.mark.parametrize("kind", FATAL)
def test_a_refusal_with_64_in_flight_stops_the_run_with_one_message(chaos, launcher, folder, tally, kind):
    """The others in flight are taken back, and no further call goes out."""
    begun = 30
    chaos.delay = 0.05
    chaos.schedule = lambda body, call, seen: kind if len(chaos.attempts) >= begun else None
    start = ("run", "--data", "data.jsonl", "--base-url", chaos.url, "--strategy", "majority", "--n", "120")
    done = launcher.run(folder, *start, "--out", "run", "--max-concurrency", "64", "--concurrency", "fixed")
    assert done.code == 1, done.errors
    said = {Kind.UNAUTHORIZED: "key revoked", Kind.NO_MODEL: "the model does not exist", Kind.REDIRECT: "redirect"}[kind]
    assert done.errors.count(said) == 1, done.errors
    assert "Traceback" not in done.errors
    assert len(chaos.attempts) <= begun + 64
    wait_until(lambda: chaos.in_flight == 0)
    check(folder / "run", complete=False)
    chaos.schedule = scripted([])
    assert launcher.run(folder, "resume", "run").code == 0
    check(folder / "run", complete=True)
    tally.add_run(folder / "run", 480)


def test_a_server_that_is_gone_and_back_within_patience_is_waited_for(chaos, start, launcher, folder, tally):
    chaos.before = lambda number: chaos.go_away() if number == 20 else None
    running = launcher.begin(folder, *start, "--out", "run", "--max-concurrency", "4", "--set", "endpoint.patience=20")
    wait_until(lambda: len(chaos.attempts) >= 20)
    threading.Event().wait(1.5)  # an outage has a length
    chaos.come_back()
    done = running.wait()
    assert done.code == 0, done.errors
    check(folder / "run", complete=True)
    assert not [chain for chain in records(folder / "run" / "chains.jsonl") if chain["status"] == "dead"]
    tally.add_run(folder / "run", PLANNED)


def test_a_server_that_stays_away_ends_the_run_with_the_command_to_resume_it(chaos, start, launcher, folder, tally):
    chaos.before = lambda number: chaos.go_away() if number == 20 else None
    done = launcher.run(folder, *start, "--out", "run", "--max-concurrency", "4", "--set", "endpoint.patience=0.5")
    assert done.code == 3, done.errors
    assert "Resume with: rsa-eval resume run" in done.errors
    assert "Traceback" not in done.errors
    recorded = records(folder / "run" / "chains.jsonl")
    assert not [chain for chain in recorded if chain["status"] == "dead"]
    again = launcher.run(folder, "resume", "run")
    assert again.code in (2, 3), again.errors  # it is still not there, and nothing is spoilt by asking
    assert records(folder / "run" / "chains.jsonl") == recorded
    chaos.before = lambda number: None
    chaos.come_back()
    resumed = launcher.run(folder, "resume", "run")
    assert resumed.code == 0, resumed.errors
    check(folder / "run", complete=True)
    tally.add_run(folder / "run", PLANNED)
