"""The options of a multiple-choice question, and which of them is the right one."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from rsa.errors import UsageError

__all__ = ["MOST_OPTIONS", "Options", "right_letter", "with_options"]

MOST_OPTIONS = 10
"""Answers are read as a letter from A to J."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options in order. `labels` are the data's own names for them; None: they have none but the letters A, B, ..."""

    texts: Sequence[str]
    labels: Sequence[str] | None = None

    @property
    def letters(self) -> str:
        """The letters under which the model sees them."""
        return ascii_uppercase[: len(self.texts)]


def with_options(question: str, options: Options) -> str:
    """A multiple-choice question as the model sees it."""
    shown = (f"{letter}. {text}" for letter, text in zip(options.letters, options.texts, strict=True))
    return "\n".join([f"{question}\n", *shown])


def right_letter(gold: str, options: Options, where: str, *, is_letter: bool) -> str:
    """The letter of the right option, which is given by its label or, unless `is_letter`, by its text.

    Raises `UsageError` if no option fits, or if the answer is the letter of one option and the text of another. Labels of
    the data's own leave no doubt: they come before texts.
    """
    labels = options.letters if is_letter or options.labels is None else options.labels
    by_label = _fitting(gold.upper(), [label.upper() for label in labels])
    only_labels = is_letter or (options.labels is not None and by_label)
    right = by_label if only_labels else by_label | _fitting(gold, options.texts)
    if not right:
        raise UsageError(
            f"{where}: the right answer {gold!r:.80} is none of its {len(options.texts)} options: "
            + ("give a letter" if is_letter else "give the letter or the whole text of one")
        )
    if len(right) > 1:
        raise UsageError(
            f"{where}: the right answer {gold!r:.80} may stand for the options {' and '.join(sorted(right))}: give its "
            "letter in a column called answer_letter (--answer-field answer_letter)"
        )
    return right.pop()


def _fitting(gold: str, names: Sequence[str]) -> set[str]:
    return {letter for letter, name in zip(ascii_uppercase, names, strict=False) if name.strip() == gold.strip()}
