"""From finished chains to the population that answers, and from that population to one answer."""

from collections.abc import Collection, Container, Iterable, Mapping

from rsa.answers import last_boxed, unwrapped
from rsa.chain import Chain, Status
from rsa.equivalence import Ballot, vote
from rsa.errors import RunFailed
from rsa.kinds import Kind
from rsa.plan import Place, Plan
from rsa.strategies import Select

__all__ = ["accepts", "ballot", "choose", "complete_steps", "drawn", "last_population", "population"]


def accepts(judgement: str) -> bool:
    """Whether a verifying chain accepted what it read. A judgement that cannot be read accepts nothing."""
    verdict = unwrapped(last_boxed(judgement) or "")
    return verdict.rstrip(".").strip().lower() == "correct"


def population(plan: Plan, step: int, chains: Mapping[Place, Chain]) -> tuple[Chain, ...]:
    """The living chains that carry the answers after a step, by slot.

    For a step of judgements these are the accepted chains of the step before, or all of them where none was accepted; nobody
    where none was judged.
    """

    def alive(step: int) -> dict[int, Chain]:
        slots = sorted(slot for at, slot in chains if at == step)
        return {slot: chains[step, slot] for slot in slots if not chains[step, slot].dead}

    if step not in plan.judging_steps:
        return tuple(alive(step).values())
    samples, judgements = alive(step - 1), alive(step)
    accepted = tuple(samples[slot] for slot, judgement in judgements.items() if slot in samples and accepts(judgement.text))
    return accepted or (tuple(samples.values()) if judgements else ())


def ballot(member: Chain, answer: str | None) -> Ballot:
    """A member's voice for the answer that was read out of it."""
    return Ballot(member.slot, answer, finished=member.status is not Status.TRUNCATED)


def complete_steps(plan: Plan, chains: Container[Place], wanted: Collection[Place] | None = None) -> int:
    """How many populations of a plan are complete, from the first on. `wanted` are the places that count, by default all."""
    for steps, planned in enumerate(plan.populations):
        places = (chain.place for chain in planned if wanted is None or chain.place in wanted)
        if any(place not in chains for place in places):
            return steps
    return plan.steps


def last_population(
    plan: Plan, chains: Mapping[Place, Chain], wanted: Collection[Place] | None = None
) -> tuple[int, tuple[Chain, ...]]:
    """The population that answers at present, with its step: the last complete one in which a chain lives.

    Of a population only the places that are `wanted` have to be there, by default all. Where none is complete it is what
    there is of the first: later ones would favour chains that end early. Empty if no chain lives.
    """
    for step in range(max(1, complete_steps(plan, chains, wanted)), 0, -1):
        members = population(plan, step, chains)
        if members:
            return step, members
    return 1, ()


def choose(plan: Plan, members: Iterable[Chain], kind: Kind, select: Select, step: int | None = None) -> Chain:
    """The member of a population that answers; of the last one, unless `step` names another.

    `sample` draws one uniformly (the paper's rule: its expected accuracy is the population's mean). `majority` takes the one
    that speaks for the most frequent answer (see `rsa.equivalence`); where no member gave any, it draws like `sample`.
    Raises `RunFailed` if there is no member.
    """
    by_slot = {member.slot: member for member in members}
    if not by_slot:
        raise RunFailed("every chain of the last population is dead, so there is no answer")
    if select == "majority":
        winner = vote((ballot(member, kind.extract(member.text)) for member in by_slot.values()), kind.equivalence)
        if winner:
            return by_slot[winner.slot]
    return drawn(plan, step or plan.steps, tuple(by_slot.values()))


def drawn(plan: Plan, step: int, members: Iterable[Chain]) -> Chain:
    """A uniformly drawn member of the population of a step, which must not be empty."""
    by_slot = {member.slot: member for member in members}
    order = plan.key(step, 0, "select").permutation(max(by_slot) + 1)
    return next(by_slot[slot] for slot in order if slot in by_slot)
