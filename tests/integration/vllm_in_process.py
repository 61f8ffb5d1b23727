"""vLLM inside this process, through the library: writes what the test about it looks at, as JSON.

usage: python -m tests.integration.vllm_in_process MODEL_FOLDER FILE
"""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.v1.engine.async_llm import AsyncLLM

import rsa
from rsa.adapters import from_vllm
from rsa.testing import acheck_adapter

CONTEXT = 2048
QUICK = rsa.Sampling(max_tokens=40)


async def asked(model: str) -> dict[str, Any]:
    # Without chunked prefill, because on a CPU vLLM dies when it splits the prompt of a request that has a seed.
    settings = {"dtype": "float32", "enforce_eager": True, "enable_chunked_prefill": False}
    engine = AsyncLLM.from_engine_args(AsyncEngineArgs(model=model, max_model_len=CONTEXT, **settings))
    llm = from_vllm(engine)
    try:
        return await _found(llm, engine)
    finally:
        engine.shutdown()


async def _found(llm: rsa.CallableEndpoint, engine: AsyncLLM) -> dict[str, Any]:
    strategy = rsa.RSA(4, 2, 3)
    first, second = [await rsa.arun("Count.", llm, strategy, seed=3, sampling=QUICK, need="population") for _ in range(2)]
    several = await rsa.arun(["Count.", "Count."], llm, rsa.Majority(3), seed=3, sampling=QUICK)
    long = rsa.Sampling(max_tokens=600, extra={"min_tokens": 600})
    tailed = await rsa.arun("Count.", llm, rsa.RSA(4, 2, 2), sampling=long, on_overflow="tail")
    call = asyncio.ensure_future(rsa.arun("Q?", llm, rsa.Majority(8), sampling=rsa.Sampling(max_tokens=1500)))
    while engine.get_num_unfinished_requests() < 8:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    try:
        await rsa.arun("y" * 5000, replace(llm, counter=None), rsa.Sample(), sampling=QUICK)
    except rsa.RunFailed as error:
        too_long = str(error)
    return {
        "model": first.chosen.model,
        "chains": [chain.to_record() for chain in first.chains],
        "same": [chain.text for chain in first.chains] == [chain.text for chain in second.chains],
        "draws": [chain.text for result in several if isinstance(result, rsa.Result) for chain in result.chains],
        "overflow": [chain.overflow for chain in tailed.chains if chain.overflow],
        "left_after_cancel": engine.get_num_unfinished_requests(),
        "too_long": too_long,
        "remarks": await acheck_adapter(llm),
    }


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(asyncio.run(asked(sys.argv[1]))))
