"""What is known of every problem once its candidates are judged, and which of them a training set takes.

Texts are read one problem at a time and not kept: sixteen thousand problems with four long candidates each are gigabytes.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evals.index import ChainIndex, VerdictIndex, run_index
from evals.preparation import Preparation
from evals.problems import Problem
from evals.store import name_of_chain
from evals.train.building.config import BuildConfig, FilterConfig
from evals.train.building.dropped import Dropped
from evals.train.building.lengths import Count
from evals.train.building.mixing import Modes, modes
from evals.train.building.prompting import Prompting
from evals.train.building.sources import Selection, Source
from rsa.chain import Chain

__all__ = ["Candidate", "Candidates", "Draw", "Surveyed", "chosen", "survey", "too_easy_or_hard"]

_AT_A_TIME = 32  # problems; their texts are held, and their prompts counted side by side


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sample. `solved` is None where no verdict could be had."""

    chain: Chain
    solved: bool | None


class Candidates:
    """The recorded samples of one source."""

    def __init__(self, run: Preparation) -> None:
        self._index: ChainIndex = run_index(run)
        self._index.refresh()
        self._verdicts = VerdictIndex(run.directory.verdicts, self._index.layout)

    def of(self, problem: Problem) -> dict[int, Candidate]:
        """The living candidates of a problem by slot."""
        chains = self._index.load((problem.id, 0)).values()
        return {chain.slot: Candidate(chain, self._solved(chain)) for chain in chains if not chain.dead}

    def _solved(self, chain: Chain) -> bool | None:
        verdict = self._verdicts.get(name_of_chain(chain))
        return None if verdict is None or verdict["status"] == "error" else bool(verdict["solved"])


@dataclass(frozen=True, slots=True)
class Draw:
    """One aggregation prompt: its place in step 2, the slots of its candidates in prompt order, its tokens."""

    slot: int
    shown: tuple[int, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A problem that may be trained on: the tokens of its plain prompt, and the aggregation prompts that it could have."""

    source: Source
    problem: Problem
    solved: float
    tokens: int
    draws: tuple[Draw, ...]

    @property
    def key(self) -> str:
        """The problem's name among those of all sources."""
        return self.source.key(self.problem)


def too_easy_or_hard(solved: Sequence[bool | None], wanted: FilterConfig) -> tuple[str, str] | None:
    """Why a problem with these verdicts is dropped, if it is: the reason and the detail."""
    judged = [each for each in solved if each is not None]
    if not judged:
        return "not_judged", f"{len(solved)} candidates live, none could be judged"
    share = sum(judged) / len(judged)
    if wanted.least_solved <= share <= wanted.most_solved:
        return None
    return ("solved_too_rarely" if share < wanted.least_solved else "solved_too_often"), f"{sum(judged)} of {len(judged)}"


async def survey(
    config: BuildConfig,
    selection: Selection,
    candidates: Mapping[str, Candidates],
    prompting: Prompting,
    count: Count,
) -> AsyncIterator[Surveyed | Dropped]:
    """Every problem of a selection, or why it is dropped."""
    for source in selection.sources:
        problems = source.dataset.problems
        for start in range(0, len(problems), _AT_A_TIME):
            batch = problems[start : start + _AT_A_TIME]
            there = [candidates[source.name].of(problem) for problem in batch]
            each = [_surveyed(config, source, *pair, prompting, count) for pair in zip(batch, there, strict=True)]
            for found in await asyncio.gather(*each):
                yield found


async def _surveyed(
    config: BuildConfig,
    source: Source,
    problem: Problem,
    there: Mapping[int, Candidate],
    prompting: Prompting,
    count: Count,
) -> Surveyed | Dropped:
    verdicts = [candidate.solved for candidate in there.values()]
    found = too_easy_or_hard(verdicts, config.filter)
    if found:
        return Dropped(source.name, problem.id, *found)
    plain = await count(prompting.plain(problem))
    if plain > config.max_prompt_tokens:
        return Dropped(source.name, problem.id, "too_long", f"{plain:,} tokens")
    judged = [each for each in verdicts if each is not None]
    draws: list[Draw] = []
    texts = {slot: prompting.text(candidate.chain) for slot, candidate in there.items()}
    for slot, shown in _draws(config, problem, there, prompting):
        tokens = await count(prompting.aggregation(problem, [texts[slot] for slot in shown]))
        if tokens <= config.max_prompt_tokens:
            draws.append(Draw(slot, shown, tokens))
        if len(draws) == config.aggregations:
            break
    return Surveyed(source, problem, sum(judged) / len(judged), plain, tuple(draws))


def _draws(
    config: BuildConfig, problem: Problem, there: Mapping[int, Candidate], prompting: Prompting
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The draws that have all their candidates, and a mix of right and wrong ones where that is wanted."""
    chains = {slot: candidate.chain for slot, candidate in there.items()}
    for draw in prompting.draws(problem.id) if config.aggregation_share else ():
        shown = prompting.shown(draw, chains)
        solved = {there[slot].solved for slot in shown}
        if shown and (not config.filter.mix or {True, False} <= solved):
            yield draw.slot, shown


def chosen(config: BuildConfig, surveyed: Sequence[Surveyed], validation: frozenset[str]) -> tuple[Modes, list[Dropped]]:
    """What becomes of each problem, with the same share in training and in validation, and which are left out by that."""
    share = config.aggregation_share
    training = {each.key: len(each.draws) for each in surveyed if each.key not in validation}
    held_out = {each.key: len(each.draws) for each in surveyed if each.key in validation}
    whole = modes(training, share, config.seed) | modes(held_out, share, config.seed)
    reason = "over_share" if share < 1 else "no_aggregation"
    surplus = [each for each in surveyed if each.key in whole.surplus]
    return whole, [Dropped(each.source.name, each.problem.id, reason) for each in surplus]
