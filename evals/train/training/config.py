"""The configuration of `rsa-train run`: one model for the YAML file, `--set key=value` and the flags.

The defaults are the paper's: RLOO with a learning rate of 1e-6, 256 prompts a step, 4 rollouts of each, 300 steps, no KL
penalty, prompts of up to 33,792 tokens (four candidates of 8,192 and 1,024 for the question) and replies of up to 8,192.
"""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from evals.config import NamedStrategy, StrategyConfig
from rsa.settings import Positive, Section
from rsa.strategies import RSA

__all__ = ["EndToEndConfig", "EvaluationConfig", "GenerationConfig", "LoraConfig", "TrainConfig", "VerlConfig"]


class LoraConfig(Section):
    """Train low-rank adapters and keep the model as it is, in bfloat16."""

    rank: Positive = 32
    """Rank of the adapters."""
    alpha: Positive = 64
    """Their scale; what they add is multiplied by alpha / rank."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout before an adapter."""
    targets: str | list[str] = "all-linear"
    """Which layers have one: all-linear, or names of layers."""


class GenerationConfig(Section):
    """What writes the rollouts."""

    engine: Literal["transformers", "vllm", "vllm_server"] = "vllm"
    """vllm shares the GPUs with the trainer, vllm_server is one that was started with `trl vllm-serve`, and transformers,
    which is slow, needs nothing."""
    url: str | None = None
    """vllm_server: its URL, such as http://gpu5:8000."""
    gpu_memory: float = Field(0.5, gt=0, lt=1)
    """vllm: its share of each GPU's memory."""
    sleep: bool = True
    """vllm: whether it frees its memory while the trainer computes."""
    tensor_parallel: Positive = 1
    """vllm: over how many GPUs one copy of the model is spread."""
    at_a_time: Positive = 512
    """Evaluation and candidates: sequences that are handed to the engine at a time."""

    @model_validator(mode="after")
    def _server_has_url(self) -> "GenerationConfig":
        if (self.engine == "vllm_server") != (self.url is not None):
            raise ValueError("url is the address of a vllm_server: give both, or neither")
        if self.url and not urlsplit(self.url).hostname:
            raise ValueError("url is not one, such as http://gpu5:8000")
        return self


class EvaluationConfig(Section):
    """An evaluation of the policy with a strategy, on questions of the validation split."""

    every: Positive = 25
    """Training steps between two; there is also one before the first step and one after the last."""
    strategy: NamedStrategy = StrategyConfig(name="rsa", n=8, k=4, steps=4)
    """Its first and its last population are judged."""
    problems: Positive = 64
    """The first so many problems."""


class OnPolicyConfig(Section):
    """Draw the candidates of the aggregation prompts anew from the policy, instead of those of the starting model."""

    every: Positive = 25
    """Training steps between two refreshes: the candidates of the prompts of the next so many steps are sampled at once."""


class EndToEndConfig(Section):
    """A rollout is a whole small RSA tree; the accuracy of its last population is the reward of all its chains."""

    n: Positive = 4
    """Population size N."""
    k: Positive = 2
    """Candidates that a chain reads, K."""
    steps: Annotated[int, Field(ge=2)] = 2
    """Populations T."""

    def build(self) -> RSA:
        """The strategy that plans a tree."""
        return RSA(self.n, self.k, self.steps)

    @model_validator(mode="after")
    def _fits(self) -> "EndToEndConfig":
        self.build()
        return self


class VerlConfig(Section):
    """What only verl needs."""

    ray_address: str | None = None
    """An existing Ray cluster: HOST:PORT of its head, or auto for the one that this machine belongs to."""
    nodes: Positive = 1
    """Machines of the cluster that take part."""
    gpus_per_node: Positive = 4
    """GPUs of each."""
    tokens_per_gpu: Positive = 49152
    """Tokens that a GPU computes gradients for at a time; at least as long as the longest sequence."""
    overrides: dict[str, Any] = Field(default_factory=dict)
    """Any further key of verl's configuration, with dots, put over all else."""


class TrainConfig(Section):
    """A whole training run."""

    model: str
    """The starting model: a folder or a hub id. Candidates should come from the same."""
    data: str
    """The folder that `rsa-train build` made."""
    out: str
    """The folder of the run; one that was begun is gone on with."""
    seed: int = 0
    """Fixes the order of the prompts and, on a CPU, every draw."""
    steps: Positive = 300
    """Training steps."""
    prompts_per_step: Positive = 256
    """Prompts a step."""
    rollouts: int = Field(4, ge=2)
    """Replies to each, among which a reply's baseline is taken (leave one out)."""
    learning_rate: float = Field(1e-6, gt=0)
    """Of AdamW."""
    weight_decay: float = Field(0.01, ge=0)
    """Of AdamW."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate falls."""
    warmup_steps: int = Field(0, ge=0)
    """Steps in which it rises."""
    kl: float = Field(0.0, ge=0)
    """Weight of a KL penalty towards the starting model."""
    max_prompt_tokens: Positive = 33792
    """No prompt may be longer."""
    max_reply_tokens: Positive = 8192
    """New tokens of a reply."""
    temperature: float = Field(1.0, gt=0)
    """Of rollouts and evaluations."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Of rollouts and evaluations."""
    device: Literal["auto", "cpu"] = "auto"
    """cpu also where there is a GPU."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """What is computed in."""
    sequences_per_device: Positive = 1
    """Sequences whose gradients are computed at a time; gradients are added up to the whole step."""
    gradient_checkpointing: bool = True
    """Compute activations twice instead of keeping them."""
    lora: LoraConfig | None = None
    """Low-rank adapters; without this section the whole model is trained."""
    generation: GenerationConfig = GenerationConfig()
    save_every: Positive = 25
    """Steps between two checkpoints."""
    keep: Positive = 2
    """Checkpoints that are kept."""
    log_to: list[Literal["tensorboard", "wandb"]] = Field(default_factory=list)
    """Where metrics go besides the console and log.jsonl."""
    prompts: str | None = None
    """The preset of prompts that evaluations, fresh candidates and trees are asked with; by default that of the data set."""
    evaluation: EvaluationConfig | None = None
    on_policy: OnPolicyConfig | None = None
    end_to_end: EndToEndConfig | None = None
    trl: dict[str, Any] = Field(default_factory=dict)
    """Any further argument of TRL's RLOOConfig, put over all else."""
    verl: VerlConfig = VerlConfig()

    @model_validator(mode="after")
    def _one_way(self) -> "TrainConfig":
        if self.on_policy and self.end_to_end:
            raise ValueError("on_policy and end_to_end exclude each other: a tree samples its own candidates")
        return self

    @property
    def chains(self) -> int:
        """Chains of one rollout: one, or those of a tree."""
        return self.end_to_end.n * self.end_to_end.steps if self.end_to_end else 1

    @property
    def group(self) -> int:
        """Sequences for one prompt, which stand side by side."""
        return self.rollouts * self.chains
