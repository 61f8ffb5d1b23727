"""Keeping evaluation sets out of a training set.

Questions are compared as words, numbers and signs, without case, spacing, mathematical decoration and the instruction that
we append. A problem is dropped if it asks the same as one of an evaluation set, if all of such a question is in it, or if
the two have too many n-grams in common.

Instructions, templates and phrases ("where m and n are relatively prime positive integers") would make strangers alike. So
an n-gram counts as common only if few problems have it, in the evaluation sets and in the training set. A question that is
shorter than an n-gram is only compared as a whole.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evals.problems import Problem
from evals.tasks.rows import instruction_for
from evals.train.building.dropped import Dropped

__all__ = ["EvaluationSets", "Named", "without_duplicates"]

_DECORATION = re.compile(r"\\[()\[\],;!]|\\(?:left|right|displaystyle)\b|(?<=\\)[dt](?=frac)|[{}\\]|(?<!\s)\$|\$(?!\s)")
_SENTENCE_END = re.compile(r"(?<=\w)[.,;:?]+(?=\s|$)")
_WORD = re.compile(r"\w+|[^\w\s]")
_FEW = 5  # problems that may have an n-gram which is no template's; or, of many problems, this share
_FEW_SHARE = 0.01

Words = tuple[str, ...]


class Named(NamedTuple):
    """A problem with the name of its source, and the instruction that the source's configuration appends."""

    source: str
    problem: Problem
    instruction: str | None = None

    @property
    def name(self) -> str:
        """The problem's name among those of all sources."""
        return f"{self.source}:{self.problem.id}"

    @property
    def words(self) -> Words:
        """What is asked, as it is compared. What the system message says is no part of it, earlier turns are."""
        question = self.problem.question.removesuffix(self.instruction or instruction_for(self.problem.kind))
        turns = [str(turn["content"]) for turn in self.problem.before if turn["role"] != "system"]
        text = unicodedata.normalize("NFKC", "\n".join([*turns, question])).casefold()
        return tuple(_WORD.findall(_SENTENCE_END.sub("", _DECORATION.sub("", text))))


def without_duplicates(problems: Iterable[Named]) -> tuple[list[Named], list[Dropped]]:
    """The first of the problems that ask the same, and what that leaves out."""
    seen: dict[Words, str] = {}
    kept, dropped = [], []
    for each in problems:
        first = seen.setdefault(each.words, each.name)
        if first == each.name:
            kept.append(each)
        else:
            dropped.append(Dropped(each.source, each.problem.id, "duplicate", f"the same as {first}"))
    return kept, dropped


@dataclass(frozen=True, slots=True)
class _Known:
    """A problem of an evaluation set: its name, and how many of its n-grams count."""

    name: str
    size: int


class EvaluationSets:
    """The problems that must not be trained on."""

    def __init__(self, problems: Sequence[Named], ngram: int, overlap: float) -> None:
        self._ngram = ngram
        self._overlap = overlap
        self._whole = {each.words: each.name for each in reversed(problems)}
        self._named = [(each.name, self._grams(each.words)) for each in problems]
        self._frequent = Counter(gram for _, grams in self._named for gram in grams)
        self._by_rarest: dict[int, list[int]] = {}
        for number, (_, grams) in enumerate(self._named):
            if grams:
                self._by_rarest.setdefault(min(grams, key=self._frequent.__getitem__), []).append(number)

    def drop(self, problems: Sequence[Named]) -> tuple[list[Named], list[Dropped]]:
        """The problems that may be trained on, and those that may not."""
        if not self._named:
            return list(problems), []
        templates = self._templates(problems)
        known, places = self._index(templates)
        kept, dropped = [], []
        for each in problems:
            found = self._find(each.words, templates, known, places)
            if found is None:
                kept.append(each)
            else:
                dropped.append(Dropped(each.source, each.problem.id, *found))
        return kept, dropped

    def _find(
        self, words: Words, templates: frozenset[int], known: Sequence[_Known], places: Mapping[int, list[int]]
    ) -> tuple[str, str] | None:
        """Why a question may not be trained on, if it may not: the reason and the detail."""
        if words in self._whole:
            return "in_evaluation_set", f"the same as {self._whole[words]}"
        everything = self._grams(words)
        inside = self._inside(everything)
        if inside is not None:
            return "like_evaluation_set", f"all of {inside} is in it"
        own = everything - templates
        shared = Counter(number for gram in own for number in places.get(gram, ()))
        if not shared:
            return None
        share, number = max((count / min(len(own), known[each].size), -each) for each, count in shared.items())
        if share < self._overlap:
            return None
        name = known[-number].name
        return "like_evaluation_set", f"{share:.0%} of its rows of {self._ngram} words are in {name}"

    def _inside(self, grams: frozenset[int]) -> str | None:
        """The evaluation problem all of whose n-grams are among these, if there is one. Templates count here."""
        alike = (number for gram in grams for number in self._by_rarest.get(gram, ()) if self._named[number][1] <= grams)
        number = min(alike, default=None)
        return None if number is None else self._named[number][0]

    def _index(self, templates: frozenset[int]) -> tuple[list[_Known], dict[int, list[int]]]:
        """The evaluation problems, and in which of them every n-gram that counts is."""
        known, places = [], dict[int, list[int]]()
        for number, (name, grams) in enumerate(self._named):
            counting = grams - templates
            known.append(_Known(name, len(counting)))
            for gram in counting:
                places.setdefault(gram, []).append(number)
        return known, places

    def _templates(self, problems: Sequence[Named]) -> frozenset[int]:
        """The n-grams that many problems have, there or here."""
        theirs = self._frequent
        found = {gram for gram, count in theirs.items() if count > _few(len(self._named))}
        ours = Counter(gram for each in problems for gram in self._grams(each.words) if gram in theirs)
        return frozenset(found | {gram for gram, count in ours.items() if count > _few(len(problems))})

    def _grams(self, words: Words) -> frozenset[int]:
        return frozenset(map(hash, _ngrams(words, self._ngram)))


def _few(problems: int) -> float:
    return max(_FEW, _FEW_SHARE * problems)


def _ngrams(words: Words, length: int) -> Iterator[Words]:
    return (words[start : start + length] for start in range(len(words) - length + 1))
