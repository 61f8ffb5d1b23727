"""`answers.jsonl`: the answer of a run to every problem, the best so far where a problem is short of its steps."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evals.index import ChainIndex, VerdictIndex
from evals.problems import Problem
from evals.stats import Mark
from rsa.chain import Chain
from rsa.equivalence import Equivalence, vote
from rsa.plan import Place, Plan
from rsa.selection import ballot, complete_steps, drawn, last_population
from rsa.strategies import Strategy

__all__ = ["Answer", "answers", "lines", "short"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one repeat of a problem: that of chain `slot` of step `step`, None where nothing answers.

    `steps` is how many populations are complete, `planned` how many there are to be. An answer comes from the last complete
    population; where none is, from what there is of the first.
    """

    problem: str
    repeat: int
    answer: str | None
    solved: bool | None
    status: str | None
    step: int | None
    slot: int | None
    steps: int
    planned: int


def answers(
    strategy: Strategy,
    seed: int,
    problems: Sequence[Problem],
    repeats: int,
    chains: ChainIndex,
    verdicts: VerdictIndex,
    equivalence: Callable[[Problem], Equivalence],
) -> Iterator[Answer]:
    """The answers to all problems, in their order."""
    for repeat in range(repeats):
        for problem in problems:
            group = (problem.id, repeat)
            plan = strategy.plan(seed, *group)
            yield _answer(plan, chains.outline(group), verdicts.marks(group), strategy, equivalence(problem))


def _answer(
    plan: Plan, chains: Mapping[Place, Chain], marks: Mapping[Place, Mark], strategy: Strategy, same: Equivalence
) -> Answer:
    step, members = last_population(plan, chains)
    chosen = _chosen(plan, step, members, marks, strategy, same) if members else None
    mark = marks.get(chosen.place) if chosen else None
    return Answer(
        plan.problem,
        plan.repeat,
        answer=mark.given if mark else None,
        solved=mark.solved if mark and mark.status != "error" else None,
        status=mark.status if mark else None,
        step=chosen.step if chosen else None,
        slot=chosen.slot if chosen else None,
        steps=complete_steps(plan, chains),
        planned=plan.steps,
    )


def _chosen(
    plan: Plan, step: int, members: tuple[Chain, ...], marks: Mapping[Place, Mark], strategy: Strategy, same: Equivalence
) -> Chain:
    if strategy.select == "majority":
        judged = [each for each in members if each.place in marks and marks[each.place].status != "error"]
        winner = vote((ballot(each, marks[each.place].answer) for each in judged), same)
        if winner:
            return next(member for member in members if member.slot == winner.slot)
    return drawn(plan, step, members)


def lines(found: Iterable[Answer]) -> Iterator[bytes]:
    """One JSON object a line."""
    return ((json.dumps(asdict(answer), ensure_ascii=False) + "\n").encode(errors="replace") for answer in found)


def short(found: Iterable[Answer]) -> list[dict[str, Any]]:
    """The repeats of problems that are short of their steps, with the number of complete ones."""
    return [
        {"problem": answer.problem, "repeat": answer.repeat, "steps": answer.steps}
        for answer in found
        if answer.steps < answer.planned
    ]
