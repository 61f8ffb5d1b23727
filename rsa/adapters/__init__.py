"""Ready adapters: models that are reached by something else than an OpenAI-compatible server, as endpoints.

Each needs its package (the extras `[vllm]` and `[litellm]`) and imports it when it is used. What an adapter is, and how to
write one, says `rsa.Adapter`.
"""

from rsa.adapters.litellm_models import from_litellm
from rsa.adapters.vllm_engine import from_vllm

__all__ = ["from_litellm", "from_vllm"]
