"""The two stacks of trainers, which need versions that exclude each other, and what of them is installed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from evals.installed import installed_version
from rsa.errors import UsageError

__all__ = ["STACKS", "check_stack"]


@dataclass(frozen=True, slots=True)
class Stack:
    """A trainer: its distribution, and the extra of this project that brings it."""

    distribution: str
    extra: str


STACKS: Mapping[str, Stack] = MappingProxyType({"trl": Stack("trl", "train-trl"), "verl": Stack("verl", "train-verl")})
"""Every trainer by the name of its backend."""
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "vllm": "pip install 'vllm>=0.22,<0.32', or set generation.engine to transformers or vllm_server",
        "tensorboard": "pip install tensorboard, or take it out of log_to",
        "wandb": "pip install wandb, or take it out of log_to",
    }
)


def check_stack(backend: str, also: Iterable[str] = (), version: Callable[[str], str | None] = installed_version) -> None:
    """See that one stack is installed, and only that, with what a run needs `also`. Raises `UsageError` with the remedy."""
    mine = STACKS[backend]
    others = [stack for name, stack in STACKS.items() if name != backend and version(stack.distribution)]
    install = f"pip install 'recursive-self-aggregation[{mine.extra}]'"
    if others:
        found = " and ".join(stack.distribution for stack in (mine, *others) if version(stack.distribution))
        raise UsageError(
            f"this environment has {found}, but these need versions of torch, transformers and vllm that exclude each "
            f"other: make an environment of its own for --backend {backend} ({install})"
        )
    if not version(mine.distribution):
        raise UsageError(f"--backend {backend} needs {mine.distribution}, which is not installed: {install}")
    for name in also:
        if not version(name):
            raise UsageError(f"this run needs {name}, which is not installed: {_HINTS.get(name, install)}")
