"""The `strategy` section of a configuration."""

import re
from dataclasses import fields
from typing import Any

import yaml
from pydantic import model_validator

from rsa.errors import UsageError
from rsa.settings import Positive, Section
from rsa.strategies import STRATEGIES, Strategy
from rsa.text import did_you_mean

__all__ = ["StrategyConfig"]

_NAMED = re.compile(r"\s*([\w-]+)\s*(?:\(([^()]*)\)\s*)?")
_GIVEN = re.compile(r"\s*(\w+)\s*=\s*([+-]?\w+)\s*")


class StrategyConfig(Section):
    """What is done with the model. A text stands for the whole section: a name, or `rsa(n=16,k=4,steps=10)`."""

    name: str = "rsa"
    """rsa, majority, self_refine, self_aggregation, rejection or sample."""
    n: Positive | None = None
    """Population size, N."""
    k: Positive | None = None
    """Candidates that each later chain reads, K."""
    steps: Positive | None = None
    """Populations, T: steps=10 is one round of sampling and nine of aggregation."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, section: Any) -> Any:
        """Take the parameters out of a name such as results have."""
        name = section.get("name") if isinstance(section, dict) else None
        if not isinstance(name, str) or name.isidentifier():
            return section
        whole = _NAMED.fullmatch(name)
        parts = [_GIVEN.fullmatch(part) for part in whole[2].split(",")] if whole and (whole[2] or "").strip() else []
        given = {part[1]: yaml.safe_load(part[2]) for part in parts if part}
        if whole is None or len(given) < len(parts):
            raise ValueError(f"{name!r} is not of the form name(key=number,key=number), such as rsa(n=16,k=4,steps=10)")
        twice = [key for key in given if section.get(key) is not None]
        if twice:
            raise ValueError(f"{twice[0]} is given in {name!r} and beside it: leave one out")
        return {**section, "name": whole[1], **given}

    @model_validator(mode="after")
    def _fits(self) -> "StrategyConfig":
        if self.name not in STRATEGIES:
            raise ValueError(f"there is no strategy {self.name!r}{did_you_mean(self.name, STRATEGIES)}")
        self.build()
        return self

    def build(self) -> Strategy:
        """The strategy. Raises `UsageError` if it takes no such parameter or the values do not go together."""
        strategy = STRATEGIES[self.name]
        taken = [f.name for f in fields(strategy)]  # type: ignore[arg-type]
        given = {name: value for name in ("n", "k", "steps") if (value := getattr(self, name)) is not None}
        surplus = [name for name in given if name not in taken]
        if surplus:
            raise UsageError(
                f"strategy {self.name} does not take {', '.join(surplus)} "
                f"(it takes {', '.join(taken) or 'nothing'}): leave it out or set it to null"
            )
        return strategy(**given)
