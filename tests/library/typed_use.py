"""A program that uses the library, for the type checker alone: what is wrong in it must be found.

Every line with `type: ignore` is a wrong use. The checker also complains of each that it finds nothing wrong with.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, assert_type

import rsa
from rsa.adapters import from_litellm
from rsa.testing import check_adapter

llm = rsa.Endpoint("http://localhost:8000/v1", model="M")


async def own(messages: list[dict[str, Any]], sampling: rsa.Sampling) -> str:
    return f"{messages[-1]['content']} {sampling.seed}"


async def loosely_typed(messages: Sequence[rsa.Message], sampling: rsa.Sampling) -> rsa.Completion:
    return rsa.Completion("text", usage=rsa.Usage(1, None, 2))


class Own:
    async def __call__(self, conversation: list[dict[str, Any]], how: rsa.Sampling) -> str | rsa.Completion:
        return "text"


def same(one: str, other: str) -> bool:
    return one == other


def read(text: str) -> str | None:
    return text or None


def right() -> None:
    assert_type(rsa.run("Q?", llm), rsa.Result)
    assert_type(rsa.run([{"role": "user", "content": "Q?"}], llm, rsa.Majority(3), seed=1), rsa.Result)
    assert_type(rsa.run(["Q?", "R?"], llm, budget=rsa.Budget(calls=3)), list[rsa.Outcome])
    assert_type(rsa.run([[{"role": "user", "content": "Q?"}], "R?"], llm), list[rsa.Outcome])
    rsa.run("Q?", own, kind="math", select="majority", need="population", sampling=rsa.Sampling(temperature=0.5))
    rsa.run("Q?", loosely_typed, extract=read, equivalence=same, first=["It is 1."])
    rsa.run(["Q?"], Own(), equivalence=rsa.Equivalence(str.lower), on_result=lambda number, outcome: None)
    rsa.run("Q?", rsa.CallableEndpoint(own, "own", retry_on=(LookupError,)), on_chain=lambda chain: None)
    assert_type(rsa.aggregate("Q?", ["1", "2"], from_litellm("a/b"), kind="math"), rsa.Result)
    assert_type(check_adapter(own, leave_out=["stop"]), tuple[str, ...])
    for outcome in rsa.run(["Q?"], own):
        if isinstance(outcome, rsa.Result):
            assert_type(outcome.answer, str | None)
        else:
            assert_type(outcome, rsa.RSAError)


async def right_as_well() -> None:
    options: rsa.Options = {"seed": 3, "kind": "math"}
    assert_type(await rsa.arun("Q?", own, rsa.RSA(4, 2, 3), **options), rsa.Result)
    assert_type(await rsa.arun(("Q?",), own), list[rsa.Outcome])
    assert_type(await rsa.aaggregate("Q?", ["1"], own), rsa.Result)


async def pieces(messages: list[dict[str, Any]], sampling: rsa.Sampling) -> AsyncIterator[str]:
    yield "text"


def blocking(messages: list[dict[str, Any]], sampling: rsa.Sampling) -> str:
    return "text"


async def seedless(messages: list[dict[str, Any]]) -> str:
    return "text"


def wrong() -> None:
    rsa.run("Q?", "http://localhost:8000/v1")  # type: ignore[call-overload]
    rsa.run("Q?", blocking)  # type: ignore[call-overload]
    rsa.run("Q?", pieces)  # type: ignore[call-overload]
    rsa.run("Q?", seedless)  # type: ignore[call-overload]
    rsa.run("Q?", llm, "rsa")  # type: ignore[call-overload]
    rsa.run("Q?", llm, sede=1)  # type: ignore[call-overload]
    rsa.run("Q?", llm, select="best")  # type: ignore[call-overload]
    rsa.run("Q?", llm, need="all")  # type: ignore[call-overload]
    rsa.run("Q?", llm, budget=100)  # type: ignore[call-overload]
    rsa.run("Q?", llm, extract=len)  # type: ignore[arg-type]
    rsa.run("Q?", llm, equivalence=str.lower)  # type: ignore[arg-type]
    rsa.run(["Q?"], llm, first=["It is 1."])  # type: ignore[list-item]
    rsa.run(7, llm)  # type: ignore[call-overload]
    rsa.aggregate("Q?", ["1"], llm, first=["2"])  # type: ignore[call-arg]
    rsa.RSA(n="16")  # type: ignore[arg-type]
    rsa.Completion(None)  # type: ignore[arg-type]
    for outcome in rsa.run(["Q?"], llm):
        outcome.answer  # type: ignore[union-attr]  # noqa: B018 - it may be an error
    rsa.run("Q?", llm).text = "x"  # type: ignore[misc]
