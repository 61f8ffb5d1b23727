"""Start a model server for the length of a run, and leave nothing of it behind."""

from rsa.serving.engines import ENGINES, VLLM, Engine, LlamaCpp, embedded_weights
from rsa.serving.process import log_tail, serve

__all__ = ["ENGINES", "VLLM", "Engine", "LlamaCpp", "embedded_weights", "log_tail", "serve"]
