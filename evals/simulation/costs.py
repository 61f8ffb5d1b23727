"""How long a step of a model server takes."""

import math
from dataclasses import dataclass, fields

__all__ = ["StepCosts"]


@dataclass(frozen=True, slots=True)
class StepCosts:
    """Seconds, in a model that is linear in what a step does.

    `step` is what every step takes (the weights are read once, kernels are launched), `sequence` what each sequence adds
    that makes a token, `context` each token of KV cache that those sequences read, `prompt` each prompt token that is
    computed, `pair` each token that a prompt token looks back at. `call` passes outside of steps, before a call is in line.
    """

    step: float
    sequence: float = 0.0
    context: float = 0.0
    prompt: float = 0.0
    pair: float = 0.0
    call: float = 0.0

    def times(self, factor: float) -> "StepCosts":
        """The costs of a server that is slower by a factor."""
        return StepCosts(*(factor * getattr(self, each.name) for each in fields(self)))

    def decoding(self, steps: int, sequences: int, context: int) -> float:
        """So many steps of so many sequences, whose tokens are `context` together as the first step begins."""
        read = steps * context + sequences * steps * (steps - 1) / 2
        return steps * (self.step + sequences * self.sequence) + self.context * read

    def reading(self, prompt: int, pairs: float) -> float:
        """What prompt tokens add to the step in which they are computed."""
        return prompt * self.prompt + pairs * self.pair

    def steps_by(self, seconds: float, sequences: int, context: int) -> int:
        """How many steps have begun after so many seconds of `decoding`; at least one."""
        square = self.context * sequences / 2
        linear = self.step + sequences * self.sequence + self.context * (context - sequences / 2)
        if square * seconds < 1e-9 * linear * linear:  # growth does not show, and its square would be lost in rounding
            return max(1, math.ceil(seconds / linear))
        return max(1, math.ceil((math.sqrt(linear * linear + 4 * square * seconds) - linear) / (2 * square)))
