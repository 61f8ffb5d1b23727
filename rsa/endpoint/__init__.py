"""One OpenAI-compatible server: limits, retries, usage."""

from rsa.endpoint.client import Client, Endpoint, Rate
from rsa.endpoint.types import Completion, Message, Messages, Model, Sampling

__all__ = ["Client", "Completion", "Endpoint", "Message", "Messages", "Model", "Rate", "Sampling"]
