"""Chains and verdicts as a display takes them."""

from evals.scoring import Verdict
from rsa.chain import Chain, Status, Usage
from rsa.strategies import RSA, label

STRATEGY = RSA(n=4, k=2, steps=3)


def chain(step=1, slot=0, problem="a", status=Status.OK, tokens=100, seconds=10.0, attempts=1):
    place = {"problem": problem, "repeat": 0, "strategy": label(STRATEGY), "step": step, "slot": slot}
    times = {"started": 5000.0, "ended": 5000.0 + seconds, "attempts": attempts}
    text = {"parents": (), "model": "m", "seed": 0, "prompt_sha256": "", "text": "", "finish_reason": "stop"}
    return Chain(**place, **text, status=status, usage=Usage(10, 0, tokens), **times)


def verdict(of, solved):
    return Verdict(
        of.problem, of.repeat, of.strategy, of.step, of.slot, "1", "ok", float(solved), solved, "m", "1", 0.0, None
    )


def fill(progress, step, count, now, problem="a", **how):
    for slot in range(count):
        progress.take(chain(step, slot, problem, **how), now)
