"""One OpenAI-compatible server: limits, retries, usage."""

from rsa.endpoint.client import Client
from rsa.endpoint.endpoint import Endpoint
from rsa.endpoint.types import Completion, Message, Messages, Model, Rate, Sampling, content_bytes, most_tokens

__all__ = [
    "Client",
    "Completion",
    "Endpoint",
    "Message",
    "Messages",
    "Model",
    "Rate",
    "Sampling",
    "content_bytes",
    "most_tokens",
]
