"""The configurations of runs and comparisons: from a file, `--set` and flags to a checked one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import yaml

from evals.config import RunConfig
from rsa import settings
from rsa.errors import UsageError
from rsa.settings import with_overrides

__all__ = ["checked", "load", "load_config", "read_sets", "validate", "with_overrides"]

Config = TypeVar("Config", bound=RunConfig)
_COMPARING = frozenset({"strategies", "sweep"})
_EXAMPLE = "task: aime25"
_REMEDIES: Mapping[str, str] = MappingProxyType(
    {"task": "name one (rsa-eval tasks lists them), or give your own file with --data"}
)


def load_config(path: Path | None, overrides: Mapping[str, Any]) -> RunConfig:
    """As `load`, for the configuration of a run. Says so where the file is that of a comparison."""
    if path and (keys := _COMPARING & settings.read_yaml(path, _EXAMPLE)[0].keys()):
        raise UsageError(f"{path} is a comparison, for it has the key {min(keys)!r}: rsa-eval compare {path}")
    return load(path, overrides, RunConfig)


def load(path: Path | None, overrides: Mapping[str, Any], model: type[Config]) -> Config:
    """The configuration of a file (or none) with dotted keys from the command line put over it.

    Raises `UsageError` that lists every mistake at once.
    """
    return settings.load(path, overrides, model, _EXAMPLE, _REMEDIES)


def read_sets(sets: Sequence[str], option: str = "--set", example: str = "sampling.top_p=0.95") -> dict[str, Any]:
    """`key=value` texts to dotted keys and YAML values. Raises `UsageError` for what is not one, or given twice."""
    overrides: dict[str, Any] = {}
    for text in sets:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise UsageError(f"{option} {text!r} is not of the form key=value, such as {option} {example}")
        try:
            parsed = yaml.safe_load(value)
        except (ValueError, RecursionError, yaml.YAMLError) as error:
            raise UsageError(f"{option} {key}: the value {value!r} is not YAML: {error}") from error
        if key in overrides and overrides[key] != parsed:
            raise UsageError(f"{option} {key} is given twice with different values")
        overrides[key] = parsed
    return overrides


def validate(content: Mapping[str, Any], origins: Mapping[str, str], source: str) -> RunConfig:
    """As `checked`, for the configuration of a run."""
    return checked(content, origins, source, RunConfig)


def checked(content: Mapping[str, Any], origins: Mapping[str, str], source: str, model: type[Config]) -> Config:
    """The checked configuration. `origins` says where each dotted key was given, `source` where all the rest was."""
    return settings.checked(content, origins, source, model, _REMEDIES)
