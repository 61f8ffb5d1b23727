"""`summary.json` of a run directory, made from its logs alone, so that run, resume and score all end in the same file."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evals.directory import RunDirectory
from evals.problems import Problem
from evals.stats import Mark, summarise_strategy
from evals.store import read_chains, read_log
from rsa.chain import Chain, Usage
from rsa.errors import UsageError
from rsa.kinds import KINDS
from rsa.plan import Place
from rsa.strategies import Strategy, label

__all__ = ["summarise"]


def summarise(
    directory: RunDirectory, task: str, model: str, problems: Sequence[Problem], repeats: int, strategy: Strategy
) -> dict[str, Any]:
    """The summary of all that is recorded. Everything but `seconds` is the same for the same chains in any order."""
    plan = strategy.plan(0, "")
    judging = plan.judging_steps
    chains: dict[tuple[str, int], dict[Place, Chain]] = defaultdict(dict)
    for _, _, chain in read_chains(directory.chains):
        kept = chain if chain.step in judging else replace(chain, text="", reasoning=None)
        chains[chain.problem, chain.repeat].setdefault(chain.place, kept)
    made = [chain for group in chains.values() for chain in group.values()]
    wanted = len(problems) * repeats * len(plan)
    usage = Usage.total(chain.usage for chain in made)
    return {
        "task": task,
        "model": model,
        "problems": len(problems),
        "repeats": repeats,
        "complete": len(made) == wanted,
        "strategies": {
            label(strategy): {
                "steps": summarise_strategy(plan, chains, _marks(directory, problems)),
                "chains": len(made),
                "planned": wanted,
                "dead": sum(chain.dead for chain in made),
                "tokens": {"prompt": usage.prompt, "cached": usage.cached, "completion": usage.completion},
                "calls": sum(chain.attempts for chain in made),
                "without_usage": sum(not chain.dead and chain.usage.completion is None for chain in made),
            }
        },
        "seconds": round(_busy_seconds(made), 3),
    }


def _busy_seconds(chains: Iterable[Chain]) -> float:
    """The time in which at least one chain was in flight: pauses between a run and its resumption do not count."""
    busy = 0.0
    until = 0.0
    for start, end in sorted((chain.started, chain.ended) for chain in chains):
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    return busy


def _marks(directory: RunDirectory, problems: Sequence[Problem]) -> Mapping[tuple[str, int], dict[Place, Mark]]:
    normalise = {problem.id: KINDS[problem.kind].normalise for problem in problems}
    marks: dict[tuple[str, int], dict[Place, Mark]] = defaultdict(dict)
    for offset, _, record in read_log(directory.verdicts):
        try:
            answer = record["answer"]
            plain = None if answer is None else normalise[record["problem"]](answer)
            mark = Mark(plain, record["status"], record["score"], record["solved"])
            marks[record["problem"], record["repeat"]][record["step"], record["slot"]] = mark
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{directory.verdicts}, at byte {offset}: not a verdict of this run ({error!r})") from error
    return marks
