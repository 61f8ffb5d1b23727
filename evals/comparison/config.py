"""The configuration of a comparison: that of a run, with several strategies in the place of one, or a sweep, or both."""

import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml
from pydantic import Field

from evals.config import NamedStrategy, RunConfig
from evals.loading import validate, with_overrides
from evals.options import FLAGS
from rsa.errors import UsageError
from rsa.strategies import label

__all__ = ["ComparisonConfig", "Entry", "entries", "read_sweeps", "remembered"]

Match = Literal[
    "generations",
    "completion_tokens",
    "prompt_tokens",
    "uncached_prompt_tokens",
    "total_tokens",
    "price",
    "depth",
    "seconds",
]


class ComparisonConfig(RunConfig):
    """A comparison. What it shares with a run holds for each of its strategies."""

    strategies: list[NamedStrategy] = Field(default_factory=list)
    """The strategies: sections, or texts such as majority(n=160)."""
    sweep: dict[str, list[Any]] = Field(default_factory=dict)
    """Values for keys: every combination of them is one more run of `strategy`. n, k, steps or any other key."""
    match: Match = "generations"
    """On what the table compares at equal budget."""
    reference: str | None = None
    """What all others are compared with, as the table names it; by default the last rsa, or the last of all."""
    votes: bool = False
    """Whether the vote over the population of each strategy is compared as well."""


_OWN = frozenset(ComparisonConfig.model_fields) - frozenset(RunConfig.model_fields)
_SWEPT = frozenset({"strategy", "sampling", "seed", "prompts", "compaction", "on_overflow", "candidate_order"})
"""The sections of which every key decides what chains a run has, on one server and with the same problems."""
_PLAIN = re.compile(r"-?[\w.]+")
_LONGEST = 120  # bytes of a folder's name; file systems take 255


@dataclass(frozen=True, slots=True)
class Entry:
    """One run of a comparison: how results name it, the folder it gets, its configuration.

    `given` is what it has of its own, by dotted key: with that and the rest of the configuration it can be made again.
    """

    name: str
    folder: str
    config: RunConfig
    given: Mapping[str, Any]


def read_sweeps(sweeps: Sequence[str]) -> dict[str, list[Any]]:
    """`k=1,2,4` texts to values by key. Raises `UsageError` for what is not of that form, or given twice."""
    read: dict[str, list[Any]] = {}
    for text in sweeps:
        key, separator, values = text.partition("=")
        try:
            parsed = yaml.safe_load(f"[{values}]")
        except (ValueError, yaml.YAMLError):
            parsed = []
        if not (separator and key and isinstance(parsed, list) and parsed):
            raise UsageError(f"--sweep {text!r} is not of the form key=value,value, such as --sweep k=1,2,4")
        if key in read:
            raise UsageError(f"--sweep {key} is given twice: give all its values at once, such as --sweep k=1,2,4")
        read[key] = parsed
    return read


def entries(config: ComparisonConfig) -> tuple[list[Entry], list[str]]:
    """The runs of a comparison, and a line for each combination of a sweep that cannot be run.

    Raises `UsageError` if there is nothing to compare, or one thing twice.
    """
    _check_swept(config.sweep)
    base = _base(config)
    made = [_entry(base, {"strategy": each.model_dump(mode="json")}, {}) for each in config.strategies]
    notes: list[str] = []
    for values in itertools.product(*config.sweep.values()) if config.sweep else ():
        combination = dict(zip(config.sweep, values, strict=True))
        try:
            made.append(_entry(base, {_dotted(key): value for key, value in combination.items()}, combination))
        except UsageError as error:
            if len(config.sweep) == 1:
                raise
            notes.append(f"left out: {_told(combination)} ({error})")
    _check(made, notes)
    return made, notes


def remembered(config: ComparisonConfig, runs: Mapping[str, Mapping[str, Any]]) -> list[Entry]:
    """The runs that `compare.yaml` records by folder, on the configuration as it is now."""
    base = _base(config)
    made = []
    for folder, run in runs.items():
        configured = validate(with_overrides(base, run["given"]), {}, f"comparison, run {run['name']}")
        made.append(Entry(run["name"], folder, configured, run["given"]))
    return made


def _base(config: ComparisonConfig) -> dict[str, Any]:
    return {key: value for key, value in config.model_dump(mode="json").items() if key not in _OWN}


def _check(made: Sequence[Entry], notes: Sequence[str]) -> None:
    if not made:
        raise UsageError(
            "there is nothing to compare: give strategies (--strategy 'majority(n=16)' --strategy 'rsa(n=4,k=2,steps=4)', "
            "or strategies: in the file) or a sweep (--sweep k=1,2,4)" + "".join(f"\n  {note}" for note in notes)
        )
    for entry, other in itertools.combinations(made, 2):
        if other.name == entry.name or other.config == entry.config:
            also = "" if other.name == entry.name else f", also as {other.name}"
            raise UsageError(f"strategies: {entry.name} is there twice{also}: leave one out")


def _check_swept(keys: Iterable[str]) -> None:
    """A sweep is over what decides which chains there are: all else is the same, or one server could not do it."""
    for key in keys:
        dotted = _dotted(key)
        section = dotted.partition(".")[0]
        if section in _SWEPT or dotted == "task.repeats" or section not in RunConfig.model_fields:
            continue
        remedy = {
            "task": "a comparison is on the same problems, judged alike; rsa-eval score judges a run otherwise",
            "endpoint": "all runs share one server; run each with rsa-eval run, then compare their directories",
            "serve": "all runs share one server; run each with rsa-eval run, then compare their directories",
        }.get(section, "it does not change what is generated")
        raise UsageError(f"sweep: {key} cannot be swept: {remedy}")


def _entry(base: Mapping[str, Any], overrides: Mapping[str, Any], combination: Mapping[str, Any]) -> Entry:
    origins = dict.fromkeys(overrides, "sweep" if combination else "strategies")
    config = validate(with_overrides(base, overrides), origins, "comparison")
    others = {key: value for key, value in combination.items() if not _dotted(key).startswith("strategy.")}
    strategy = label(config.strategy.build())
    name = f"{strategy} {_told(others)}" if others else strategy
    return Entry(name, _folder(name, others.values()), config, overrides)


def _folder(name: str, values: Iterable[Any]) -> str:
    """A folder's name; with a fingerprint where the plain one would be too long, or that of other values too."""
    slug = re.sub(r"[^\w.]+", "-", name.replace("=", "")).strip("-")
    if len(slug.encode()) <= _LONGEST and all(_PLAIN.fullmatch(str(value)) for value in values):
        return slug
    fingerprint = hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=4).hexdigest()
    return f"{slug.encode()[:_LONGEST].decode(errors='ignore')}-{fingerprint}"


def _dotted(key: str) -> str:
    return FLAGS.get(key, key)


def _told(values: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in values.items())
