"""One OpenAI-compatible server: limits, retries, usage."""

from rsa.endpoint.client import Client
from rsa.endpoint.endpoint import Endpoint
from rsa.endpoint.types import Completion, Listener, Message, Messages, Model, Rate, Sampling, content_bytes, most_tokens

__all__ = [
    "Client",
    "Completion",
    "Endpoint",
    "Listener",
    "Message",
    "Messages",
    "Model",
    "Rate",
    "Sampling",
    "content_bytes",
    "most_tokens",
]
