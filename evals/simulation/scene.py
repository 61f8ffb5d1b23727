"""What `rsa-eval plan --simulate` is asked, made into what is simulated."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from evals.config import EndpointConfig, RunConfig
from evals.loading import read_sets
from evals.preparation import Preparation, prepare_recorded
from evals.simulation.calibration import Calibration, calibrate
from evals.simulation.costs import StepCosts
from evals.simulation.profiles import Profile, profile
from evals.simulation.recorded import Recorded
from evals.simulation.replica import Server
from evals.simulation.simulate import Simulated, simulate
from evals.simulation.workload import Lengths, Lognormal, Resampled, Workload
from evals.sizes import Sizes, sizes
from evals.store import read_chains
from evals.tasks import load_task
from rsa.compaction import COMPACTIONS
from rsa.endpoint.concurrency import Adaptive
from rsa.errors import UsageError
from rsa.ordering import ordered
from rsa.plan import Plan
from rsa.strategies import label

__all__ = ["Scene", "Wish", "recorded", "scene_of"]

_GPU = "h100"
_UNITS: Mapping[str, int] = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked. `gpus` are numbers to try, `within` is a duration such as 90m; `lengths` and `calibrate`
    are runs, and `assume` are keys of a profile with their values."""

    gpus: str | None = None
    within: str | None = None
    gpu: str | None = None
    assume: Sequence[str] | None = None
    lengths: Path | None = None
    calibrate: Path | None = None

    def refuse(self) -> None:
        """Raises `UsageError` if anything is asked: where nothing is simulated."""
        if asked := [each.name for each in fields(self) if getattr(self, each.name) is not None]:
            raise UsageError(f"--{asked[0]} is about a simulation: add --simulate, or leave it out")

    @property
    def deadline(self) -> float | None:
        """`within` in seconds. Raises `UsageError` if it is no duration."""
        if self.within is None:
            return None
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhd])", self.within)
        if not found or not float(found[1]):
            raise UsageError(f"--within {self.within!r} is no duration, such as 90m, 1.5h or 2d")
        return float(found[1]) * _UNITS[found[2]]

    def replicas(self, each: int) -> list[int] | None:
        """`gpus` as numbers of replicas of so many GPUs. Raises `UsageError` if they are no such numbers."""
        if self.gpus is None:
            return None
        try:
            numbers = [int(text) for text in self.gpus.split(",")]
        except ValueError:
            numbers = []
        if not numbers or any(number < 1 or number % each for number in numbers):
            of = f" of replicas of {each}" if each > 1 else ""
            raise UsageError(f"--gpus {self.gpus!r} are no numbers of GPUs{of}, such as {each},{2 * each},{4 * each}")
        return [number // each for number in numbers]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is simulated, and in which words. `gpus_each` are the GPUs of a replica, `sessions` the steps of all problems.
    `speed_of` is the run whose speed it has, and its model: nobody checks that they are the same on the same hardware."""

    title: str
    work: Workload
    told_lengths: str
    server: Server
    gpu: str
    model: str | None
    speed_of: str | None
    gpus_each: int
    endpoint: EndpointConfig
    sessions: int
    calibration: Calibration | None

    @property
    def told_server(self) -> str:
        """What a replica is."""
        speed = f", at the speed of {self.speed_of}" if self.speed_of else ""
        return (
            f"{self.gpu} with {self.model}{speed}: {self.server.kv_tokens:,} tokens of KV cache, at most "
            f"{self.server.sequences:,} sequences and {self.server.batched_tokens:,} tokens a step; "
            f"up to {self.endpoint.max_concurrency:,} calls in flight a replica"
        )

    def run(self, replicas: int) -> Simulated:
        """How it goes on so many replicas."""
        return simulate(self.work, self.server, replicas, _limit(self.endpoint, replicas))


def scene_of(config: RunConfig, wish: Wish, mean_tokens: int | None) -> Scene:
    """What is asked for a configuration. Raises `UsageError` for what is wrong with it, or not known."""
    strategy = config.strategy.build()
    problems = load_task(config.task, config.seed).problems
    first = strategy.plan(config.seed, problems[0].id)
    known = asyncio.run(sizes(config, first, problems))
    told_lengths, lengths = _lengths(config, known, wish.lengths, mean_tokens)

    def plans() -> Iterator[Plan]:
        for repeat in range(config.task.repeats):
            for problem in problems:
                yield ordered(strategy.plan(config.seed, problem.id, repeat), config.candidate_order)

    model = (config.serve.model if config.serve else None) or config.endpoint.model
    gpu = (wish.gpu or _GPU).lower()
    assumed = profile(gpu, model, read_sets(wish.assume or [], "--assume", "server.kv_tokens=400000"))
    calibrating = prepare_recorded(wish.calibrate) if wish.calibrate else None
    calibration = _calibration(assumed, calibrating) if calibrating else None
    server = assumed.build(calibration.costs if calibration else None)
    return Scene(
        f"{label(strategy)}, {len(problems)} problems x {config.task.repeats}",
        Workload(plans, known.questions, known.frames, lengths),
        told_lengths,
        server,
        gpu,
        model,
        f"{calibrating.directory.path} (a run of {calibrating.model})" if calibrating else None,
        assumed.server.gpus,
        config.endpoint,
        len(problems) * config.task.repeats * first.steps,
        calibration,
    )


def _calibration(assumed: Profile, run: Preparation) -> Calibration:
    server = assumed.build(StepCosts(1.0))  # what a step costs is what is looked for
    return calibrate(recorded(run), server, lambda: _limit(run.config.endpoint, 1))


def _limit(endpoint: EndpointConfig, replicas: int) -> Adaptive:
    """The limit on calls in flight. Several replicas have as many each as the configuration allows one server: a router in
    front of them shows no queue that the limit could follow."""
    most = endpoint.max_concurrency * replicas
    return Adaptive.fixed(most) if endpoint.concurrency == "fixed" or replicas > 1 else Adaptive(most)


def _lengths(config: RunConfig, known: Sizes, path: Path | None, mean_tokens: int | None) -> tuple[str, Lengths]:
    if path is None:
        mean = min(mean_tokens or max(1, known.max_tokens // 2), known.max_tokens)
        told = f"assumed: lognormal, {mean:,} new tokens on average, cut at {known.max_tokens:,}"
        return told, Lognormal(mean, known.max_tokens, config.seed)
    if mean_tokens is not None:
        raise UsageError("--mean-tokens and --lengths exclude each other: lengths are assumed or those of a run")
    found = recorded(prepare_recorded(path)).lengths()
    if not found:
        raise UsageError(f"--lengths: {path} has no problem that is whole and has token counts")
    new = [each.new for steps in found.values() for lengths in steps.values() for each in lengths]
    told = f"those of {path}: {len(new):,} chains, {sum(new) / len(new):,.0f} new tokens on average, {max(new):,} at most"
    return told, Resampled(found, config.seed)


def recorded(run: Preparation) -> Recorded:
    """What a run directory says of its chains, as a workload."""
    chains = (chain for _, _, chain in read_chains(run.directory.chains))
    plans = (run.plan(problem.id, repeat) for repeat in range(run.config.task.repeats) for problem in run.dataset.problems)
    return Recorded.of_chains(chains, plans, COMPACTIONS[run.config.compaction])
