"""The data card: what a training set holds, as Markdown, as JSON for `--json`, and as a plot."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evals.train.building.dropped import Dropped, counted, reasons
from evals.train.building.layout import Row

__all__ = ["MODES", "Facts", "SourceFacts", "card_text"]

MODES = ("plain", "aggregate")
_QUANTILES = (0.0, 0.5, 0.9, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class PromptFacts:
    """A prompt as the card tells of it. `new_tokens` are those of its candidates, as far as the server counted them."""

    split: str
    source: str
    mode: str
    tokens: int
    candidates: int
    right: int | None
    new_tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """A source: how many problems it had, how many were sampled, where they came from.

    `solved` is the mean share of right candidates of the problems that the filters keep.
    """

    name: str
    origin: str
    revision: str | None
    rows: int
    problems: int
    sha256: str
    solved: float | None


@dataclass(slots=True)
class Facts:
    """What a training set holds."""

    model: str
    sources: Sequence[SourceFacts] = ()
    dropped: Sequence[Dropped] = ()
    prompts: list[PromptFacts] = field(default_factory=list)

    def noting(self, rows: Iterable[tuple[Row, tuple[int, ...]]], split: str) -> Iterable[Row]:
        """The rows, taken into account as they pass."""
        for row, new_tokens in rows:
            shown = len(row.candidates)
            self.prompts.append(PromptFacts(split, row.source, row.mode, row.tokens, shown, row.right, new_tokens))
            yield row

    def of(self, *, split: str | None = None, source: str | None = None, mode: str | None = None) -> list[PromptFacts]:
        """The prompts of a split, a source, a mode."""
        wanted = {"split": split, "source": source, "mode": mode}
        given = {name: value for name, value in wanted.items() if value is not None}
        return [each for each in self.prompts if all(getattr(each, name) == value for name, value in given.items())]

    def summary(self) -> dict[str, Any]:
        """The numbers, as JSON."""
        counts = {split: {mode: len(self.of(split=split, mode=mode)) for mode in MODES} for split in ("train", "validation")}
        return {
            "prompts": counts,
            "aggregation_share": _share(len(self.of(mode="aggregate")), len(self.prompts)),
            "prompt_tokens": {mode: quantiles([each.tokens for each in self.of(mode=mode)]) for mode in MODES},
            "candidate_tokens": quantiles([tokens for each in self.prompts for tokens in each.new_tokens]),
            "right_candidates": self.right_share(),
            "right_of_k": {str(right): count for right, count in sorted(self.right_counts().items())},
            "dropped": counted(self.dropped),
        }

    def right_counts(self, source: str | None = None) -> Counter[int]:
        """How many aggregation prompts have how many right candidates."""
        return Counter(each.right for each in self.of(source=source, mode="aggregate") if each.right is not None)

    def right_share(self, source: str | None = None) -> float | None:
        """The share of right ones among the candidates in aggregation prompts; None if there are none."""
        known = [each for each in self.of(source=source, mode="aggregate") if each.right is not None]
        return _share(sum(each.right or 0 for each in known), sum(each.candidates for each in known))


def quantiles(values: Sequence[int]) -> dict[str, int] | None:
    """The least, the median, the 90th and 99th percentile and the most; None of nothing."""
    if not values:
        return None
    found = np.quantile(np.asarray(values), _QUANTILES, method="higher")
    return dict(zip(("least", "median", "p90", "p99", "most"), map(int, found), strict=True))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def card_text(facts: Facts, config: Mapping[str, Any], plot: str) -> str:
    """The card as Markdown. `plot` is the name of the picture beside it."""
    told = facts.summary()
    parts = [
        "# Training set",
        _first_lines(facts, told, config),
        f"![Prompt lengths, and right candidates in aggregation prompts]({plot})",
        "## Prompts",
        _table(("source", "train plain", "train aggregate", "validation", "right candidates"), _by_source(facts)),
        "## Tokens",
        _table(("", "least", "median", "90 %", "99 %", "most"), _lengths(told)),
        "## Candidates",
        f"Right among the candidates shown: {_percent(told['right_candidates'])}. Aggregation prompts by how many of their "
        f"{config['k']} candidates are right: {_counts(told['right_of_k']) or 'there are none'}.",
        "## Sources",
        _table(("source", "from", "revision", "rows", "sampled", "right samples", "SHA-256"), _origins(facts)),
        "## Left out",
        f"Problems: {reasons(facts.dropped)}. `dropped.jsonl` has each with its reason.",
        "## Use",
        "`train.parquet` and `validation.parquet` have verl's layout with columns of our own; TRL reads them with "
        '`load_dataset("parquet", ...)`. Rewards: `trl_reward` and, for verl, `compute_score` in `evals.train.reward`. '
        "How everything was made is in `build.yaml`; the sampled chains are in `samples/`.",
    ]
    return "\n\n".join(parts) + "\n"


def _first_lines(facts: Facts, told: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    counts = {split: sum(modes.values()) for split, modes in told["prompts"].items()}
    sampling = config["sampling"]
    return (
        f"{counts['train']:,} prompts for training and {counts['validation']:,} for validation, "
        f"{_percent(told['aggregation_share'])} of them aggregation prompts with {config['k']} candidates each. Candidates: "
        f"{config['n']} a problem from {facts.model}, temperature {sampling['temperature']:g}, top_p {sampling['top_p']:g}, "
        f"at most {sampling['max_tokens']:,} new tokens. Seed {config['seed']}."
    )


def _by_source(facts: Facts) -> list[tuple[str, ...]]:
    return [
        (
            source.name,
            f"{len(facts.of(source=source.name, split='train', mode='plain')):,}",
            f"{len(facts.of(source=source.name, split='train', mode='aggregate')):,}",
            f"{len(facts.of(source=source.name, split='validation')):,}",
            _percent(facts.right_share(source.name)),
        )
        for source in facts.sources
    ]


def _lengths(told: Mapping[str, Any]) -> list[tuple[str, ...]]:
    rows = {
        "plain prompts": told["prompt_tokens"]["plain"],
        "aggregation prompts": told["prompt_tokens"]["aggregate"],
        "candidates": told["candidate_tokens"],
    }
    return [(name, *(f"{value:,}" for value in found.values())) for name, found in rows.items() if found]


def _origins(facts: Facts) -> list[tuple[str, ...]]:
    return [
        (
            source.name,
            source.origin,
            (source.revision or "-")[:12],
            f"{source.rows:,}",
            f"{source.problems:,}",
            _percent(source.solved),
            source.sha256[:12],
        )
        for source in facts.sources
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in counts.items())


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
