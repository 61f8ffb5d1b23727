"""TRL's RLOO trainer with what it has no option for: prompts made anew, trees as rollouts, and replies for others.

It overrides `_generate` and `_generate_and_score_completions`, which are not public: the extra `train-trl` names the
versions that it was tested with.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from accelerate.utils import gather_object
from trl import RLOOTrainer

from evals.train.training.data import TrainingRow
from evals.train.training.policy import Reply
from evals.train.training.trees import Forest

__all__ = ["PolicyTrainer"]

_Generated = tuple[list[int], list[int], list[dict[str, str]]]
"""The tokens of a prompt, those of its completion, and the completion as messages."""


class PolicyTrainer(RLOOTrainer):  # type: ignore[misc]
    """Trains the policy. `visited` are the rows in the order of training; the data set holds nothing but places in it.

    `prompt_at` gives the prompt of a place where it is not that of its row. With a `forest` each rollout is a tree.
    """

    visited: Sequence[TrainingRow]
    prompt_at: Callable[[int], list[dict[str, str]]] | None = None
    forest: Forest | None = None
    at_a_time: int = 512
    num_generations: int

    def sample(self, conversations: Sequence[list[dict[str, str]]], seed: int) -> list[Reply]:
        """One reply to each conversation, from the policy as it is now. Does not disturb the draws of the training.

        All processes of a distributed run must call it together with the same conversations; each does its share.
        """
        if not conversations:
            return []
        size, rank = self.accelerator.num_processes, self.accelerator.process_index
        share = -(-len(conversations) // size)
        padded = [*conversations, *[conversations[0]] * (share * size - len(conversations))]
        mine = padded[rank * share : (rank + 1) * share]
        with self._aside(seed + rank):
            replies = [reply for start in range(0, share, self.at_a_time) for reply in self._replies(mine, start)]
        return gather_object(replies)[: len(conversations)] if size > 1 else replies

    def anywhere(self, here: bool) -> bool:
        """Whether it is so in any of the processes. All of them must call it together."""
        return any(gather_object([here])) if self.accelerator.num_processes > 1 else here

    def _replies(self, conversations: Sequence[list[dict[str, str]]], start: int) -> list[Reply]:
        _, ids, completions = super()._generate(list(conversations[start : start + self.at_a_time]))
        return [
            Reply(completion[-1]["content"], tokens[-1] in self.eos_token_ids)
            for tokens, completion in zip(ids, completions, strict=True)
        ]

    @contextmanager
    def _aside(self, seed: int) -> Iterator[None]:
        """Generate as in an evaluation: with draws of its own, and out of the training's metrics."""
        training = self.model.training
        self.model.eval()
        try:
            with torch.random.fork_rng([torch.cuda.current_device()] if torch.cuda.is_available() else []):
                torch.manual_seed(seed)
                yield
        finally:
            self.model.train(training)
            self._metrics["eval"].clear()

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self._places = [row["place"] for row in inputs]
        return super()._generate_and_score_completions([self.shown(place) for place in self._places])  # type: ignore[no-any-return]

    def shown(self, place: int) -> dict[str, Any]:
        """The columns of a place, with its prompt as it is now."""
        columns = self.visited[place].columns()
        return {**columns, "prompt": self.prompt_at(place)} if self.prompt_at else columns

    def _generate(self, prompts: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        if self.forest is None or not self.model.training:
            return super()._generate(prompts)  # type: ignore[no-any-return]
        chains = self.forest.strategy.n * self.forest.strategy.steps
        questions = [self.visited[place].question for place in self._places[::chains]]
        trees = self.forest.plant(questions, self.state.global_step)
        with self._ungrouped():
            grown = self.forest.grow(trees, self._generated, lambda made: made[2][-1]["content"])
        return [made[0] for made in grown], [made[1] for made in grown], [made[2] for made in grown]

    def _generated(self, conversations: list[list[dict[str, str]]]) -> list[_Generated]:
        return list(zip(*super()._generate(conversations), strict=True))

    @contextmanager
    def _ungrouped(self) -> Iterator[None]:
        """A vLLM server is sent one prompt for a whole group, but the chains of a tree have prompts of their own."""
        grouped, self.num_generations = self.num_generations, 1
        try:
            yield
        finally:
            self.num_generations = grouped
