"""The strategies as inspect_ai finds them. Each takes its own parameters and the `Options` that all of them take."""

from collections.abc import Callable
from typing import Any, Literal, ParamSpec, Unpack

from inspect_ai.model import GenerateConfig
from inspect_ai.solver import Generate, Solver, TaskState, multiple_choice, solver

from rsa.inspect_solvers.internals import registry_name
from rsa.inspect_solvers.options import Options, Settings, settings_of
from rsa.inspect_solvers.solving import answered
from rsa.strategies import RSA, Majority, Rejection, Sample, SelfAggregation, SelfRefine

__all__ = ["majority", "rejection", "rsa", "sample", "self_aggregation", "self_refine"]

ParamsT = ParamSpec("ParamsT")
ToolCalls = Literal["loop", "single", "none"]


def _registered(make: Callable[ParamsT, Solver]) -> Callable[ParamsT, Solver]:
    """Register a solver as rsa/NAME.

    inspect_ai puts the package's name before it only where the package lies in site-packages, or is an editable install of a
    distribution of the same name, which ours is not.
    """
    name = make.__name__
    return solver(name if "/" in registry_name(make, name) else f"rsa/{name}")(make)


@_registered
def rsa(n: int = 16, k: int = 4, steps: int = 10, **options: Unpack[Options]) -> Solver:
    """Recursive Self-Aggregation (the paper's Algorithm 1): n chains, each later one reading k of the step before."""
    return _solving(settings_of(RSA, {"n": n, "k": k, "steps": steps}, options))


@_registered
def majority(n: int = 16, **options: Unpack[Options]) -> Solver:
    """A vote over the answers of n samples."""
    return _solving(settings_of(Majority, {"n": n}, options))


@_registered
def self_refine(steps: int = 10, n: int = 1, **options: Unpack[Options]) -> Solver:
    """A sample that is rewritten steps - 1 times, in n independent lines."""
    return _solving(settings_of(SelfRefine, {"steps": steps, "n": n}, options))


@_registered
def self_aggregation(k: int = 4, **options: Unpack[Options]) -> Solver:
    """k samples and one chain that reads them all."""
    return _solving(settings_of(SelfAggregation, {"k": k}, options))


@_registered
def rejection(n: int = 16, **options: Unpack[Options]) -> Solver:
    """n samples, each judged by the model itself; one of the accepted answers."""
    return _solving(settings_of(Rejection, {"n": n}, options))


@_registered
def sample(**options: Unpack[Options]) -> Solver:
    """One plain sample, with a seed as the first sample of the others has it."""
    return _solving(settings_of(Sample, {}, options))


def _solving(settings: Settings) -> Solver:
    async def by_chains(state: TaskState, tool_calls: ToolCalls = "loop", **config: Any) -> TaskState:  # noqa: ARG001 - none
        asked = settings.of_choices() if state.choices and settings.choices != "leave" else settings
        return await answered(asked, state, GenerateConfig(**config))

    async def solve(state: TaskState, generate: Generate) -> TaskState:  # noqa: ARG001 - the chains have prompts of their own
        around = settings.around
        if around is None and state.choices and settings.choices != "leave":
            around = multiple_choice(cot=settings.choices == "cot")
        return await (around(state, by_chains) if around else by_chains(state))

    return solve
