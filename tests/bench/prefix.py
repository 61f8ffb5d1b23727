"""How many tokens a prefix cache saves in each candidate order, by real vLLM's own counters (N=16 K=4, three steps).

It counts tokens, so the machine's load does not matter. Of all prompt tokens the server's counters tell; of the tokens of
candidates, what it says of each call, less what stands before the first candidate and between two. Hits come in whole
blocks, on a CPU of 128 tokens, on a GPU of 16. `tests.bench.vllm_server` says what can be set.
"""

import asyncio
import re
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import rsa
from rsa.chain import Chain
from rsa.kinds import kind_named
from rsa.ordering import CANDIDATE_ORDERS
from rsa.prompts import Prompts
from tests.bench.rows import Goal, Row, paired
from tests.bench.vllm_server import SERVED, SHAPE, number, vllm_server

REPEATS = number("REPEATS", 5)
STRATEGY = rsa.RSA(16, 4, 3)
TOKENS = number("CANDIDATE", 600)
_COUNTER = re.compile(r"^vllm:prefix_cache_(hits|queries)_total\S* (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Shares:
    """Percent of tokens that came out of the cache: of all in prompts, and of those of candidates."""

    prompt: float
    candidate: float


def measure() -> Iterator[Row]:
    shares = asyncio.run(_shares())
    for order in ("draw", "index"):
        for of, goal in (("prompt", None), ("candidate", Goal(30, "at least", "ours"))):
            ours, theirs = ([getattr(each, of) for each in shares[name]] for name in ("shared", order))
            name = f"vLLM, {SHAPE} model: {of} tokens out of the prefix cache, candidate_order shared"
            yield paired(name, f"candidate_order {order}", ours, theirs, "%", goal)


async def _shares() -> dict[str, list[Shares]]:
    shares: dict[str, list[Shares]] = {order: [] for order in CANDIDATE_ORDERS}
    async with vllm_server(32) as (url, _):
        for repeat in range(REPEATS):
            for order in CANDIDATE_ORDERS:
                shares[order].append(await _share(url, order, repeat))
    return shares


async def _share(url: str, order: str, repeat: int) -> Shares:
    llm = rsa.Endpoint(url, SERVED, extra_body={"ignore_eos": True}, max_concurrency=32)
    before = await asyncio.to_thread(_counters, url)
    question = f"w{repeat} w{len(order)} what is seven times eight?"  # no other has a prompt with the same first block
    options: dict[str, Any] = {"sampling": rsa.Sampling(max_tokens=TOKENS), "need": "population", "candidate_order": order}
    result = await rsa.arun(question, llm, STRATEGY, seed=repeat, **options)
    after = await asyncio.to_thread(_counters, url)
    share = (after["hits"] - before["hits"]) / (after["queries"] - before["queries"])
    return Shares(100 * share, 100 * _of_candidates(question, result.chains))


def _of_candidates(question: str, chains: Sequence[Chain]) -> float:
    """The share of candidate tokens that lay in cached prefixes."""
    prompt = Prompts().render("aggregate", question, ["HERE"] * STRATEGY.k, kind_named("general"))
    before, *between, _ = (len(part.split()) for part in prompt.split("HERE"))
    starts = [2 + before + number * (TOKENS + between[0]) for number in range(STRATEGY.k)]  # two words open the conversation
    later = [chain for chain in chains if chain.step > 1]
    hits = sum(min(max(0, (chain.usage.cached or 0) - start), TOKENS) for chain in later for start in starts)
    return hits / (len(later) * STRATEGY.k * TOKENS)


def _counters(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics", timeout=60) as response:
        return {name: float(value) for name, value in _COUNTER.findall(response.read().decode())}
