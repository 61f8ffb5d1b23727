"""On-policy candidates: which of the prompts to come are made anew, and the texts that they then show.

Every so many steps the candidates of all aggregation prompts of the steps until the next refresh are sampled from the policy
as it is then. They are kept in the run's folder, so that a resumed run goes on with the same ones. Blank ones are not shown.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.directory import write_whole
from evals.train.training.data import TrainingRow
from evals.train.training.policy import Sampler
from rsa.compaction import Compaction
from rsa.generation import prompt_text
from rsa.plan import Role
from rsa.prompts import Prompts

__all__ = ["Refresher"]


@dataclass(frozen=True, slots=True)
class Refresher:
    """Refreshes the rows of a run every `every` steps. `visited` are the rows in the order of training."""

    visited: Sequence[TrainingRow]
    per_step: int
    every: int
    prompts: Prompts
    compact: Compaction
    folder: Path

    def due(self, step: int) -> bool:
        """Whether a refresh comes before the step after so many."""
        return step % self.every == 0

    def candidates(self, step: int, sample: Sampler, *, keep: bool) -> dict[int, list[str]]:
        """Texts by place in the visiting order, for the phase in which the step lies: recorded ones, or else fresh ones.

        With `keep` what is fresh is recorded.
        """
        phase = step - step % self.every
        path = self.folder / f"step-{phase}.json"
        if path.is_file():
            return {int(place): texts for place, texts in json.loads(path.read_text()).items()}
        fresh = self._sampled(phase, sample)
        if keep:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(fresh))
        return fresh

    def _sampled(self, phase: int, sample: Sampler) -> dict[int, list[str]]:
        first, last = phase * self.per_step, (phase + self.every) * self.per_step
        places = [place for place in range(first, min(last, len(self.visited))) if self.visited[place].candidates]
        asked = [(place, row) for place in places for row in [self.visited[place]] * self.visited[place].candidates]
        replies = sample([[dict(turn) for turn in row.question.asked(row.question.text)] for _, row in asked])
        texts: dict[int, list[str]] = {place: [] for place in places}
        for (place, _), reply in zip(asked, replies, strict=True):
            if reply.text.strip():
                texts[place].append(self.compact(reply.text, None))
        return texts

    def prompt(self, place: int, candidates: Mapping[int, Sequence[str]]) -> list[dict[str, str]]:
        """The prompt at a place in the visiting order: that of the data set, or it with these candidates.

        Where all of them were blank, those of the data set stay. Raises `KeyError` for a place of another phase.
        """
        row = self.visited[place]
        if not row.candidates or not candidates[place]:
            return [dict(turn) for turn in row.prompt]
        text = prompt_text(self.prompts, row.question, Role.AGGREGATE, candidates[place])
        return [dict(turn) for turn in row.question.asked(text)]
