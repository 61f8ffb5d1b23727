"""What became of a question: the answer, or why there is none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from rsa.chain import Chain, Usage
from rsa.demand import needed
from rsa.errors import BudgetSpent, RunFailed
from rsa.kinds import Kind
from rsa.picture import result_html, result_words
from rsa.plan import Place
from rsa.scheduler import Job
from rsa.selection import choose, last_population
from rsa.strategies import Select

__all__ = ["Result", "is_complete", "result_of"]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one question.

    `text` is the answering chain's text and `answer` what could be read out of it (None: nothing in the asked form).
    `usage` sums the tokens of every chain. `chains` are all that were generated, with the dead ones, ordered by step and
    slot; `chosen` is the one that answers, and `population` are the living members of its population that were generated:
    with need="population" all of them, with need="answer" mostly it alone. Where a budget ended the work early, `stopped`
    says so, and the population is the last one of which everything that was needed is there (or what there is of the first).
    `kind` is how answers were read. It prints as one line, and a notebook shows its graph.
    """

    text: str
    answer: str | None
    usage: Usage
    chosen: Chain = field(repr=False)
    population: tuple[Chain, ...] = field(repr=False)
    chains: tuple[Chain, ...] = field(repr=False)
    kind: Kind = field(repr=False)
    stopped: str | None = None

    @property
    def votes(self) -> dict[str, int]:
        """How many members of the population gave each answer, the most frequent first; equal answers under one name."""
        given = [answer for member in self.population if (answer := self.kind.extract(member.text)) is not None]
        classes = self.kind.equivalence.classes(given)
        return dict(Counter(classes[answer] for answer in given).most_common())

    def __str__(self) -> str:
        votes = self.votes
        own = self.kind.equivalence.classes([*votes, self.answer])[self.answer] if self.answer is not None else ""
        agreeing = votes.get(own, 0)
        words = result_words(self.answer, agreeing, sum(votes.values()), self.chains, self.usage.completion)
        return f"{words}; {self.stopped}" if self.stopped else words

    def _repr_html_(self) -> str:
        """What a notebook shows: the line of `str`, and who read whom as a graph."""
        answers = {chain.place: None if chain.dead else self.kind.extract(chain.text) for chain in self.chains}
        classes = self.kind.equivalence.classes(answer for answer in answers.values() if answer is not None)
        named = {place: None if answer is None else classes[answer] for place, answer in answers.items()}
        return result_html(str(self), self.chains, named, self.chosen.place)


def is_complete(job: Job, chains: Sequence[Chain]) -> bool:
    """Whether every chain is there that the answer needs."""
    made = {chain.place for chain in chains}
    return made.issuperset(_wanted(job, chains))


def _wanted(job: Job, chains: Sequence[Chain]) -> list[Place] | set[Place]:
    """The places that the answer needs, as far as is known who is dead."""
    if job.answering is None:
        return [planned.place for planned in job.plan]
    return needed(job.plan, job.answering, {chain.place for chain in chains if chain.dead})


def result_of(job: Job, chains: Sequence[Chain], kind: Kind, select: Select, told: str | None) -> Result:
    """What the chains of a job come to; `told` says why they are not all there, if something ended the work early.

    Raises `BudgetSpent` if the work ended before anything could answer, and `RunFailed` if the last population is dead.
    """
    plan = job.plan
    ordered = tuple(sorted(chains, key=lambda chain: chain.place))
    made = {chain.place: chain for chain in ordered}
    wanted = _wanted(job, ordered)
    step, members = last_population(plan, made, wanted)
    stopped = told if any(place not in made for place in wanted) else None
    if stopped and not members:
        raise BudgetSpent(f"{stopped}, before anything could answer: raise it")
    if not members or (step < plan.steps and not stopped):
        error = next((chain.error for chain in ordered if chain.error), "no reason recorded")
        raise RunFailed(f"every chain of the last population is dead, so there is no answer; the first error was: {error}")
    chosen = choose(plan, members, kind, select, step)
    usage = Usage.total(chain.usage for chain in ordered)
    return Result(chosen.text, kind.extract(chosen.text), usage, chosen, members, ordered, kind, stopped)
