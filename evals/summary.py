"""`summary.json` of a run directory, made from its logs alone, so that run, resume and score all end in the same file."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evals.directory import RunDirectory
from evals.problems import Dataset, Problem
from evals.stats import Mark, Subject, summarise_strategy
from evals.store import read_chains, read_log
from rsa.chain import Chain, Usage
from rsa.equivalence import Equivalence
from rsa.errors import UsageError
from rsa.plan import Place
from rsa.strategies import Strategy, label

__all__ = ["summarise"]


def summarise(
    directory: RunDirectory,
    task: str,
    model: str,
    dataset: Dataset,
    repeats: int,
    strategy: Strategy,
    equivalence: Callable[[Problem], Equivalence],
) -> dict[str, Any]:
    """The summary of all that is recorded. Everything but `seconds` is the same for the same chains in any order."""
    plan = strategy.plan(0, "")
    judging = plan.judging_steps
    chains: dict[tuple[str, int], dict[Place, Chain]] = defaultdict(dict)
    for _, _, chain in read_chains(directory.chains):
        kept = chain if chain.step in judging else replace(chain, text="", reasoning=None)
        chains[chain.problem, chain.repeat].setdefault(chain.place, kept)
    made = [chain for group in chains.values() for chain in group.values()]
    problems = dataset.problems
    wanted = len(problems) * repeats * len(plan)
    subjects = {problem.id: Subject(equivalence(problem), problem.groups) for problem in problems}
    marks, versions, errors = _marks(directory, subjects)
    usage = Usage.total(chain.usage for chain in made)
    return {
        "task": task,
        "model": model,
        "problems": len(problems),
        "repeats": repeats,
        "complete": len(made) == wanted,
        "data": {"source": dataset.source, "revision": dataset.revision, **dataset.details},
        "scorers": sorted(versions),
        "errors": {"verdicts": len(errors), "example": min(errors, default=None)},
        "floor": _floor(problems),
        "strategies": {
            label(strategy): {
                "steps": summarise_strategy(plan, chains, marks, subjects),
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


def _floor(problems: Sequence[Problem]) -> dict[str, Any] | None:
    """For multiple choice what always answering A scores, and the letter that would score most; else None."""
    golds = [{gold.strip().upper() for gold in problem.golds} for problem in problems if problem.kind == "choice"]
    if not golds or len(golds) < len(problems):
        return None
    shares = {letter: sum(letter in gold for gold in golds) / len(golds) for letter in sorted(set().union(*golds))}
    best = max(shares, key=lambda letter: shares[letter])
    return {"always_A": round(shares.get("A", 0.0), 6), "best": best, "always_best": round(shares[best], 6)}


Marks = Mapping[tuple[str, int], dict[Place, Mark]]


def _marks(directory: RunDirectory, problems: Container[str]) -> tuple[Marks, set[str], list[str]]:
    """The marks of all verdicts, the scorers' versions that they come from, and what the errors among them say."""
    marks: dict[tuple[str, int], dict[Place, Mark]] = defaultdict(dict)
    versions: set[str] = set()
    errors: list[str] = []
    for offset, _, record in read_log(directory.verdicts):
        try:
            group, place, mark = _mark(record)
        except (KeyError, TypeError) as error:
            raise UsageError(f"{directory.verdicts}, at byte {offset}: not a verdict ({error!r})") from error
        if group[0] not in problems:
            raise UsageError(f"{directory.verdicts}, at byte {offset}: {group[0]!r} is no problem of this run")
        marks[group][place] = mark
        versions.add(str(record["scorer_version"]))
        if mark.status == "error":
            errors.append(f"problem {group[0]}: {record.get('detail')}")
    return marks, versions, errors


def _mark(record: Mapping[str, Any]) -> tuple[tuple[str, int], Place, Mark]:
    answer = record.get("vote", record["answer"])
    mark = Mark(answer, record["status"], record["score"], record["solved"], record["method"])
    return (record["problem"], record["repeat"]), (record["step"], record["slot"]), mark
