"""What the chain viewer of a report shows, as HTML that a browser keeps without reading it.

Each repeat of a problem is one block, gzip in base64 inside a `<script>` that is no script; the page unpacks a block when
somebody opens that problem. An index of all of them, without texts, is unpacked at once. Both are ASCII, so nothing that a
model wrote can become markup.
"""

import base64
import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evals.answers import Answers
from evals.problems import Problem
from evals.records import Records
from evals.report.frames import PromptFrames, delivered
from evals.stats import Group, Mark, judged, marked, speaker
from rsa.chain import Chain, Status
from rsa.equivalence import Equivalence
from rsa.plan import Place, Plan, Role
from rsa.selection import accepts, population

__all__ = ["MOST_TEXTS", "viewer_parts"]

MOST_TEXTS = 32_000_000
"""How many bytes the blocks with texts take in a page unless somebody wants another number."""
_DENSEST = 5
"""Texts that pack well end at so many times that number before they are packed: the end of a run shall not take long."""
_SHORT, _LONG = 200, 4000  # characters of an answer: where many stand side by side, and in the panel of its chain
_EXCERPT = 120  # characters of a question in the list of problems
_INTRO = """<section id="chains" aria-labelledby="chains-title">
<h2 id="chains-title">Chains</h2>
<p>Every chain that was generated, with its text, its verdict, and who read whom. Choose a problem, then a chain in its
graph: steps run from left to right, slots from top to bottom.</p>
<noscript><p>To look at chains, allow this page to run its script. It fetches nothing.</p></noscript>
<div id="viewer"></div>
"""


def viewer_parts(records: Sequence[Records], texts: int = MOST_TEXTS) -> Iterator[str]:
    """The HTML of the chain viewer for these runs, piece by piece; no more than one problem's texts are held at a time.

    `texts` is how many bytes the blocks with texts may take in the page, and a fifth of what the texts may have before they
    are packed. First repeats come first, problem by problem, all runs side by side; once a block does not fit, the rest is
    put in without texts and prompts.
    """
    yield _INTRO
    runs = [_Run(each) for each in records]
    problems = {problem.id: problem for each in records for problem in each.run.dataset.problems}
    left = texts
    for repeat in range(max((each.repeats for each in runs), default=0)):
        for at, problem in enumerate(problems.values()):
            for number, run in enumerate(runs):
                if not run.has(problem.id, repeat):
                    continue
                room = left > 0 and sum(each.characters for each in runs) < _DENSEST * texts
                block = run.block(problem, repeat, whole=True) if room else ""
                if len(block) > left or not block:
                    left, block = 0, run.block(problem, repeat, whole=False)
                else:
                    left -= len(block)
                yield _element(f"chains-{number}-{at}-{repeat}", block)
    index = {"runs": [run.summary(problems) for run in runs], "problems": [_listed(each) for each in problems.values()]}
    yield _element("chains-index", _packed(index))
    yield "</section>\n"


def _element(name: str, block: str) -> str:
    return f'<script type="application/octet-stream" id="{name}">{block}</script>\n'


def _packed(content: Mapping[str, Any]) -> str:
    """JSON in ASCII, in which a lone surrogate survives as well; gzip without the time, so that equal content is equal."""
    text = json.dumps(content, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode("ascii"), compresslevel=6, mtime=0)).decode("ascii")


def _listed(problem: Problem) -> dict[str, Any]:
    excerpt = " ".join(problem.question[: 2 * _EXCERPT].split())
    return {"id": problem.id, "golds": [_cut(gold, _SHORT) for gold in problem.golds], "excerpt": _cut(excerpt, _EXCERPT)}


def _cut(text: str | None, length: int) -> str | None:
    return text if text is None or len(text) <= length else f"{text[:length]}\N{HORIZONTAL ELLIPSIS}"


class _Run:
    """One run as the viewer sees it. What the index says of a problem is noted when its block is made.

    `characters` is how much text has gone into its blocks.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._run = records.run
        self._plan: Plan = self._run.strategy.plan(self._run.config.seed, "")  # for what is the same for all problems
        self._roles: dict[Place, Role] = {planned.place: planned.role for planned in self._plan}
        self._answers = Answers(self._run.strategy, self._run.config.seed, records.subjects)
        self._rows: dict[Group, dict[str, Any]] = {}
        self._problems = {problem.id for problem in self._run.dataset.problems}
        self.repeats = self._run.config.task.repeats
        self.characters = 0

    def has(self, problem: str, repeat: int) -> bool:
        """Whether this repeat of a problem belongs to the run."""
        return problem in self._problems and repeat < self.repeats

    def block(self, problem: Problem, repeat: int, *, whole: bool) -> str:
        """The block of one repeat of a problem. What is left out of one that is not whole: texts, prompts, and what else
        only the records of its chains say; its parents are then those of the plan."""
        group = (problem.id, repeat)
        chains = self._records.chains.load(group) if whole else self._records.chains.outline(group)
        marks = self._records.verdicts.marks(group)
        for _ in self._answers.noting([(group, chains, marks)]):
            pass
        steps = [self._step(group, step, chains, marks) for step in range(1, self._plan.steps + 1)]
        self._rows[group] = _row(steps)
        content = {"question": problem.question, "golds": problem.golds, "whole": whole, "steps": steps}
        made = self._texts(problem, chains, marks) if whole else self._outlines(group, chains, marks)
        return _packed(content | made)

    def summary(self, problems: Mapping[str, Problem]) -> dict[str, Any]:
        """What the index says of the run, with one entry for each of `problems`: None where it is none of the run's."""
        answers: dict[Group, list[Any]] = {
            (each.problem, each.repeat): [each.step, each.slot, each.solved, each.steps]
            for each in self._answers.all(self._problems, self.repeats)
        }

        def entry(problem: str) -> list[dict[str, Any]] | None:
            groups = [(problem, repeat) for repeat in range(self.repeats)]
            return (
                [self._rows[group] | {"answer": answers[group]} for group in groups] if problem in self._problems else None
            )

        return {
            "name": self._records.name,
            "model": self._run.model or "",
            "repeats": self.repeats,
            "select": self._run.strategy.select,
            "sizes": [len(each) for each in self._plan.populations],
            "judging": sorted(self._plan.judging_steps),
            "problems": [entry(problem) for problem in problems],
        }

    def _step(self, group: Group, step: int, chains: Mapping[Place, Chain], marks: Mapping[Place, Mark]) -> dict[str, Any]:
        """One population: how its members stand, and what they vote for, the winner first."""
        members = population(self._plan, step, chains)
        made = [chain for place, chain in chains.items() if place[0] == step]
        states = Counter(_standing(marks.get(member.place)) for member in members)
        return {
            "states": dict(states),
            "dead": sum(chain.dead for chain in made),
            "truncated": sum(chain.status is Status.TRUNCATED for chain in made),
            "missing": len(self._plan.populations[step - 1]) - len(made),
            "votes": _votes(judged(marked(members, marks)), self._records.subjects[group[0]].equivalence),
            **({"members": [member.slot for member in members]} if step in self._plan.judging_steps else {}),
        }

    def _texts(self, problem: Problem, chains: Mapping[Place, Chain], marks: Mapping[Place, Mark]) -> dict[str, Any]:
        frames = PromptFrames(self._run, problem, self._roles)
        self.characters += sum(len(chain.text) + len(chain.reasoning or "") for chain in chains.values())

        def told(chain: Chain) -> dict[str, Any]:
            read = [chains.get((chain.step - 1, slot)) for slot in chain.parents]
            parents = [parent for parent in read if parent]
            prompt = frames.of(chain, parents) if len(parents) == len(read) else None
            shown = None if chain.dead else delivered(self._run, chain)
            name = (chain.problem, chain.repeat, chain.strategy, *chain.place)
            return self._told(chain, marks) | _without_none(
                parents=list(chain.parents),
                text=chain.text,
                reasoning=chain.reasoning,
                finish=chain.finish_reason,
                error=chain.error,
                overflow=dict(chain.overflow) if chain.overflow is not None else None,
                model=chain.model,
                seed=chain.seed,
                origin=chain.origin,
                prompt=prompt,
                shown=shown,
                verdict=_told_verdict(self._records.verdicts.get(name)),
            )

        made = [told(chain) for _, chain in sorted(chains.items())]
        return {"chains": made, "frames": frames.frames}

    def _outlines(self, group: Group, chains: Mapping[Place, Chain], marks: Mapping[Place, Mark]) -> dict[str, Any]:
        plan = self._run.strategy.plan(self._run.config.seed, *group)
        dead = {chain.place for chain in chains.values() if chain.dead}

        def parents(place: Place) -> list[int]:
            planned = plan.populations[place[0] - 1][place[1]]
            return [slot for slot in planned.line if (place[0] - 1, slot) not in dead][: planned.wanted]

        made = [
            self._told(chain, marks)
            | {"parents": parents(place)}
            | _without_none(verdict=_told_mark(marks.get(place)), overflow=chain.overflow)
            for place, chain in sorted(chains.items())
        ]
        return {"chains": made, "frames": []}

    def _told(self, chain: Chain, marks: Mapping[Place, Mark]) -> dict[str, Any]:
        usage = chain.usage
        if self._roles[chain.place] is Role.VERIFY and not chain.dead:
            state = "accept" if accepts(chain.text) else "reject"
        else:
            state = "dead" if chain.dead else _standing(marks.get(chain.place))
        return {
            "step": chain.step,
            "slot": chain.slot,
            "state": state,
            "status": chain.status.value,
            "usage": [usage.prompt, usage.cached, usage.completion],
            "seconds": round(chain.ended - chain.started, 3),
            "attempts": chain.attempts,
        }


def _standing(mark: Mark | None) -> str:
    """How a living chain stands: right, wrong, none (no answer), error (of its verdict) or unjudged."""
    if mark is None:
        return "unjudged"
    if mark.status == "ok":
        return "right" if mark.solved else "wrong"
    return "none" if mark.status == "no_answer" else "error"


def _votes(there: Sequence[tuple[Chain, Mark]], equivalence: Equivalence) -> list[list[Any]]:
    """[answer, whether it is right, slots] of every class of answers: the winner of the vote first, then by votes."""
    best = speaker(there, equivalence)
    if best is None:
        return []
    cast = [(chain, mark, mark.answer) for chain, mark in there if mark.answer is not None]
    classes = equivalence.classes(answer for _, _, answer in cast)
    ballots: dict[str, list[tuple[Chain, Mark]]] = {}
    for chain, mark, answer in cast:
        ballots.setdefault(classes[answer], []).append((chain, mark))
    won = next(name for name, voters in ballots.items() if best in voters)
    order = sorted(ballots, key=lambda name: (name != won, -len(ballots[name])))
    speaking = [best if name == won else ballots[name][0] for name in order]
    return [
        [_cut(mark.given, _SHORT), mark.solved, sorted(chain.slot for chain, _ in ballots[name])]
        for name, (_, mark) in zip(order, speaking, strict=True)
    ]


def _row(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the index says of one repeat of a problem, a list with one entry a step in each field."""
    states = ("right", "wrong", "none", "error", "unjudged")
    return {
        "counts": [
            [*(step["states"].get(state, 0) for state in states), step["dead"], step["truncated"], step["missing"]]
            for step in steps
        ],
        "votes": [_outcome(step["votes"]) for step in steps],
    }


def _outcome(votes: Sequence[Sequence[Any]]) -> list[int] | None:
    """Whether the vote was won by a right answer (0 or 1), with how many votes, and of how many."""
    return [int(votes[0][1]), len(votes[0][2]), sum(len(slots) for *_, slots in votes)] if votes else None


def _told_verdict(record: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if record is None:
        return None
    known = {name: record.get(name) for name in ("status", "score", "solved", "method", "detail")}
    return _without_none(**known, answer=_cut(record["answer"], _LONG), vote=_cut(record.get("vote"), _SHORT))


def _told_mark(mark: Mark | None) -> dict[str, Any] | None:
    if mark is None:
        return None
    known = {"status": mark.status, "score": mark.score, "solved": mark.solved, "method": mark.method}
    return _without_none(**known, answer=_cut(mark.given, _SHORT))


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
