"""`summary.json` of a run directory, made from its logs alone, so that run, resume and score all end in the same file."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evals.problems import Problem
from evals.records import Records
from evals.stats import Recorded, busy_seconds
from evals.steps import summarise_strategy
from rsa.chain import Chain, Usage

__all__ = ["summarise"]


def summarise(records: Records, groups: Iterable[Recorded]) -> dict[str, Any]:
    """The summary of a run. `groups` are those of the records, which somebody may read along.

    Everything but `seconds` is the same for the same chains in any order.
    """
    run, verdicts = records.run, records.verdicts
    problems, repeats, dataset = run.dataset.problems, run.config.task.repeats, run.dataset
    wanted = len(problems) * repeats * len(records.chains.layout.places)
    totals = _Totals()
    steps = summarise_strategy(run.strategy, run.config.seed, totals.counting(groups), records.subjects)
    usage = totals.usage
    return {
        "task": run.task_name,
        "model": run.model or "",
        "problems": len(problems),
        "repeats": repeats,
        "complete": totals.chains == wanted,
        "data": {"source": dataset.source, "revision": dataset.revision, **dataset.details},
        "scorers": sorted(verdicts.versions),
        "errors": {"verdicts": verdicts.errors, "example": verdicts.example},
        "floor": _floor(problems),
        "strategies": {
            records.name: {
                "steps": steps,
                "chains": totals.chains,
                "planned": wanted,
                "dead": totals.dead,
                "tokens": {"prompt": usage.prompt, "cached": usage.cached, "completion": usage.completion},
                "calls": totals.calls,
                "without_usage": totals.without_usage,
            }
        },
        "seconds": round(totals.busy_seconds(), 3),
    }


class _Totals:
    """Sums over all chains of a run."""

    def __init__(self) -> None:
        self.chains = self.dead = self.calls = self.without_usage = 0
        self.usage = Usage()
        self._started = array("d")
        self._ended = array("d")

    def counting(self, groups: Iterable[Recorded]) -> Iterator[Recorded]:
        """The same groups; each is counted as it passes."""
        for group in groups:
            for chain in group[1].values():
                self._take(chain)
            yield group

    def _take(self, chain: Chain) -> None:
        self.chains += 1
        self.dead += chain.dead
        self.calls += chain.attempts
        self.without_usage += not chain.dead and chain.usage.completion is None
        self.usage += chain.usage
        self._started.append(chain.started)
        self._ended.append(chain.ended)

    def busy_seconds(self) -> float:
        return busy_seconds(zip(self._started, self._ended, strict=True))


def _floor(problems: Sequence[Problem]) -> Mapping[str, Any] | None:
    """For multiple choice what always answering A scores, and the letter that would score most; else None."""
    golds = [{gold.strip().upper() for gold in problem.golds} for problem in problems if problem.kind == "choice"]
    if not golds or len(golds) < len(problems):
        return None
    shares = {letter: sum(letter in gold for gold in golds) / len(golds) for letter in sorted(set().union(*golds))}
    best = max(shares, key=lambda letter: shares[letter])
    return {"always_A": round(shares.get("A", 0.0), 6), "best": best, "always_best": round(shares[best], 6)}
