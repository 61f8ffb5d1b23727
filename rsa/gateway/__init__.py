"""`rsa-serve`: an OpenAI-compatible server that answers with Recursive Self-Aggregation on another one.

It needs the extra `serve`: pip install 'recursive-self-aggregation[serve]'.
"""

from rsa.gateway.config import GatewayConfig, load_config

__all__ = ["GatewayConfig", "load_config"]
