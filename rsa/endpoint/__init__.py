"""A model that is called: an OpenAI-compatible server or a function, with limits, retries and usage."""

from rsa.endpoint.callables import Adapter, CallableClient, CallableEndpoint, callable_endpoint
from rsa.endpoint.client import Client
from rsa.endpoint.endpoint import Endpoint
from rsa.endpoint.live import LiveClient
from rsa.endpoint.types import (
    Completion,
    Listener,
    Message,
    Messages,
    Model,
    Rate,
    Sampling,
    TokenCounter,
    content_bytes,
    most_tokens,
)

__all__ = [
    "Adapter",
    "CallableClient",
    "CallableEndpoint",
    "Client",
    "Completion",
    "Endpoint",
    "Listener",
    "LiveClient",
    "Message",
    "Messages",
    "Model",
    "Rate",
    "Sampling",
    "TokenCounter",
    "callable_endpoint",
    "content_bytes",
    "most_tokens",
]
