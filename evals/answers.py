"""`answers.jsonl`: the answer of a run to every problem, the best so far where a problem is short of its steps."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from evals.stats import Group, Mark, Recorded, Subject, judged, marked, speaker
from rsa.chain import Chain
from rsa.plan import Place, Plan
from rsa.selection import complete_steps, drawn, last_population
from rsa.strategies import Strategy

__all__ = ["Answer", "Answers", "lines", "short"]


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


class Answers:
    """The answers of a run, taken as what it has recorded passes by."""

    def __init__(self, strategy: Strategy, seed: int, subjects: Mapping[str, Subject]) -> None:
        self._plan = strategy.plan(seed, "")
        self._select = strategy.select
        self._subjects = subjects
        self._found: dict[Group, Answer] = {}

    def noting(self, groups: Iterable[Recorded]) -> Iterator[Recorded]:
        """The same groups; the answer of each is noted as it passes."""
        for group, chains, marks in groups:
            self._found[group] = self._answer(group, chains, marks)
            yield group, chains, marks

    def all(self, problems: Iterable[str], repeats: int) -> list[Answer]:
        """The answers to all problems in their order, repeat by repeat; nothing recorded is no answer."""
        groups = [(problem, repeat) for repeat in range(repeats) for problem in problems]
        return [self._found.get(group) or self._answer(group, {}, {}) for group in groups]

    def _answer(self, group: Group, chains: Mapping[Place, Chain], marks: Mapping[Place, Mark]) -> Answer:
        problem, repeat = group
        plan = replace(self._plan, problem=problem, repeat=repeat)  # who reads whom does not matter here
        step, members = last_population(plan, chains)
        chosen = self._chosen(plan, step, members, marks) if members else None
        mark = marks.get(chosen.place) if chosen else None
        return Answer(
            problem,
            repeat,
            answer=mark.given if mark else None,
            solved=mark.solved if mark and mark.status != "error" else None,
            status=mark.status if mark else None,
            step=chosen.step if chosen else None,
            slot=chosen.slot if chosen else None,
            steps=complete_steps(plan, chains),
            planned=plan.steps,
        )

    def _chosen(self, plan: Plan, step: int, members: Sequence[Chain], marks: Mapping[Place, Mark]) -> Chain:
        if self._select == "majority":
            best = speaker(judged(marked(members, marks)), self._subjects[plan.problem].equivalence)
            if best:
                return best[0]
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
