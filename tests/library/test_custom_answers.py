"""Your own way to read answers, to say which are the same, and to ask for them."""

import re

import pytest

import rsa
from tests.library.test_callables import digit


def saying(*texts):
    """A model that says one text after the other."""
    said = iter(texts)

    async def llm(messages, sampling):
        return next(said)

    return rsa.CallableEndpoint(llm, max_concurrency=1)


def city(text: str) -> str | None:
    found = re.search(r"city: (\w+)", text)
    return found and found[1]


def test_answers_are_read_and_voted_with_as_the_caller_says():
    llm = saying("city: Oslo", "city: Bergen", "city: OSLO", "city: Bergen", "city: oslo", "no idea")
    result = rsa.run("Where?", llm, rsa.Majority(6), extract=city, equivalence=lambda a, b: a.lower() == b.lower())
    assert result.answer.lower() == "oslo"
    assert sorted(result.votes.values()) == [2, 3]
    assert str(result).startswith("answer Oslo, 3 of 5 agree")


def test_a_key_says_which_answers_are_the_same():
    llm = saying("city: Oslo", "city: Bergen", "city: OSLO", "city: Bergen", "city: oslo")
    result = rsa.run("Where?", llm, rsa.Majority(5), extract=city, equivalence=rsa.Equivalence(str.lower))
    assert result.votes == {"oslo": 3, "bergen": 2}


def test_a_comparison_that_is_not_transitive_is_closed():
    near = saying(*(f"\\boxed{{{number}}}" for number in (10, 11, 12, 50, 50)))
    result = rsa.run("How many?", near, rsa.Majority(5), kind="math", equivalence=lambda a, b: abs(int(a) - int(b)) <= 1)
    assert sorted(result.votes.values()) == [2, 3]


def test_what_is_not_given_stays_that_of_the_kind():
    llm = saying("\\boxed{1/2}", "\\boxed{0.5}", "\\boxed{3}")
    assert rsa.run("?", llm, rsa.Majority(3), kind="math", equivalence=lambda a, b: {a, b} == {"1/2", "0.5"}).votes == {
        "0.5": 2,
        "3": 1,
    }


def test_a_kind_of_your_own_is_asked_for_in_prompts():
    prompts = []

    async def llm(messages, sampling):
        prompts.append(messages[-1]["content"])
        return "city: Oslo"

    kind = rsa.Kind("city", "riddle about a city", "End with 'city: ' and its name.", city, rsa.Equivalence(str.lower))
    result = rsa.run("Where?", llm, rsa.RSA(2, 2, 2), kind=kind)
    assert result.answer == "Oslo"
    assert "riddle about a city" in prompts[-1]
    assert "End with 'city: ' and its name." in prompts[-1]


def test_verdicts_of_rejection_do_not_ask_the_callers_reader():
    llm = saying("city: Oslo", "city: Bergen", "\\boxed{incorrect}", "\\boxed{correct}")
    result = rsa.run("Where?", llm, rsa.Rejection(2), extract=city)
    assert result.answer == "Bergen"


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"extract": len}, rsa.UsageError, "extract must give a text, or None where there is no answer, not 0"),
        ({"extract": lambda text: re.search("x", text)[0]}, TypeError, "subscriptable"),
        ({"equivalence": rsa.Equivalence(len)}, rsa.UsageError, "equivalence: the key must be a text"),
        ({"equivalence": lambda a: a}, TypeError, "positional argument"),
        ({"kind": "city"}, rsa.UsageError, "there is no problem kind 'city'"),
    ],
    ids=["a number", "a crash", "a number as a key", "a key for a comparison", "a kind that is not there"],
)
def test_mistakes_are_told_before_anything_is_spent(options, error, says):
    asked = []

    async def llm(messages, sampling):
        asked.append(messages)
        return await digit(messages, sampling)

    with pytest.raises(error, match=says):
        rsa.run("Where?", llm, rsa.Majority(2), **options)
    assert asked == []


def test_prompts_of_your_own_are_used_and_their_mistakes_are_named(tmp_path):
    (tmp_path / "aggregate.j2").write_text("{{ question }} {{ candidates | length }} so far: {{ candidates | join(' | ') }}")
    prompts = []

    async def llm(messages, sampling):
        prompts.append(messages[-1]["content"])
        return "\\boxed{1}"

    rsa.run("Q?", llm, rsa.RSA(2, 2, 2), prompts=tmp_path)
    assert prompts[-1] == "Q? 2 so far: \\boxed{1} | \\boxed{1}"
    (tmp_path / "aggregate.j2").write_text("{{ qestion }}")
    with pytest.raises(rsa.UsageError, match=r"aggregate\.j2 cannot be rendered: 'qestion' is undefined"):
        rsa.run("Q?", llm, rsa.RSA(2, 2, 2), prompts=tmp_path)
    with pytest.raises(rsa.UsageError, match="neither a folder nor a shipped preset"):
        rsa.run("Q?", llm, rsa.RSA(2, 2, 2), prompts=tmp_path / "nowhere")
