from collections import Counter

import pytest

import rsa
from rsa.chain import Chain, Status
from rsa.kinds import KINDS
from rsa.selection import accepts, choose, population

MATH = KINDS["math"]


def chains(*texts: str | None, step: int = 1) -> dict[tuple[int, int], Chain]:
    """One chain a slot; None is a dead one."""
    return {
        (step, slot): Chain(
            "p", 0, "s", step, slot, (), "m", 0, "", text or "", "stop", Status.DEAD if text is None else Status.OK
        )
        for slot, text in enumerate(texts)
    }


def box(answer: str) -> str:
    return f"\\boxed{{{answer}}}"


def test_the_population_is_whoever_lives():
    plan = rsa.Majority(3).plan(0, "p")
    assert [member.slot for member in population(plan, 1, chains("a", None, "c"))] == [0, 2]


def test_rejection_keeps_what_the_model_accepts():
    plan = rsa.Rejection(3).plan(0, "p")
    samples = chains("a", "b", "c")
    judged = chains(box("incorrect"), box("correct"), None, step=2)
    assert [member.text for member in population(plan, 2, samples | judged)] == ["b"]
    assert population(plan, 2, samples) == ()  # nobody was judged
    none = chains(box("incorrect"), "who knows", None, step=2)
    assert [member.text for member in population(plan, 2, samples | none)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        (box("correct"), True),
        (box("Correct"), True),
        (box(r"\text{correct}"), True),
        (box("correct."), True),
        (box(r"\textbf{Correct}."), True),
        (box("incorrect"), False),
        (box("not correct"), False),
        ("correct", False),
        ("", False),
    ],
)
def test_judgements(text, accepted):
    assert accepts(text) is accepted


def test_majority_takes_the_lowest_slot_of_the_most_frequent_answer():
    plan = rsa.Majority(5).plan(0, "p")
    members = chains(box("1"), box("07"), "no answer", box("7"), box("1"), box("7")).values()
    assert choose(plan, members, MATH, "majority").slot == 1


def test_sampling_draws_uniformly_among_the_living():
    members = [chain for chain in chains("a", None, "c", "d").values() if not chain.dead]
    counts = Counter(choose(rsa.Majority(4).plan(seed, "p"), members, MATH, "sample").slot for seed in range(3000))
    assert set(counts) == {0, 2, 3}
    assert all(count == pytest.approx(1000, abs=3.3 * 26) for count in counts.values())


def test_without_any_answer_majority_still_answers():
    plan = rsa.Majority(2).plan(0, "p")
    assert choose(plan, chains("x", "y").values(), MATH, "majority").text in ("x", "y")


def test_nobody_left_is_an_error():
    with pytest.raises(rsa.RunFailed, match="every chain of the last population is dead"):
        choose(rsa.Sample().plan(0, "p"), (), MATH, "sample")
