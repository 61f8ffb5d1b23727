"""The configuration of a training set: one model for the YAML file, `--set key=value` and the flags."""

from typing import Literal, Self

from pydantic import Field, model_validator

from evals.config import EngineConfig, NamedTask
from rsa.settings import Positive, Section

__all__ = ["BuildConfig", "DecontaminationConfig", "FilterConfig", "SourceConfig"]


class SourceConfig(Section):
    """Problems of one task, or of one file or data set on the hub."""

    task: NamedTask
    name: str | None = None
    """What rows call it (`data_source`), by default the task's name or that of the data."""
    share: float | None = Field(None, gt=0)
    """Its share of all problems, in any unit; all sources have one or none has. Without shares all problems are taken."""

    @model_validator(mode="after")
    def _sampled_once(self) -> Self:
        if self.task.repeats > 1:
            raise ValueError("problems of a training set are not repeated: leave repeats out, and see n and aggregations")
        return self


class FilterConfig(Section):
    """Which problems are left out because of how their candidates did."""

    least_solved: float = Field(0.0, ge=0, le=1)
    """The share of right candidates that a problem must have; a little above 0 drops those that are never solved."""
    most_solved: float = Field(1.0, ge=0, le=1)
    """The share of right candidates that a problem may have; a little under 1 drops those that are always solved."""
    mix: bool = False
    """Whether the candidates of an aggregation prompt must be right and wrong ones."""

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        if self.least_solved > self.most_solved:
            raise ValueError(f"least_solved={self.least_solved:g} is above most_solved={self.most_solved:g}: lower it")
        return self


class DecontaminationConfig(Section):
    """Which problems are left out because they are in an evaluation set."""

    against: list[NamedTask] = Field(default_factory=list)
    """The evaluation sets: tasks, or sections as for a source."""
    ngram: Positive = 13
    """Words, numbers and signs in a row that two questions must have in common."""
    overlap: float = Field(0.2, gt=0, le=1)
    """The share of the shorter question's rows of words that is too much. What many problems share is not counted."""


class BuildConfig(EngineConfig):
    """A training set. What it shares with a run says how the candidates are sampled."""

    sources: list[SourceConfig] = Field(min_length=1)
    """Where the problems come from."""
    limit: Positive | None = None
    """Problems in all, drawn by the seed, with every source's share of them. By default all there are."""
    aggregation_share: float = Field(0.5, ge=0, le=1)
    """The share of aggregation prompts; all others are plain questions."""
    n: Positive = 4
    """Candidates that are sampled for each problem."""
    k: Positive = 4
    """Candidates that an aggregation prompt shows."""
    aggregations: Positive = 1
    """Aggregation prompts for each problem that has any, every one with candidates drawn anew."""
    max_prompt_tokens: Positive = 33_792
    """What a prompt may have in tokens; the default is the paper's: four candidates of 8,192 and 1,024 for the question."""
    long_prompts: Literal["refuse", "drop"] = "refuse"
    """refuse to begin if k candidates could be longer than that, or begin and drop the prompts that are."""
    validation_share: float = Field(0.02, ge=0, lt=1)
    """The share of problems, not of prompts, that goes into validation.parquet."""
    graded: bool = False
    """Whether the reward gives partial credit; by default it is 1 or 0."""
    filter: FilterConfig = FilterConfig()
    decontamination: DecontaminationConfig = DecontaminationConfig()

    @model_validator(mode="after")
    def _enough_candidates(self) -> Self:
        if self.k > self.n:
            raise ValueError(f"k={self.k} candidates cannot be drawn from n={self.n}: lower k or raise n")
        if self.aggregations > self.n:
            raise ValueError(f"aggregations={self.aggregations}, but there are n={self.n} draws: lower it or raise n")
        return self

    @model_validator(mode="after")
    def _all_shares_or_none(self) -> Self:
        without = [source for source in self.sources if source.share is None]
        if without and len(without) < len(self.sources):
            raise ValueError(f"sources: {len(without)} of {len(self.sources)} have no share: give all of them one, or none")
        return self
