"""Arguments of `rsa.run`, looked at before anything is sent, so that a mistake in them costs nothing and is named."""

import inspect
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from rsa.budget import Budget
from rsa.compaction import COMPACTIONS
from rsa.demand import Need
from rsa.endpoint import Sampling
from rsa.equivalence import Equivalence
from rsa.errors import UsageError
from rsa.kinds import Kind
from rsa.ordering import CANDIDATE_ORDERS
from rsa.overflow import OVERFLOWS
from rsa.strategies import Select
from rsa.text import did_you_mean

__all__ = ["check_choices", "check_functions", "check_sampling", "check_strategy", "check_types"]

_CHOICES: Mapping[str, Collection[str]] = MappingProxyType(
    {
        "compaction": COMPACTIONS,
        "on_overflow": OVERFLOWS,
        "candidate_order": CANDIDATE_ORDERS,
        "select": get_args(Select),
        "need": get_args(Need),
    }
)
_TYPES: Mapping[str, tuple[Any, str]] = MappingProxyType(
    {
        "seed": (int, "a whole number"),
        "kind": (str | Kind, "a name or an rsa.Kind"),
        "prompts": (str | Path, "the name of a preset or a folder"),
        "budget": (Budget | None, "an rsa.Budget, such as rsa.Budget(calls=100)"),
        "system": (str | None, "a text"),
    }
)


def check_types(**given: object) -> None:
    """See that each argument is of its type. Raises `UsageError`, as all of these do."""
    for name, value in given.items():
        kind, described = _TYPES[name]
        if not isinstance(value, kind):
            raise UsageError(f"{name} is given as {described}, not {value!r:.100}")


def check_choices(**given: object) -> None:
    """See that each argument is one of its names."""
    for name, value in given.items():
        if value not in _CHOICES[name]:
            raise UsageError(f"{name}: there is no {value!r}{did_you_mean(str(value), _CHOICES[name])}")


def check_functions(**given: object) -> None:
    """See that each argument is a function that can be called without being awaited, or open."""
    for name, function in given.items():
        if function is None or isinstance(function, Equivalence):
            continue
        if not callable(function):
            raise UsageError(f"{name} must be a function, not {function!r:.100}")
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
            raise UsageError(f"{name} is called and not awaited: write it with def, and not with async def")


def check_strategy(strategy: object) -> None:
    """See that it is a strategy, perhaps one of the caller's own."""
    if isinstance(strategy, type) or not hasattr(strategy, "plan"):
        raise UsageError(f"{strategy!r} is not a strategy, such as rsa.RSA(n=16, k=4, steps=10)")


def check_sampling(sampling: object) -> None:
    """See that it says how to sample, and leaves the seed to the run."""
    if not isinstance(sampling, Sampling):
        raise UsageError(
            f"sampling is given as an rsa.Sampling, such as rsa.Sampling(temperature=0.7), not {sampling!r:.100}"
        )
    if sampling.seed is not None:
        raise UsageError("sampling: every call has a seed of its own, drawn from the run's: give seed= beside sampling=")
