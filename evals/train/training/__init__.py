"""`rsa-train run`: reinforcement learning on a training set of ours, with trainers that exist."""

from evals.train.training.command import run_training

__all__ = ["run_training"]
