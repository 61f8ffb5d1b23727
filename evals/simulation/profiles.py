"""What a server can do, by arithmetic from its GPU's data sheet and its model's configuration."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from evals.simulation.costs import StepCosts
from evals.simulation.replica import Server
from rsa.errors import UsageError
from rsa.settings import Positive, Section, checked, with_overrides
from rsa.text import did_you_mean

__all__ = ["GPU", "Assumed", "Model", "Profile", "Serving", "profile"]

_DATA = Path(__file__).parents[1] / "data" / "servers.yaml"
_NUMBERS = "its numbers (--assume model.layers=36, heads, kv_heads, head_dim, billions; with experts active_billions too)"
_EXPERTS = frozenset({"num_experts", "num_local_experts", "n_routed_experts"})


class GPU(Section):
    """A GPU by its data sheet."""

    memory_gb: float = Field(gt=0)
    bandwidth_gb_s: float = Field(gt=0)
    """Of its memory."""
    tflops: float = Field(gt=0)
    """Dense, in the weights' type."""


class Model(Section):
    """A transformer, dense or with experts."""

    layers: Positive
    heads: Positive
    kv_heads: Positive
    head_dim: Positive
    billions: float = Field(gt=0)
    """Of parameters."""
    active_billions: float | None = Field(None, gt=0)
    """Of the parameters that a token is computed with, where that is not all of them."""
    bytes: float = Field(2.0, gt=0)
    """Of a parameter, and of a number in the KV cache."""

    @property
    def weights(self) -> float:
        """Bytes of all parameters."""
        return self.billions * 1e9 * self.bytes

    @property
    def kv_bytes(self) -> float:
        """What a token takes in the KV cache: a key and a value for each KV head of each layer."""
        return 2 * self.layers * self.kv_heads * self.head_dim * self.bytes


class Assumed(Section):
    """What no data sheet says."""

    bandwidth: float = Field(gt=0, le=1)
    """The share of the memory's bandwidth that is reached."""
    flops: float = Field(gt=0, le=1)
    """The share of the arithmetic that is reached."""
    step_ms: float = Field(ge=0)
    """What a step takes besides reading the weights."""
    sequence_us: float = Field(ge=0)
    """What a sequence adds to a step besides its arithmetic."""
    memory_gb: float = Field(ge=0)
    """What is neither weights nor KV cache."""


class Serving(Section):
    """How the server is set up; the defaults are vLLM's for its API server on GPUs with 80 GB."""

    kv_tokens: Positive | None = None
    """Tokens of KV cache. vLLM's log says it as it starts; None: what the memory has left."""
    max_num_seqs: Positive = 1024
    max_num_batched_tokens: Positive = 8192
    block: Positive = 16
    """Tokens of a block of the prefix cache."""
    memory_share: float = Field(0.92, gt=0, le=1)
    """Of a GPU's memory."""
    gpus: Positive = 1
    """GPUs that one replica is split over. What that costs in messages between them is not known."""


class Profile(Section):
    """One replica. Its model need not be known where nothing has to be calculated from it."""

    gpu: GPU
    model: Model | None = None
    server: Serving = Serving()
    assumed: Assumed

    def build(self, costs: StepCosts | None = None) -> Server:
        """The server, with costs that were calibrated or with those of the arithmetic."""
        serving = self.server
        kv_tokens = serving.kv_tokens or self._kv_tokens()
        sizes = (serving.max_num_seqs, serving.max_num_batched_tokens, serving.block)
        return Server(kv_tokens, costs or self._costs(), *sizes)

    def _known(self) -> Model:
        if self.model is None:
            raise UsageError(
                "the model is not among those that are known, and is no folder with a config.json: name another (--model), "
                f"or give {_NUMBERS}"
            )
        return self.model

    def _kv_tokens(self) -> int:
        gpu, model = self.gpu, self._known()
        all_memory = self.server.gpus * gpu.memory_gb * 1e9 * self.server.memory_share
        left = all_memory - model.weights - self.server.gpus * self.assumed.memory_gb * 1e9
        if left < model.kv_bytes:
            raise UsageError(
                f"the weights take {model.weights / 1e9:.0f} GB and {all_memory / 1e9:.0f} GB are there: "
                f"split a replica over more GPUs (--assume server.gpus={2 * self.server.gpus})"
            )
        return int(left / model.kv_bytes)

    def _costs(self) -> StepCosts:
        gpu, model = self.gpu, self._known()
        bytes_a_second = self.server.gpus * gpu.bandwidth_gb_s * 1e9 * self.assumed.bandwidth
        flops = self.server.gpus * gpu.tflops * 1e12 * self.assumed.flops
        token = 2e9 * (model.active_billions or model.billions) / flops
        return StepCosts(
            step=self.assumed.step_ms / 1e3 + model.weights / bytes_a_second,
            sequence=self.assumed.sequence_us / 1e6 + token,
            context=model.kv_bytes / bytes_a_second,
            prompt=token,
            pair=4 * model.layers * model.heads * model.head_dim / flops,
        )


def profile(gpu: str, model: str | None, overrides: Mapping[str, Any]) -> Profile:
    """The profile of a GPU by its name and of a model by its name or folder, with dotted keys put over it.

    Raises `UsageError` for what is not known or no number.
    """
    known = yaml.safe_load(_DATA.read_text(encoding="utf-8"))
    if gpu not in known["gpus"]:
        raise UsageError(
            f"--gpu: there is no {gpu!r}{did_you_mean(gpu, known['gpus'])} (there are {', '.join(known['gpus'])})"
        )
    content = {"gpu": known["gpus"][gpu], "assumed": known["assumed"]}
    found = _model(model or "", known["models"])
    if found:
        content["model"] = found
    origins = {key: f"--assume {key}" for key in overrides}
    return checked(with_overrides(content, overrides), origins, str(_DATA), Profile)


def _model(name: str, known: Mapping[str, Any]) -> dict[str, Any] | None:
    config = Path(name) / "config.json"
    if name and config.is_file():
        return _read(config)
    inside = [key for key in known if key in name.lower()]
    return dict(known[max(inside, key=len)]) if inside else None


def _read(config: Path) -> dict[str, Any]:
    """A model's numbers out of its configuration; its parameters counted as those of a Llama."""
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
        experts = sorted(key for key in _EXPERTS & content.keys() if content[key])
        numbers = {} if experts else _counted(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{config} is not the configuration of a dense transformer: {error!r}") from error
    if experts:
        raise UsageError(
            f"{config} has {experts[0]}, and parameters of models with experts cannot be counted: "
            f"give a --model that is no folder, and {_NUMBERS}"
        )
    return numbers


def _counted(content: Mapping[str, Any]) -> dict[str, Any]:
    heads, hidden, layers = (content[key] for key in ("num_attention_heads", "hidden_size", "num_hidden_layers"))
    kv_heads = content.get("num_key_value_heads") or heads
    head_dim = content.get("head_dim") or hidden // heads
    attention = 2 * hidden * head_dim * (heads + kv_heads)
    embeddings = content["vocab_size"] * hidden * (1 if content.get("tie_word_embeddings") else 2)
    parameters = layers * (attention + 3 * hidden * content["intermediate_size"]) + embeddings
    numbers = {"layers": layers, "heads": heads, "kv_heads": kv_heads, "head_dim": head_dim}
    return {**numbers, "billions": parameters / 1e9}
