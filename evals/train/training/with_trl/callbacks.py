"""What happens between the steps of a training run: a line and the log, evaluations, refreshes, an orderly end."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState

from evals.directory import write_whole
from evals.train.training.fresh import Refresher
from evals.train.training.policy import Evaluation
from evals.train.training.with_trl.trainer import PolicyTrainer
from rsa.keys import Key

__all__ = ["Evaluating", "Journal", "Refreshing", "Stopping"]

_PREFIX = "rsa/"


class Journal(TrainerCallback):  # type: ignore[misc]
    """Tells of every step on the console, and keeps `log.jsonl` with all metrics up to the state of the run."""

    def __init__(self, path: Path, steps: int, tell: Callable[[str], None]) -> None:
        self._path, self._steps, self._tell = path, steps, tell

    def on_log(
        self, _args: Any, state: TrainerState, _control: TrainerControl, logs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """Write the log whole: what a killed run had logged behind its last checkpoint goes with it."""
        if not state.is_world_process_zero:
            return
        write_whole(self._path, "".join(json.dumps(entry) + "\n" for entry in state.log_history))
        if logs and (line := self._line(logs)):
            self._tell(f"step {state.global_step}/{self._steps}  {line}")

    @staticmethod
    def _line(logs: dict[str, Any]) -> str:
        named = {name.removeprefix(_PREFIX): value for name, value in logs.items() if name.startswith(_PREFIX)}
        if "reward" in logs:
            named |= {"reward": logs["reward"], "tokens": logs["completions/mean_length"], "seconds": logs["step_time"]}
        shown = {name: f"{value:.3g}" if isinstance(value, float) else value for name, value in named.items()}
        return "  ".join(f"{name.replace('_', ' ')} {value}" for name, value in shown.items())


class Evaluating(TrainerCallback):  # type: ignore[misc]
    """Evaluates the policy with a strategy before the first step, every so many steps, and after the last."""

    def __init__(self, evaluation: Evaluation, every: int, trainer: PolicyTrainer) -> None:
        self._evaluation, self._every, self._trainer = evaluation, every, trainer

    def on_train_begin(self, _args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Before the first step, but not where a run is resumed."""
        if state.global_step == 0:
            self._evaluate(control)

    def on_step_end(self, _args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Every so many steps, and after the last."""
        if state.global_step % self._every == 0 or state.global_step == state.max_steps:
            self._evaluate(control)

    def _evaluate(self, control: TrainerControl) -> None:
        draws = iter(range(1 << 20))  # every call has draws of its own, the same in every evaluation
        found = self._evaluation.of(lambda asked: self._trainer.sample(asked, self._evaluation.seed + next(draws)))
        # TRL's own `log` would put the metrics of the step into this entry, and any `log` counts as that of the step
        step_is_due = control.should_log
        Trainer.log(self._trainer, {f"{_PREFIX}{name}": value for name, value in found.items()})
        control.should_log = step_is_due


class Refreshing(TrainerCallback):  # type: ignore[misc]
    """Has the candidates of the prompts to come sampled anew from the policy, when it is time."""

    def __init__(self, refresher: Refresher, trainer: PolicyTrainer, seed: int) -> None:
        self._refresher, self._trainer, self._seed = refresher, trainer, seed
        self._candidates: dict[int, list[str]] | None = None
        trainer.prompt_at = self._prompt_at

    def on_step_begin(self, _args: Any, state: TrainerState, _control: TrainerControl, **_: Any) -> None:
        """Where a phase begins, and where a run is resumed within one."""
        step = state.global_step
        if self._candidates is None or self._refresher.due(step):
            seed = Key(self._seed, "training set", step=step, purpose="candidates").request_seed()
            self._candidates = self._refresher.candidates(
                step, lambda asked: self._trainer.sample(asked, seed), keep=state.is_world_process_zero
            )

    def _prompt_at(self, place: int) -> list[dict[str, str]]:
        return self._refresher.prompt(place, self._candidates or {})


class Stopping(TrainerCallback):  # type: ignore[misc]
    """Ends a run when a signal asks for it: after the step that it is in, with a checkpoint. A second one ends it now.

    Of several processes all end after the same step, whichever of them was asked.
    """

    def __init__(self, trainer: PolicyTrainer, tell: Callable[[str], None]) -> None:
        self._trainer, self._tell = trainer, tell
        self.asked = False

    def on_step_end(self, _args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """End with a checkpoint, where that is asked."""
        if self._trainer.anywhere(self.asked) and state.global_step < state.max_steps:
            control.should_save = control.should_training_stop = True

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """Take Ctrl-C and SIGTERM as the wish to end, as long as the block lasts."""
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._on_signal) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._tell("Stopping after this step, with a checkpoint. Ctrl-C again stops now.")
