"""The work of the schedule benchmark, its bounds, and the schedules: ours as it is, and two that exist only here."""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import rsa
from rsa.chain import Chain, Status
from rsa.endpoint import Client
from rsa.ordering import ordered
from rsa.plan import Place, Plan, PlannedChain
from rsa.scheduler import FixedLimit, Generate, Job, execute

BETWEEN, WITHIN = 0.4, 0.5  # sigmas of the lognormal lengths, over problems and over the chains of one
QUESTION = "A question about as long as those of a competition in mathematics are: find the number of all its answers."

Schedule = Callable[["Work", Generate, int], Awaitable[None]]
"""Runs all of a work with at most so many calls in flight."""


@dataclass(frozen=True)
class Work:
    """All chains of a run, and how many tokens each will have, whoever schedules it."""

    plans: tuple[Plan, ...]
    lengths: dict[tuple[str, int, int], int]

    @property
    def tokens(self) -> int:
        return sum(self.lengths.values())

    @property
    def path(self) -> int:
        """The most tokens that have to be made one after the other."""
        return max(map(self._path, self.plans))

    def _path(self, plan: Plan) -> int:
        ends: dict[Place, int] = {}
        for chain in plan:
            begins = max((ends[chain.step - 1, slot] for slot in chain.parents), default=0)
            ends[chain.place] = begins + self.lengths[plan.problem, *chain.place]
        return max(ends.values())


def work_of(seed: int, problems: int, steps: int, mean: float, order: str = "draw") -> Work:
    """RSA with N=16 K=4. Lengths from a lognormal, with a mean of their own for each problem, up to eight times the mean."""
    draw = random.Random(seed)
    plans = tuple(ordered(rsa.RSA(16, 4, steps).plan(seed, f"{seed}-{number}"), order) for number in range(problems))
    lengths: dict[tuple[str, int, int], int] = {}
    for plan in plans:
        middle = math.log(mean) + draw.gauss(0, BETWEEN) - (BETWEEN**2 + WITHIN**2) / 2
        for chain in plan:
            tokens = math.exp(middle + draw.gauss(0, WITHIN))
            lengths[plan.problem, *chain.place] = max(1, min(round(8 * mean), round(tokens)))
    return Work(plans, lengths)


def generation(client: Client, work: Work, mark: str = "") -> Generate:
    """Makes chains by real calls. No two runs with different marks have a prefix of their prompts in common."""

    async def generate(plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain:
        messages = [{"role": "user", "content": prompt_of(plan, parents, mark)}]
        sampling = rsa.Sampling(max_tokens=work.lengths[plan.problem, *planned.place])
        seed = plan.key(*planned.place, "generate").request_seed()
        reply = await client.complete(messages, sampling, seed)
        slots = tuple(parent.slot for parent in parents)
        place = (plan.problem, plan.repeat, "rsa", planned.step, planned.slot, slots)
        return Chain(*place, reply.model, seed, "", reply.text, reply.finish_reason, Status.OK, reply.usage)

    return generate


def prompt_of(plan: Plan, parents: Sequence[Chain], mark: str) -> str:
    candidates = "".join(f"\nCandidate {at}:\n{parent.text}" for at, parent in enumerate(parents, 1))
    return f"{mark}Problem {plan.problem}. {QUESTION}{candidates}"


async def dataflow(work: Work, generate: Generate, limit: int) -> None:
    """Ours, as it is."""
    await execute((Job(plan, generate) for plan in work.plans), FixedLimit(limit))


async def global_barrier(work: Work, generate: Generate, limit: int) -> None:
    """No chain of a step starts before all chains of all problems have finished the step before: the paper's code."""
    await _step_by_step(work.plans, generate, limit)


async def barrier_per_problem(work: Work, generate: Generate, limit: int) -> None:
    """Each problem goes step by step beside the others; the calls stand in one line, first come, first served."""
    places = asyncio.Semaphore(limit)

    async def one_of(plan: Plan, planned: PlannedChain, parents: Sequence[Chain]) -> Chain | None:
        async with places:
            return await generate(plan, planned, parents)

    await asyncio.gather(*(_step_by_step([plan], one_of, len(plan)) for plan in work.plans))


async def _step_by_step(plans: Sequence[Plan], generate: Generate, limit: int) -> None:
    done: dict[str, dict[Place, Chain]] = {plan.problem: {} for plan in plans}

    def note(chain: Chain) -> None:
        done[chain.problem][chain.place] = chain

    for step in range(1, plans[0].steps + 1):
        upto = [replace(plan, populations=plan.populations[:step]) for plan in plans]
        jobs = [Job(plan, generate, recorded=dict(done[plan.problem])) for plan in upto]
        await execute(jobs, FixedLimit(limit), note)
